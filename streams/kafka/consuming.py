"""Consumers without a group: they read what they are told to, and own nothing."""

from typing import Literal

from aiokafka import AIOKafkaConsumer

from streams.kafka.bootstrap import bootstrap


def plain_consumer(
    url: str, *, reset: Literal["none", "earliest", "latest"] = "none", **more: object
) -> AIOKafkaConsumer:
    """One that has not started yet; seek as soon as it is assigned.

    `reset` is where it goes by itself when what it is at was removed. With `none` reading raises
    `OffsetOutOfRangeError` then, since to go anywhere by itself is to step over records.
    """
    servers = bootstrap(url)
    return AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset=reset, **more)

"""Consumers: members of a group, and such as read what they are told to and own nothing. Neither commits by itself."""

from typing import Literal

from aiokafka import AIOKafkaConsumer

from streams.kafka.aiokafka_repairs import repair
from streams.kafka.bootstrap import bootstrap
from streams.settings import Settings


def plain_consumer(
    url: str, *, reset: Literal["none", "earliest", "latest"] = "none", **more: object
) -> AIOKafkaConsumer:
    """One that has not started yet; seek as soon as it is assigned.

    `reset` is where it goes by itself when what it is at was removed. With `none` reading raises
    `OffsetOutOfRangeError` then, since to go anywhere by itself is to step over records.
    """
    repair()
    servers = bootstrap(url)
    return AIOKafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset=reset, **more)


def group_consumer(settings: Settings, group: str, *topics: str, **more: object) -> AIOKafkaConsumer:
    """A static member, by the worker's name, of a consumer group whose offsets are committed by hand.

    Where there is nothing to go on from (no commit, or its records were removed), `getmany` raises: starting anywhere
    by itself could double or lose.
    """
    repair()
    session = int(settings.session_timeout * 1000)
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap(settings.kafka_url),
        group_id=group,
        group_instance_id=f"{group}-{settings.worker}",
        enable_auto_commit=False,
        auto_offset_reset="none",
        session_timeout_ms=session,
        heartbeat_interval_ms=session // 3,
        **more,
    )

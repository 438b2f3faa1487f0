"""What waits for a broker that is away, for as long as it takes; and what no waiting can mend."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)

from streams.background import PAUSES, pauses
from streams.kafka.bootstrap import bootstrap

log = logging.getLogger(__name__)

AWAY = (KafkaError, OSError)
"""What may pass, if not `REFUSED`."""
REFUSED = (
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnsupportedVersionError,
)
"""What trying again can't mend: the caller gets it."""

ResultT = TypeVar("ResultT")


def may_pass(error: BaseException) -> bool:
    """Whether it is worth trying again."""
    return isinstance(error, AWAY) and not isinstance(error, REFUSED)


async def waited_out(work: Callable[[], Awaitable[ResultT]], wanted: Callable[[], bool] = lambda: True) -> ResultT:
    """The result of `work`, tried again for as long as the broker is away and the result is `wanted`."""
    for pause in pauses(PAUSES):
        try:
            return await work()
        except AWAY as error:
            if not may_pass(error) or not wanted():
                raise
            log.warning("Kafka does not answer (%r): trying again in %s s", error, pause)
        await asyncio.sleep(pause)
    raise AssertionError


async def reachable(url: str) -> None:
    """Returns once a broker answers; waits for it as long as it takes."""

    async def ask() -> None:
        client = AIOKafkaClient(bootstrap_servers=bootstrap(url))
        try:
            await client.bootstrap()
        finally:
            await client.close()

    await waited_out(ask)

"""What in aiokafka 0.14 burns a core while the broker is away, repaired. The version is pinned; a test watches it."""

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient

VERSION = "0.14.0"
PAUSE = 0.25
"""Seconds between two attempts of a client to learn where the partitions are."""

_ask = AIOKafkaClient._metadata_update  # noqa: SLF001


def pace_metadata() -> None:
    """Make all clients of this process pause after a failed attempt; may be called again.

    Trap: producers and consumers that don't know a partition's leader ask again as soon as the last attempt has failed.
    A broker that is shut down properly first tells everybody that its partitions have no leader.
    """
    AIOKafkaClient._metadata_update = _ask_and_rest  # noqa: SLF001


async def _ask_and_rest(self: AIOKafkaClient, *args: Any) -> Any:  # noqa: ANN401 - untyped in aiokafka
    known = await _ask(self, *args)
    if not known:
        await asyncio.sleep(PAUSE)
    return known

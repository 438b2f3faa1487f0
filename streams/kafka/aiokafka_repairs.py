"""What in aiokafka 0.14 goes wrong around brokers that are away, repaired. The version is pinned; a test watches it."""

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import IllegalGenerationError, KafkaError
from aiokafka.protocol.commit import OffsetCommitRequest

VERSION = "0.14.0"
PAUSE = 0.25
"""Seconds between two attempts of a client to learn where the partitions are."""

_ask = AIOKafkaClient._metadata_update  # noqa: SLF001
_send = AIOKafkaConnection.send
_fetched = Fetcher.fetched_records
_commit = GroupCoordinator._do_commit_offsets  # noqa: SLF001


def repair() -> None:
    """Repair all clients of this process; may be called again."""
    AIOKafkaClient._metadata_update = _ask_and_rest  # noqa: SLF001
    AIOKafkaConnection.send = _send_unless_closed
    Fetcher.fetched_records = _fetched_unless_over
    GroupCoordinator._do_commit_offsets = _commit_as_a_member  # noqa: SLF001


async def _ask_and_rest(self: AIOKafkaClient, *args: Any) -> Any:  # noqa: ANN401 - untyped in aiokafka
    """Pauses after a failed attempt to learn where the partitions are.

    Trap: producers and consumers that don't know a partition's leader ask again as soon as the last attempt has failed.
    A broker that is shut down properly first tells everybody that its partitions have no leader.
    """
    known = await _ask(self, *args)
    if not known:
        await asyncio.sleep(PAUSE)
    return known


def _send_unless_closed(self: AIOKafkaConnection, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - untyped in aiokafka
    """Says of a connection that the broker has closed that it is closed (`KafkaConnectionError`).

    Trap: between that a connection closes and that its reader hears of it, asyncio drops what is written, but uvloop
    raises `RuntimeError`, which aiokafka does not expect: the task that asks where the partitions are ends of it in
    silence, and whoever waits for the answer (a consumer that looks for its group's coordinator) waits for ever.
    """
    if self._writer is not None and self._writer.is_closing():
        self.close(reason=CloseReason.CONNECTION_BROKEN)
    return _send(self, *args, **options)


async def _fetched_unless_over(self: Fetcher, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - likewise
    """Says (`KafkaError`) that nothing will come any more.

    Trap: the task that fetches ends where it meets what it does not expect, and whoever reads gets nothing, for ever.
    """
    if self._fetch_task.done():
        raise KafkaError("the task that fetches from the broker has ended: see the log for why")
    return await _fetched(self, *args, **options)


async def _commit_as_a_member(self: GroupCoordinator, assignment: Any, offsets: Any) -> None:  # noqa: ANN401 - likewise
    """Refuses to commit (`CommitFailedError` for the caller) what belongs to a member that is none any more.

    Trap: a member that the broker does not know goes without a generation until it joins again, and the broker takes a
    commit without one while the group is empty: a worker that wakes up late would set back what others have committed.
    """
    none = OffsetCommitRequest.DEFAULT_GENERATION_ID
    if self._subscription.partitions_auto_assigned() and self.generation == none:
        raise IllegalGenerationError(self.group_id)
    await _commit(self, assignment, offsets)

"""What comes of a dispatch in a shadow: what was recorded, or else what came of a recorded call of its lane. Pure.

The choice goes by a hash of the notification and the dispatch, so a what-if run twice says the same.
"""

import heapq
from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

from projections.whatif.recorded import Answer, Call, Recorded
from streams.events import Channel, LaneClass

KEPT = 2000
"""Recorded calls kept of each lane to choose from: those with the smallest hashes, a fair sample whatever the order."""


class Said(NamedTuple):
    """What comes of a dispatch, in milliseconds; None is what does not happen."""

    late: int
    """From the time it was planned for until it was queued."""
    wait: int | None
    """In the lane, until deliver took it up."""
    renewed: int | None
    """Until it was queued again, since its lane record was lost."""
    answer: Answer | None
    took: int | None
    """The call, until the provider's answer."""
    lost: int | None
    """From the beginning of the call until it counted as lost."""
    deferred: int = 0
    """How long the provider asked to be left alone."""


AT_ONCE = Said(0, 0, None, "sent", 0, None)
"""The assumption where the record holds no call at all."""
Lane = tuple[Channel, LaneClass]


class _Kept(NamedTuple):
    """The hash is negative, so that the largest one is the first to go."""

    order: int
    name: str
    dispatch: int
    said: Said


class Sample:
    """Recorded calls that came to an end, by lane."""

    def __init__(self) -> None:
        self._kept: dict[Lane, list[_Kept]] = {}
        self._pools: dict[Lane, list[Said]] = {}

    def add(self, recorded: Recorded) -> None:
        """Offer all calls of a notification."""
        for dispatch, said in recorded_answers(recorded):
            if said.wait is None or (said.answer in (None, "deferred") and said.lost is None):
                continue
            kept = self._kept.setdefault((recorded.request.channel, lane_class(recorded, dispatch)), [])
            offered = _Kept(-_hash(recorded.name, dispatch), recorded.name, dispatch, said)
            if len(kept) < KEPT:
                heapq.heappush(kept, offered)
            elif offered > kept[0]:
                heapq.heapreplace(kept, offered)

    def assumed(self, recorded: Recorded, dispatch: int) -> Said:
        """One of the lane's; where it has none, of the channel's; else of any."""
        pool = self._pool(recorded.request.channel, lane_class(recorded, dispatch))
        return pool[_hash(recorded.name, -dispatch) % len(pool)] if pool else AT_ONCE

    def failure_rates(self) -> dict[str, float]:
        """By channel: the share of the kept calls that failed or were lost."""
        rates: dict[str, float] = {}
        for channel in sorted({channel for channel, _ in self._kept}):
            calls = [one.said for (of, _), kept in self._kept.items() if of == channel for one in kept]
            rates[channel] = sum(said.answer != "sent" or said.lost is not None for said in calls) / len(calls)
        return rates

    def _pool(self, channel: Channel, lane: LaneClass) -> list[Said]:
        if (channel, lane) not in self._pools:
            same_channel = [kept for (of, _), kept in self._kept.items() if of == channel]
            lists = [self._kept[channel, lane]] if (channel, lane) in self._kept else same_channel
            chosen = [each for kept in lists or self._kept.values() for each in kept]
            self._pools[channel, lane] = [one.said for one in sorted(chosen)]
        return self._pools[channel, lane]


def lane_class(recorded: Recorded, dispatch: int) -> LaneClass:
    """The first goes by the class, all others are retries: as `streams.rules.conclusions.lane_of` has it."""
    return recorded.priority if dispatch == 1 else "retries"


def recorded_answers(recorded: Recorded) -> Iterator[tuple[int, Said]]:
    """Each dispatch that was queued, with what came of it."""
    planned: int | None = None
    began: int | None = recorded.time
    for dispatch, call in enumerate(recorded.calls, start=1):
        following = recorded.calls[dispatch].queued if dispatch < len(recorded.calls) else None
        if call.queued is not None:
            yield dispatch, _said(call, planned, following, began)
        planned, began = call.next, None


def _said(call: Call, planned: int | None, following: int | None, began: int | None) -> Said:
    """`began` is when the first dispatch was accepted, before it was perhaps held for the recipient's quiet hours.

    Trap: times are of several clocks; what they make negative did not take any time.
    """
    assert call.queued is not None
    late = 0 if planned is None else max(call.queued - planned, 0)
    if call.sending is None:
        renewed = None if following is None else max(following - call.queued, 0)
        return Said(late, None, renewed, None, None, None)
    wait = max(call.sending - (began or call.queued), 0)
    took = None if call.answered is None else max(call.answered - call.sending, 0)
    lost = None if call.lost is None else max(call.lost - call.sending, 0)
    deferred = max(call.next - call.answered, 0) if call.answer == "deferred" and call.next and call.answered else 0
    return Said(late, wait, None, call.answer, took, lost, deferred)


def _hash(name: str, dispatch: int) -> int:
    return int.from_bytes(blake2b(f"{name}:{dispatch}".encode(), digest_size=7).digest(), "big")

"""Open jobs in, those that something forgot out: what they wait for should have come long ago. Pure.

A job waits for a time, which a timer watches over, or for deliver to take its lane record up. It is late when the time
has long passed, or when the record is gone: its lane is empty and no `sending` came. Putting `came-due` on the log is
safe, whatever we believe: the fold accepts it only if the job still waits for the same thing there. For a lane that is
so because deliver writes `sending` before it commits: the job was seen queued, so its lane record was written; the
lane was seen committed to its end after that, so the record was committed; so a `sending`, if there ever was one, lies
before the `came-due` on the log, and the job is not queued any more when that is folded.

A job is only suspected at first, and helped on when the log as it then was has been folded: so a processor that is
behind finds nothing late that is only unread, and the counters tell faults. One that moved meanwhile, were it but from
one hold to the next, is none of those that were suspected.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.events import Obligation
from streams.record import Record
from streams.rules.conclusions import came_due, lane_of
from streams.rules.notification import Job
from streams.rules.phase import AWAITS, Rank
from streams.topics import EVENTS

Place = tuple[int, bytes]
"""Partition and key of a job in the table."""
Lane = tuple[str, int]
"""A lane's topic and partition."""
AT_ONCE = 2000
"""Jobs helped on in one go."""


class Patience(NamedTuple):
    """How long a job may wait in an empty lane, and how long after its due time."""

    queued: timedelta
    late: timedelta


class Watched(NamedTuple):
    """An open job as it is now, and for how long it has been watched as it is."""

    job: Job
    waited: timedelta


class Suspect(NamedTuple):
    """How far a job was that seemed late; `end` is the log's at that time."""

    rank: Rank
    end: int


class Known(NamedTuple):
    """What is known after a look: lanes that are empty, and of each partition where the log ends and is folded to."""

    empty: Container[Lane]
    ends: Mapping[int, int]
    folded: Mapping[int, int]


@dataclass(slots=True)
class Look:
    """A look at all open jobs, one after the other. `empty` are the lanes that were when last asked.

    `found` are the jobs that are late, without those of other lanes; `lanes` those in which jobs have waited for long:
    whether they are empty is to be asked after the look, never before.
    """

    patience: Patience
    empty: Container[Lane]
    found: dict[Place, Rank] = field(default_factory=dict)
    lanes: set[Lane] = field(default_factory=set)
    open_jobs: int = 0
    oldest: datetime | None = None

    def take(self, partition: int, job: Job, waited: timedelta) -> None:
        """The next one, watched for so long as it is."""
        self.open_jobs += 1
        if self.oldest is None or job.accepted < self.oldest:
            self.oldest = job.accepted
        kind = late(job, waited, self.patience, lane_empty=True)
        if kind == "lane":
            self.lanes.add(lane := (lane_of(job), partition))
            kind = kind if lane in self.empty else None
        if kind is not None and len(self.found) < AT_ONCE:
            self.found[partition, job.notification.encode()] = job.rank


def late(job: Job, waited: timedelta, patience: Patience, *, lane_empty: bool) -> Obligation | None:
    """What this job, watched for so long as it is, waits for in vain, if it does."""
    obligation = AWAITS.get(job.phase)
    if obligation == "lane":
        return obligation if lane_empty and waited > patience.queued else None
    return obligation if job.due is not None and waited > job.due - job.changed + patience.late else None


def suspects(
    look: Look, now: Mapping[Place, Watched], before: Mapping[Place, Suspect], known: Known
) -> dict[Place, Suspect]:
    """Those found that have not moved since and are late still; `now` are the open ones among them.

    One that was suspected `before` and still waits for the log to be folded keeps the end it had.
    """
    suspected: dict[Place, Suspect] = {}
    for place, rank in look.found.items():
        partition, watched = place[0], now.get(place)
        if watched is None or watched.job.rank != rank:
            continue
        lane_empty = AWAITS[rank.phase] == "lane" and (lane_of(watched.job), partition) in known.empty
        if late(*watched, look.patience, lane_empty=lane_empty) is None:
            continue
        old = before.get(place)
        waits = old is not None and old.rank == rank and known.folded.get(partition, -1) < old.end
        suspected[place] = old if old is not None and waits else Suspect(rank, known.ends[partition])
    return suspected


def forgotten(
    suspected: Mapping[Place, Suspect], now: Mapping[Place, Watched], folded: Mapping[int, int]
) -> dict[Place, Job]:
    """Those that the log, folded as far as it went when they were suspected, has not moved."""
    return {
        place: now[place].job
        for place, suspect in suspected.items()
        if place in now and now[place].job.rank == suspect.rank and folded.get(place[0], -1) >= suspect.end
    }


def help_on(place: Place, job: Job, now: datetime) -> Record:
    """What is put on the log about a job that was forgotten."""
    assert job.request is not None
    return Record.of(came_due(job, now), EVENTS, job.request.recipient_key.encode(), place[0])

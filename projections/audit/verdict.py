"""What must hold of one notification: a story in, whatever is wrong with it out. Pure.

An open notification needs somebody who will go on with it: lifecycle, if it has not read all of the story yet; a
worker, if its lane record is unread; or a time that lifecycle waits for. Otherwise it is stuck.
"""

from collections.abc import Iterator
from typing import NamedTuple

from projections.audit.finding import Finding
from projections.audit.story import Story
from streams.clock import iso, milliseconds
from streams.events import Queued, SendDeferred, SendFailed, Sending, SendLost, Sent, Settled
from streams.rules.notification import Job
from streams.rules.phase import AWAITS, Phase


class Sight(NamedTuple):
    """From where a partition is looked at: lifecycle has certainly applied what lies before offset `applied`.

    `now` was before the log's end was asked for; a time in the story may have passed by `tolerance`. In milliseconds.
    What lies before offset `imported` is another system's history, which nobody here goes on with.
    """

    applied: int
    now: int
    tolerance: int
    imported: int = 0


def judge(name: str, story: Story, sight: Sight) -> Iterator[Finding]:
    """All that is wrong with it, but for a lane record that may be missing (see `waits_in_lane`)."""
    job = story.job
    if job is None:
        return
    queued, sending = story.marks(Queued), story.marks(Sending)
    answered = story.marks(Sent, SendFailed, SendDeferred)
    if (queued + 2) & queued:
        yield Finding("dispatches", name, f"expected dispatches 1, 2, 3 ..., queued were {_listed(queued)}")
    if extra := sending & ~queued:
        yield Finding("unannounced", name, f"sending without queued: dispatch {_listed(extra)}")
    if extra := answered & ~sending:
        yield Finding("unannounced", name, f"an outcome without sending: dispatch {_listed(extra)}")
    watched = 1 << job.dispatch if job.phase is Phase.SENDING else 0
    yield from _unanswered(name, story, sight, sending & ~answered & ~watched)
    yield from _doubles(name, story)
    yield from _redeliveries(name, story, sight)
    if not job.final and not owed(story, sight):
        yield from _stuck(name, job, sight)


def owed(story: Story, sight: Sight) -> bool:
    """Whether the next step is lifecycle's, of who looks after the dead letters, or was another system's."""
    return story.last >= sight.applied or story.lettered or story.last < sight.imported


def waits_in_lane(story: Story, sight: Sight) -> int | None:
    """The dispatch whose lane record must be unread."""
    job = story.job
    return job.dispatch if job is not None and job.phase is Phase.QUEUED and not owed(story, sight) else None


def _unanswered(name: str, story: Story, sight: Sight, unanswered: int) -> Iterator[Finding]:
    if not unanswered:
        return
    open_ones = unanswered & ~story.marks(SendLost, Settled)
    if open_ones and story.deadline + sight.tolerance < sight.now and not owed(story, sight):
        yield Finding("no-outcome", name, f"no outcome, no send-lost and not settled: dispatch {_listed(open_ones)}")


def _doubles(name: str, story: Story) -> Iterator[Finding]:
    sent, earlier = story.marks(Sent), 0
    if not sent & (sent - 1) and not story.twice:
        return
    lost = story.marks(SendLost)
    for dispatches in story.redeliveries.deliveries():
        own = sent & dispatches
        earlier |= own & ~(1 << own.bit_length() - 1) if own else 0
    if unexplained := earlier & ~lost:
        yield Finding("double", name, f"sent, then sent again without send-lost: dispatch {_listed(unexplained)}")
    if unexplained := story.twice & ~lost:
        yield Finding("double", name, f"two calls, told by two outcomes: dispatch {_listed(unexplained)}")


def _redeliveries(name: str, story: Story, sight: Sight) -> Iterator[Finding]:
    known = story.redeliveries
    if not known.decided <= known.asked:
        unasked = ", ".join(sorted(known.decided - known.asked))
        yield Finding("unannounced", name, f"nobody asked for a redelivery that was begun or refused: {unasked}")
    if known.open and not owed(story, sight):
        waiting = ", ".join(sorted(known.open))
        yield Finding("stuck", name, f"a redelivery was asked for, and neither begun nor refused: {waiting}")


def _stuck(name: str, job: Job, sight: Sight) -> Iterator[Finding]:
    match job.phase:
        case Phase.QUEUED:
            return
        case Phase.ACCEPTED:
            yield Finding("stuck", name, "accepted, and lifecycle has read it, but it was never queued")
        case Phase.BROKEN:
            yield Finding("stuck", name, f"dispatch {job.dispatch} failed or was lost, and nothing was concluded")
        case phase:
            if job.due is None or milliseconds(job.due) + sight.tolerance < sight.now:
                when = iso(job.due) if job.due else "never"
                yield Finding("stuck", name, f"the {AWAITS[phase]} of dispatch {job.dispatch} was due at {when}")


def _listed(dispatches: int) -> str:
    return ", ".join(str(number) for number in range(dispatches.bit_length()) if dispatches >> number & 1)

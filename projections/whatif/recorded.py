"""One notification as the log has it: the request, what admit said, each dispatch with its times. Pure.

Every fact is taken once: what was written again after a crash changes nothing.
"""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from streams.clock import from_milliseconds, milliseconds
from streams.events import (
    Accepted,
    Body,
    Event,
    Priority,
    Queued,
    Request,
    Requested,
    RetryScheduled,
    SendDeferred,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Suppressed,
    SuppressionReason,
    Withheld,
)
from streams.rules import notification
from streams.rules.notification import Job
from streams.rules.phase import Phase

Answer = Literal["sent", "failed", "deferred"]
End = Literal["sent", "failed", "withheld", "open"] | SuppressionReason
"""What became of a request."""
ENDS: dict[Phase, End] = {Phase.SENT: "sent", Phase.FAILED: "failed", Phase.WITHHELD: "withheld"}
UNSAID = "-"
"""Stands for the message, which no rule reads."""
MOST_DISPATCHES = 4096
"""Dispatches told of one notification; a number from a record of nonsense must not take gigabytes."""


class Call(Struct, array_like=True, gc=False):
    """One dispatch. Times in milliseconds since 1970; None is what did not happen, or has not yet."""

    queued: int | None = None
    sending: int | None = None
    answer: Answer | None = None
    answered: int | None = None
    lost: int | None = None
    next: int | None = None
    """When the dispatch after this one was planned for: a retry's time, or a deferral's."""


class Recorded(Struct, array_like=True, tag="recorded"):
    """A request that admit has decided. `calls` are kept only if it is `measured`: others shape the actor's history."""

    name: str
    request: Request
    time: int
    priority: Priority
    origin: tuple[int, int]
    refused: SuppressionReason | None
    measured: bool
    calls: list[Call] = []
    job: Job | None = None
    withheld: int | None = None
    """The last dispatch before the recipient's preferences withheld it; 0 before the first."""

    @property
    def end(self) -> End:
        """What became of it, as far as the log was read."""
        if self.refused is not None:
            return self.refused
        return "open" if self.job is None else ENDS.get(self.job.phase, "open")

    @property
    def ended(self) -> bool:
        """Whether the record says all there is to say: what did not happen by then never did."""
        return self.end != "open"

    @property
    def sent(self) -> int | None:
        """When the provider first took it."""
        times = [call.answered for call in self.calls if call.answer == "sent" and call.answered is not None]
        return min(times, default=None)

    def requested(self) -> Event[Requested]:
        """The request as admit had it, at the time admit gave it."""
        return Event(Requested(self.request), self.name, from_milliseconds(self.time), "bridge", self.name)


def begun(event: Event[Accepted | Suppressed], *, measured: bool) -> Recorded:
    """What is remembered of an outcome of admit."""
    body = event.body
    refused = body.reason if isinstance(body, Suppressed) else None
    job = None
    if measured and refused is None:
        job = _light(notification.evolve(None, event))
    origin = body.origin.partition, body.origin.offset
    return Recorded(
        event.notification,
        _bare(body.request),
        milliseconds(event.time),
        body.priority,
        origin,
        refused,
        measured,
        job=job,
    )


def tell(recorded: Recorded, event: Event[Body]) -> None:
    """Take in another event of it."""
    if not recorded.measured or recorded.refused is not None:
        return
    recorded.job = _light(notification.evolve(recorded.job, event))
    if isinstance(event.body, Withheld) and recorded.withheld is None:
        recorded.withheld = event.body.dispatch
    dispatch = getattr(event.body, "dispatch", 0)
    if not 0 < dispatch <= MOST_DISPATCHES:
        return
    while len(recorded.calls) < dispatch:
        recorded.calls.append(Call())
    _note(recorded.calls[dispatch - 1], event.body, milliseconds(event.time))


def _note(call: Call, body: Body, time: int) -> None:
    match body:
        case Queued() if call.queued is None:
            call.queued = time
        case Sending() if call.sending is None:
            call.sending = time
        case Sent() if call.answer is None:
            call.answer, call.answered = "sent", time
        case SendFailed() if call.answer is None:
            call.answer, call.answered = "failed", time
        case SendDeferred(_, until) if call.answer is None:
            call.answer, call.answered, call.next = "deferred", time, milliseconds(until)
        case SendLost() if call.lost is None:
            call.lost = time
        case RetryScheduled(_, not_before) if call.next is None:
            call.next = milliseconds(not_before)
        case _:
            pass


def _bare(request: Request) -> Request:
    """Without what no rule reads: what is kept of each must be small."""
    return replace(request, personal=replace(request.personal, message=UNSAID, metadata=None))


def _light(job: Job | None) -> Job | None:
    return replace(job, request=None) if job is not None and job.request is not None else job

"""The vocabulary: every fact the log can hold, and the envelope it travels in.

Pure data, no I/O. `codec` gives it its wire form, `rules` hold what makes and folds it.
Times are aware UTC datetimes, cut to the millisecond, since MongoDB keeps no more.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from msgspec import Meta, Struct, field

DirectChannel = Literal["email", "sms", "push"]
"""What a request can ask for; social events go `in-app`."""
Channel = Literal[DirectChannel, "in-app"]
Priority = Literal["transactional", "promotional"]
LaneClass = Literal["transactional", "retries", "promotional"]
Activity = Literal["LIKE", "COMMENT", "SHARE", "FOLLOW", "MENTION"]
SuppressionReason = Literal["duplicate", "rate-limited", "cooled-off"]
PolicyScope = Literal["actor", "recipient", "type"]
WithholdingReason = Literal["channel-off", "type-off", "actor-muted"]
RedeliveryRefusal = Literal["under-way", "acknowledged", "too-old", "withheld", "quiet-hours", WithholdingReason]
Obligation = Literal["retry", "deferral", "deadline", "lane", "hold"]
"""What a job waits for: a time of its own, or (`lane`) that deliver takes it up."""

DIRECT: tuple[DirectChannel, ...] = get_args(DirectChannel)
CHANNELS: tuple[Channel, ...] = get_args(Channel)
ACTIVITIES: tuple[Activity, ...] = get_args(Activity)
DEFAULT_TENANT = "default"

Text = Annotated[str, Meta(min_length=1)]
Instant = Annotated[datetime, Meta(tz=True)]
Dispatch = Annotated[int, Meta(ge=1)]
LastDispatch = Annotated[int, Meta(ge=0)]
"""0 before the first one."""
TimeOfDay = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Data(Struct, frozen=True, rename="camel", omit_defaults=True, gc=False):
    """A piece of an event: immutable, camelCase on the wire, absent fields left out."""


class Personal(Data, frozen=True):
    """All that identifies people, kept together so that it can be sealed one day."""

    recipient: Text
    message: Text
    metadata: dict[str, Any] | None = None
    actor: str | None = None
    post: str | None = None


class Request(Data, frozen=True):
    """What somebody asked for. `activity` is set for social notifications only; they have an actor."""

    channel: Channel
    recipient_key: str
    max_attempts: int
    personal: Personal
    activity: Activity | None = None
    priority: Priority | None = None


class Origin(Data, frozen=True):
    """The record of `notification-requests` an outcome of admit answers: the audit proves coverage with it."""

    partition: int
    offset: int


class Requested(Data, frozen=True):
    """On `notification-requests`, by the bridge."""

    request: Request


class PolicySet(Data, frozen=True):
    """On `notification-requests`, a copy in every partition: limits for an actor, a recipient or a type.

    Windows in seconds; what is None is as the settings have it, and all None lifts the policy. `version`: the time it
    was set, in milliseconds since 1970.
    """

    scope: PolicyScope
    about: Text
    version: int
    rate_limit: Annotated[int, Meta(ge=0)] | None = None
    rate_window: Annotated[float, Meta(gt=0)] | None = None
    dedupe_window: Annotated[float, Meta(ge=0)] | None = None


class CoolOffLifted(Data, frozen=True):
    """On `notification-requests`, by the actor's key: they may act again at once."""

    actor: Text
    version: int


class Accepted(Data, frozen=True):
    """By admit: the notification will be delivered or fail in the open. `policies` as in `Suppressed`."""

    request: Request
    priority: Priority
    origin: Origin
    policies: tuple[str, ...] = ()


class Suppressed(Data, frozen=True):
    """By admit: refused, with the reason and, for a duplicate, the notification it repeats."""

    request: Request
    priority: Priority
    origin: Origin
    reason: SuppressionReason
    duplicate_of: str | None = None
    policies: tuple[str, ...] = ()
    """The ids of the events that set the limits it was judged by, where these are not the settings' alone."""
    until: Instant | None = None
    """When the actor's cool-off ends."""


class Repeated(Data, frozen=True):
    """By admit: a request whose id was decided before (a redelivery); it changes nothing."""

    origin: Origin


class Noted(Data, frozen=True):
    """By admit: this holds from here on in this partition of the requests. One of the two is set."""

    origin: Origin
    policy: PolicySet | None = None
    lifted: CoolOffLifted | None = None


class QuietHours(Data, frozen=True):
    """Every day from one time to the other, as clocks in a zone of the IANA database show them; equal ones: never."""

    start: TimeOfDay = field(name="from")
    end: TimeOfDay = field(name="to")
    zone: Text
    transactional_passes: bool = False


class PersonalPreferences(Data, frozen=True):
    """Who prefers, and whom they don't want to hear of."""

    recipient: Text
    muted_actors: tuple[Text, ...] = ()


class PreferencesSet(Data, frozen=True):
    """By the gateway: what a recipient wants from here on. It replaces all they said before; none set lifts it.

    `version`: the time it was set, in milliseconds since 1970. `by` and `why` as in an operation.
    """

    version: Annotated[int, Meta(ge=0, le=250_000_000_000_000)]
    personal: PersonalPreferences
    types_off: tuple[Activity, ...] = ()
    channels_off: tuple[Channel, ...] = ()
    quiet_hours: QuietHours | None = None
    by: str = ""
    why: str = ""


class Withheld(Data, frozen=True):
    """By lifecycle, instead of a hand-over to a lane: final, as the recipient wants it. After `dispatch`.

    `preferences` is the id of the event that says so.
    """

    dispatch: LastDispatch
    reason: WithholdingReason
    preferences: str


class Held(Data, frozen=True):
    """By lifecycle, instead of a hand-over to a lane: it waits for the end of the recipient's quiet hours.

    A notification's holds are numbered 1, 2, 3 ...; `dispatch` and `preferences` as in `Withheld`.
    """

    hold: Annotated[int, Meta(ge=1)]
    dispatch: LastDispatch
    until: Instant
    preferences: str


class Queued(Data, frozen=True):
    """By lifecycle: handed to a lane (a topic) as dispatch 1, 2, 3 ...; the first of a redelivery names that."""

    dispatch: Dispatch
    lane: str
    redelivery: str | None = None


class Sending(Data, frozen=True):
    """By deliver, before the call: whoever sees no outcome by `deadline` may call the dispatch lost.

    `provider` is what will be called; older events don't tell.
    """

    dispatch: Dispatch
    deadline: Instant
    worker: str
    provider: str = ""


class Sent(Data, frozen=True):
    """By deliver: the provider took it."""

    dispatch: Dispatch


class SendFailed(Data, frozen=True):
    """By deliver: the provider refused it or did not answer in time."""

    dispatch: Dispatch
    error: str


class SendDeferred(Data, frozen=True):
    """By deliver: the provider asked to be left alone until then; costs no attempt."""

    dispatch: Dispatch
    until: Instant


class RetryScheduled(Data, frozen=True):
    """By lifecycle, after a failure or a loss: the next dispatch is not queued before `not_before`."""

    dispatch: Dispatch
    not_before: Instant
    attempts: int
    error: str


class Failed(Data, frozen=True):
    """By lifecycle: given up after the last attempt."""

    dispatch: Dispatch
    attempts: int
    error: str


class SendLost(Data, frozen=True):
    """By lifecycle: no outcome came by the deadline. The call may have gone out: a *possible double*."""

    dispatch: Dispatch


class CameDue(Data, frozen=True):
    """By lifecycle's timers: an instant the state waits for has passed; by its reconciler: what must happen has not.

    `hold` is the number of the hold that has ended; 0 for what else was waited for, and not told by older events.
    """

    dispatch: LastDispatch
    obligation: Obligation
    hold: Annotated[int, Meta(ge=0)] = 0


class Acknowledged(Data, frozen=True):
    """By the gateway: the recipient has seen it."""


class Settled(Data, frozen=True):
    """By lifecycle: acknowledged before an outcome told that it was sent, so it evidently arrived."""

    dispatch: Dispatch


class RedeliveryRequested(Data, frozen=True):
    """By the gateway: somebody wants what was sent or has failed delivered once more.

    `redelivery` names the wish: what is asked twice under one name is one. Lifecycle may have forgotten the rest:
    `dispatch` is the highest number that was queued, `holds` the number of holds.
    """

    redelivery: Text
    by: Text
    why: Text
    dispatch: Dispatch
    priority: Priority
    request: Request
    holds: Annotated[int, Meta(ge=0)] = 0


class RedeliveryRefused(Data, frozen=True):
    """By lifecycle: it makes no sense. `status` is the job's; it is not known where the wish came `too-old`."""

    redelivery: Text
    reason: RedeliveryRefusal
    status: str | None = None


class Attempt(Data, frozen=True):
    """On a lane, by lifecycle: one dispatch to be tried by deliver. A command, not a fact of the log.

    `first` is the dispatch its redelivery began with, 0 for none.
    """

    dispatch: Dispatch
    request: Request
    first: int = 0


Fact = (
    Accepted
    | Suppressed
    | Repeated
    | Noted
    | PreferencesSet
    | Withheld
    | Held
    | Queued
    | Sending
    | Sent
    | SendFailed
    | SendDeferred
    | RetryScheduled
    | Failed
    | SendLost
    | CameDue
    | Acknowledged
    | Settled
    | RedeliveryRequested
    | RedeliveryRefused
)
"""What `notification-events` may hold."""

Control = PolicySet | CoolOffLifted
"""What tells admit how to judge."""
Body = Requested | Control | Fact | Attempt

KINDS: dict[type[object], str] = {
    Requested: "requested",
    Accepted: "accepted",
    Suppressed: "suppressed",
    Repeated: "repeated",
    Noted: "noted",
    PolicySet: "policy-set",
    CoolOffLifted: "cool-off-lifted",
    PreferencesSet: "preferences-set",
    Withheld: "withheld",
    Held: "held",
    Queued: "queued",
    Sending: "sending",
    Sent: "sent",
    SendFailed: "send-failed",
    SendDeferred: "send-deferred",
    RetryScheduled: "retry-scheduled",
    Failed: "failed",
    SendLost: "send-lost",
    CameDue: "came-due",
    Acknowledged: "acknowledged",
    Settled: "settled",
    RedeliveryRequested: "redelivery-requested",
    RedeliveryRefused: "redelivery-refused",
    Attempt: "attempt",
}


BodyT_co = TypeVar("BodyT_co", bound=Body, covariant=True)
NextT = TypeVar("NextT", bound=Body)


class Event(Struct, Generic[BodyT_co], frozen=True, gc=False):
    """A body in its envelope. `correlation` names the request's whole story, `causation` the event that led here."""

    body: BodyT_co
    notification: str
    time: datetime
    source: str
    correlation: str
    causation: str | None = None
    tenant: str = DEFAULT_TENANT

    @property
    def id(self) -> str:
        """The same work always has the same id, so a repeat after a crash is recognised and dropped."""
        return f"{self.notification}:{KINDS[type(self.body)]}:{_distinction(self.body)}"

    def then(self, body: NextT, source: str, time: datetime | None = None) -> "Event[NextT]":
        """An event caused by this one; its time is this one's unless it happened at a measured time of its own."""
        return Event(body, self.notification, time or self.time, source, self.correlation, self.id, self.tenant)


def _distinction(body: Any) -> str:  # noqa: ANN401 - one of `Body`, by its type
    told = _DISTINCT.get(type(body))
    return str(body.dispatch) if told is None else told(body)


_DISTINCT: dict[type[Body], Callable[[Any], str]] = {
    **dict.fromkeys((Requested, Accepted, Suppressed, Acknowledged), lambda _: "0"),
    **dict.fromkeys((Repeated, Noted), lambda body: f"{body.origin.partition}.{body.origin.offset}"),
    **dict.fromkeys((PolicySet, CoolOffLifted, PreferencesSet), lambda body: str(body.version)),
    **dict.fromkeys((RedeliveryRequested, RedeliveryRefused), lambda body: body.redelivery),
    Held: lambda body: str(body.hold),
    CameDue: lambda body: f"{body.dispatch}.{body.obligation}" + (f".{body.hold}" if body.hold else ""),
}
"""What tells events of one kind and notification from each other, where it is not the dispatch."""

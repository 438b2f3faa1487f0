"""Logs as the system would have written them by given rules, and what a what-if makes of them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from projections.audit.spill import Spill
from projections.whatif.answers import Sample
from projections.whatif.cases import Cases
from projections.whatif.comparison import compare
from projections.whatif.recorded import Recorded
from projections.whatif.recording import EVER, NEVER, Recording, Span
from projections.whatif.report import Report
from projections.whatif.shadow import Rules
from streams.codec import encode
from streams.events import (
    Accepted,
    Activity,
    Body,
    CoolOffLifted,
    Event,
    Noted,
    Origin,
    Personal,
    PolicySet,
    Request,
    Requested,
)
from streams.rules import admission, policies
from streams.rules.admission import History, Limits
from streams.rules.policies import Policy
from streams.rules.preferences import Preferences
from streams.topics import EVENTS
from tests.projections.lives import MAX_ATTEMPTS, Events, at, life
from tests.support.numbers import LIMITS, RETRY

AS_IS = Rules(LIMITS, RETRY)
ALL = Span(NEVER, NEVER, EVER)


@dataclass(frozen=True)
class Asked:
    """A request: social if there is an actor. `outcomes` are those of its attempts, in the letters of `lives`."""

    seconds: float
    actor: str | None = None
    target: str = "user2"
    outcomes: str = "s"
    activity: Activity = "LIKE"
    preferred: Preferences | None = None


@dataclass(frozen=True)
class Raw:
    value: bytes
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes = b"k"
    topic: str = EVENTS


@dataclass
class System:
    """Admits by the real rules and lives by them, and has it all on its log."""

    limits: Limits = LIMITS
    log: list[Events] = field(default_factory=list)
    _histories: dict[str, History] = field(default_factory=dict)
    _policies: dict[bytes, Policy] = field(default_factory=dict)
    _offsets: "count[int]" = field(default_factory=count)

    def take(self, *asked: Asked) -> "System":
        """Requests, in this order."""
        for one in asked:
            self._take(one)
        return self

    def set(self, policy: PolicySet, seconds: float = 0) -> "System":
        """A policy holds from here on."""
        key = policies.key(policy.scope, policy.about)
        self._policies[key] = policies.evolve(self._policies.get(key), "p", policy)
        self._note(Noted(Origin(0, next(self._offsets)), policy=policy), seconds)
        return self

    def lift(self, actor: str, seconds: float) -> "System":
        """An actor may act again."""
        self._histories[actor] = admission.lifted(self._histories.get(actor), at(seconds), self.limits)
        self._note(Noted(Origin(0, next(self._offsets)), lifted=CoolOffLifted(actor, 1)), seconds)
        return self

    @property
    def events(self) -> Events:
        """All of it, one life after the other."""
        return [event for life in self.log for event in life]

    def _note(self, noted: Noted, seconds: float) -> None:
        self.log.append([Event(noted, "policy", at(seconds), "admit", "policy")])

    def _take(self, one: Asked) -> None:
        offset = next(self._offsets)
        requested = self._requested(f"n{offset}", one)
        limits, names = policies.limits_under(self.limits, self._policies, requested.body.request)
        before = self._histories.get(one.actor or "")
        verdict = admission.judge(before if one.actor else None, requested, Origin(0, offset), limits, names)
        if one.actor:
            after = admission.evolve(before, verdict, limits)
            assert after is not None
            self._histories[one.actor] = after
        self.log.append(life(verdict, one.outcomes, one.preferred) if isinstance(verdict.body, Accepted) else [verdict])

    def _requested(self, name: str, one: Asked) -> Event[Requested]:
        activity = one.activity if one.actor else None
        personal = Personal(one.target, "hello", {"order": 1}, one.actor, "post1" if one.actor else None)
        request = Request("in-app" if one.actor else "email", one.target, MAX_ATTEMPTS, personal, activity)
        return Event(Requested(request), name, at(one.seconds), "bridge", name)


def asked_what_if(
    events: Iterable[Event[Body]],
    tried: Rules = AS_IS,
    as_is: Rules = AS_IS,
    *,
    span: Span = ALL,
    before: Sequence[PolicySet] = (),
    held: int = 1000,
) -> Report:
    """The report about a log."""
    with TemporaryDirectory() as folder, closing(Cases(Path(folder, "cases"))) as cases:
        recording = Recording(span, Spill[Recorded](Path(folder, "open"), held))
        raws = [Raw(encode(event)) for event in events]
        for start in range(0, len(raws), 7):
            recording.take(raws[start : start + 7])
        sample, report = Sample(), Report(events=recording.events, unread=recording.unread)
        everything = list(recording.everything())
        for recorded in everything:
            sample.add(recorded)
        cases.add(everything)
        cases.add(recording.notes)
        recording.spill.close()
        for _ in compare(cases.by_partition(), (as_is, tried), sample, before, report):
            pass
    return report

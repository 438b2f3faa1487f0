"""Requests of one partition in their order in, what would have become of each by one set of rules out. Pure.

Admission remembers what admit's table would, and forgets it when admit's would; lives don't depend on each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast

import msgspec

from projections.whatif.answers import Said, Sample, recorded_answers
from projections.whatif.life import live
from projections.whatif.recorded import End, Recorded
from streams.events import Accepted, Event, Noted, Origin, PolicySet, Suppressed
from streams.rules import admission, policies
from streams.rules.admission import History, Limits
from streams.rules.policies import Policy
from streams.rules.retry import Retry

SWEEP_EVERY = 10_000
"""Requests between two looks for actors who can be forgotten: what bounds the memory, as it does admit's."""
FOR_EVER = 2**63 - 1
"""The version of a policy that none on the record replaces."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A set of rules. `max_attempts` None: as each request has it; `imposed` hold in spite of what was recorded."""

    limits: Limits
    retry: Retry
    max_attempts: int | None = None
    imposed: tuple[PolicySet, ...] = ()

    def lives_as(self, other: "Rules") -> bool:
        """Whether an accepted request fares the same by both."""
        return (self.retry, self.max_attempts) == (other.retry, other.max_attempts)


class Outcome(NamedTuple):
    """What became of a request: how it ended, provider calls, failed attempts, and milliseconds until it was sent.

    `assumed` is how many of the calls are in no record.
    """

    end: End
    calls: int = 0
    failures: int = 0
    took: int | None = None
    assumed: int = 0


@dataclass(slots=True)
class Shadow:
    """One partition under one set of rules; `before` are the policies that held when it begins."""

    rules: Rules
    sample: Sample
    before: Sequence[PolicySet] = ()
    _histories: dict[str, History] = field(default_factory=dict)
    _policies: dict[bytes, Policy] = field(default_factory=dict)
    _watermark: datetime | None = None
    _judged: int = 0

    def __post_init__(self) -> None:
        for policy in self.before:
            self._set("", policy)
        for policy in self.rules.imposed:
            self._set("what-if", msgspec.structs.replace(policy, version=FOR_EVER))

    def note(self, event: Event[Noted]) -> None:
        """From here on a policy holds, or an actor's cool-off has been lifted."""
        noted = event.body
        if noted.policy is not None:
            self._set(event.causation or event.id, noted.policy)
        if noted.lifted is not None:
            actor = noted.lifted.actor
            self._histories[actor] = admission.lifted(self._histories.get(actor), event.time, self.rules.limits)

    def decide(self, recorded: Recorded, lived: Outcome | None = None) -> Outcome | None:
        """What becomes of a request; None for one that only shapes its actor's history.

        `lived`: what did by rules that lead the same lives, if it was accepted by them.
        """
        if self.rules.max_attempts is not None:
            recorded = _with_attempts(recorded, self.rules.max_attempts)
        verdict = self._judge(recorded)
        if not recorded.measured:
            return None
        match verdict.body:
            case Accepted():
                return lived or self._live(recorded, cast("Event[Accepted]", verdict))
            case Suppressed(reason=reason):
                return Outcome(reason)
            case _:
                return None

    def _judge(self, recorded: Recorded) -> "Event[admission.Verdict]":
        event, origin, actor = recorded.requested(), Origin(*recorded.origin), recorded.request.personal.actor
        if recorded.request.activity is None or actor is None:
            return admission.judge(None, event, origin, self.rules.limits)
        limits, names = policies.limits_under(self.rules.limits, self._policies, recorded.request)
        before = self._histories.get(actor)
        verdict = admission.judge(before, event, origin, limits, names)
        after = admission.evolve(before, verdict, limits)
        if after is not None:
            self._histories[actor] = after
        self._sweep(verdict.time)
        return verdict

    def _live(self, recorded: Recorded, accepted: Event[Accepted]) -> Outcome:
        world = _World(recorded, self.sample)
        lived = live(accepted, world.answer, self.rules.retry, recorded.withheld)
        took = None if lived.sent is None else lived.sent - recorded.time
        return Outcome(lived.end, lived.calls, lived.failures, took, len(world.assumed))

    def _set(self, name: str, policy: PolicySet) -> None:
        key = policies.key(policy.scope, policy.about)
        self._policies[key] = policies.evolve(self._policies.get(key), name, policy)

    def _sweep(self, now: datetime) -> None:
        self._watermark = now if self._watermark is None else max(now, self._watermark)
        self._judged += 1
        if self._judged % SWEEP_EVERY == 0:
            over = [
                actor for actor, history in self._histories.items() if admission.expires(history) <= self._watermark
            ]
            for actor in over:
                del self._histories[actor]


class _World:
    """Answers for one notification."""

    def __init__(self, recorded: Recorded, sample: Sample) -> None:
        self.assumed: dict[int, Said] = {}
        self._recorded, self._sample = recorded, sample
        self._known: Mapping[int, Said] = dict(recorded_answers(recorded))

    def answer(self, dispatch: int) -> Said | None:
        """As recorded; where the record had ended before, assumed; where it still goes on, nothing."""
        if dispatch in self._known:
            return self._known[dispatch]
        if not self._recorded.ended:
            return None
        if dispatch not in self.assumed:
            self.assumed[dispatch] = self._sample.assumed(self._recorded, dispatch)
        return self.assumed[dispatch]


def _with_attempts(recorded: Recorded, attempts: int) -> Recorded:
    request = msgspec.structs.replace(recorded.request, max_attempts=attempts)
    return msgspec.structs.replace(recorded, request=request)

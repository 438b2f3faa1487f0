"""Limits set for an actor, a recipient or a type: which one is in force, and what the outcome tells of it."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.admit import Admit
from streams.codec import decode, encode
from streams.events import (
    Accepted,
    Activity,
    Body,
    CoolOffLifted,
    Event,
    Noted,
    Origin,
    Personal,
    PolicyScope,
    PolicySet,
    Request,
    Requested,
    Suppressed,
)
from streams.folding.outcome import Judge
from streams.folding.rule import SHARED, Incoming
from streams.folding.table import Rows, Shard
from streams.operations import CooledOff, read
from streams.rules import policies
from streams.rules.policies import Policy
from streams.topics import EVENTS, OPERATIONS, REQUESTS
from tests.support.numbers import LIMITS

START = datetime(2026, 1, 1, tzinfo=UTC)


class Admitting:
    """Admit's rule over one partition, as the fold runs it."""

    def __init__(self) -> None:
        self.rule = Admit(LIMITS)
        self.rows = Rows(self.rule, "changelog")
        self.shard = Shard(self.rows, 0)
        self.judge = Judge(self.rule, self.rows, "admit")
        self.offset = 0

    def take(self, event: Event[Body], key: str) -> list[Body]:
        """What it says on the log."""
        record = Incoming(REQUESTS, 0, self.offset, key.encode(), encode(event))
        self.offset += 1
        outcome = self.judge.judge(record, 10**14, lambda _, key: self.shard.entries.get(key))
        if outcome.change is not None:
            self.shard.put(outcome.change.key, self.rows.read(outcome.change.row.value or b""))
        self.reasons = outcome.reasons
        self.done = [read(told.value).done for told in outcome.log if told.topic == OPERATIONS]
        return [decode(told.value).body for told in outcome.log if told.topic == EVENTS]

    def like(self, second: float, target: str = "bob", actor: str = "ada", activity: Activity = "LIKE") -> Body:
        personal = Personal(target, "text", None, actor, f"post{second}")
        asked = Requested(Request("in-app", "key", 5, personal, activity))
        (told,) = self.take(at(asked, second, f"n{self.offset}"), actor)
        return told

    def set(self, scope: PolicyScope, about: str, version: int = 1, rate_limit: int | None = None) -> Body:
        event = at(PolicySet(scope, about, version, rate_limit), 0, f"policy:{scope}:{about}")
        (told,) = self.take(event, f"policy:{scope}:{about}")
        return told


def at(body: Body, second: float, name: str) -> Event[Body]:
    return Event(body, name, START + timedelta(seconds=second), "test", name)


@pytest.mark.parametrize(("scope", "about"), [("actor", "ada"), ("recipient", "bob"), ("type", "LIKE")])
def test_a_policy_changes_the_limit_and_is_told_in_what_it_changed(scope: PolicyScope, about: str) -> None:
    admit = Admitting()
    noted = admit.set(scope, about, rate_limit=1)
    assert noted == Noted(Origin(0, 0), policy=PolicySet(scope, about, 1, 1))
    name = f"policy:{scope}:{about}:policy-set:1"
    first, second = admit.like(0), admit.like(1)
    assert isinstance(first, Accepted)
    assert isinstance(second, Suppressed)
    assert (first.policies, second.policies, second.reason) == ((name,), (name,), "rate-limited")


def test_others_are_judged_as_before() -> None:
    admit = Admitting()
    admit.set("actor", "eve", rate_limit=1)
    told = [admit.like(second) for second in range(3)]
    assert [type(body) for body in told] == [Accepted, Accepted, Suppressed]
    assert admit.reasons == ["rate-limited"]
    assert all(body.policies == () for body in told if isinstance(body, Accepted | Suppressed))


def test_the_more_special_policy_wins() -> None:
    admit = Admitting()
    admit.set("type", "LIKE", rate_limit=0)
    assert isinstance(admit.like(0), Suppressed)
    admit.set("recipient", "bob", rate_limit=1)
    assert isinstance(admit.like(1), Accepted)
    assert isinstance(admit.like(2), Suppressed)
    admit.set("actor", "ada", rate_limit=5)
    assert [type(admit.like(second)) for second in range(3, 8)] == [Accepted] * 4 + [Suppressed]


def test_the_newest_version_stands_and_one_without_limits_lifts_it() -> None:
    admit = Admitting()
    admit.set("actor", "ada", version=5, rate_limit=1)
    admit.set("actor", "ada", version=4, rate_limit=9)
    assert [type(admit.like(second)) for second in range(2)] == [Accepted, Suppressed]
    admit.set("actor", "ada", version=6)
    assert isinstance(admit.like(2), Accepted)


def test_a_cool_off_is_told_with_its_reason_and_can_be_lifted() -> None:
    admit = Admitting()
    for second in range(14):
        admit.like(second)
    assert admit.done == [CooledOff("ada", START + timedelta(seconds=313))]
    (noted,) = admit.take(at(CoolOffLifted("ada", 1), 15, "policy:actor:ada"), "ada")
    assert noted == Noted(Origin(0, 14), lifted=CoolOffLifted("ada", 1))
    assert isinstance(admit.like(25), Accepted)


def test_a_policy_is_never_forgotten_and_no_id_is_taken_for_one() -> None:
    rule = Admit(LIMITS)
    assert rule.expires(Policy("id", 1)) is None
    assert policies.key("actor", "ada").startswith(SHARED)
    assert not "\xff".encode().startswith(SHARED)

from datetime import timedelta

import pytest

from projections.replay.selecting import STATUS_OF, Picked, select
from streams.codec import encode
from streams.events import KINDS, Body, Event
from streams.replays import Selection
from streams.rules.phase import STATUS, rank
from tests.projections.audit.given import Raw
from tests.projections.lives import Events, accepted, at, life, suppressed

LOG: Events = [*life(accepted("a"), "fs"), *life(accepted("b", 100), "s"), suppressed("c", 200)]


def records(log: Events) -> list[Raw]:
    return [Raw(0, number, one.notification.encode(), encode(one)) for number, one in enumerate(log)]


def picked(selection: Selection) -> Events:
    """Checked to be in the log's order."""
    found = [one for one in select(records(LOG), selection) if one is not None]
    assert [one.record.offset for one in found] == sorted(one.record.offset for one in found)
    assert all((one.type, one.id) == (KINDS[type(event(one).body)], event(one).id) for one in found)
    return [event(one) for one in found]


def event(one: Picked) -> Event[Body]:
    return LOG[one.record.offset]


def test_nothing_said_is_everything() -> None:
    assert picked(Selection()) == LOG


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(notification="b"), lambda one: one.notification == "b"),
        (Selection(recipient_key="a"), lambda one: one.notification == "a"),
        (Selection(since=at(100)), lambda one: one.time >= at(100)),
        (Selection(until=at(100)), lambda one: one.time < at(100)),
        (Selection(since=at(0), until=at(0) + timedelta(milliseconds=1)), lambda one: one.time == at(0)),
        (Selection(types=("sent", "suppressed")), lambda one: KINDS[type(one.body)] in ("sent", "suppressed")),
        (Selection(statuses=("sending",)), lambda one: KINDS[type(one.body)] in ("sending", "send-failed")),
        (Selection(types=("sending",), statuses=("sent",)), lambda _: False),
        (Selection(notification="a", types=("sent",)), lambda one: one.id == "a:sent:2"),
    ],
)
def test_what_is_said_must_all_be_met(selection: Selection, meant: object) -> None:
    assert picked(selection) == [one for one in LOG if meant(one)]  # type: ignore[operator]


def test_a_status_is_what_the_rules_make_of_an_event() -> None:
    for one in LOG:
        place = rank(one.body)
        if place is not None:
            assert STATUS_OF[KINDS[type(one.body)]] == STATUS[place[1]]


@pytest.mark.parametrize(("fact", "status"), [("withheld", "suppressed"), ("held", "pending"), ("settled", "sent")])
def test_withheld_held_and_settled_notifications_have_a_status_too(fact: str, status: str) -> None:
    assert STATUS_OF[fact] == status


def test_what_is_no_event_is_told_and_one_of_a_newer_program_is_meant() -> None:
    newer = encode(LOG[0]).replace(b"notification.accepted.v1", b"notification.invented.v9")
    found = list(select([Raw(0, 0, b"a", b"\xff"), Raw(0, 1, b"a", None), Raw(0, 2, b"a", newer)], Selection()))
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].type == "invented"

from typing import Any

import pytest

from deploy.admin.letters.selection import plan_drop, plan_redrive
from streams.letters.redriving import Order

SOURCE = {"name": "notification-events", "partition": 0, "offset": 1}


def document(name: str = "dead:a", **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    record = {"topic": "dead-letters", "offset": 7}
    return {
        "_id": name,
        "state": "open",
        "reason": "rule-failed",
        "source": SOURCE,
        "size": 5,
        "sha256": "abc",
        "truncated": False,
        "record": record,
    } | changes


def test_open_letters_are_redriven_and_counted_by_reason() -> None:
    plan = plan_redrive([document(), document("dead:b", reason="too-old")], again=False)
    assert plan.orders == [Order("dead:a", 7), Order("dead:b", 7)]
    assert plan.reasons == {"rule-failed": 1, "too-old": 1}
    assert (plan.may_double, plan.refused) == (1, {})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"state": "dropped"}, "it was dropped, for good"),
        ({"state": "redriven"}, 'it was redriven already: add --again (over HTTP, "again": true) if it has to be'),
        ({"truncated": True, "size": 300_000}, "its 300000 bytes were too many to keep"),
        ({"record": {"topic": "notification-operations", "offset": 1}}, "it is no letter but a record"),
        ({"source": {"name": "dead-letters", "partition": 0, "offset": 1}}, "nothing is put back into"),
    ],
)
def test_what_can_t_be_redriven_is_left_out_with_the_reason(changes: dict[str, Any], why: str) -> None:
    plan = plan_redrive([document(**changes)], again=False)
    assert plan.orders == []
    assert why in plan.refused["dead:a"]


def test_what_was_redriven_is_redriven_again_only_if_told_so_and_what_was_dropped_never() -> None:
    plan = plan_redrive([document(state="redriven"), document("dead:b", state="dropped")], again=True)
    assert plan.orders == [Order("dead:a", 7)]
    assert plan.refused.keys() == {"dead:b"}


def test_only_open_letters_are_dropped_whatever_they_are() -> None:
    plan = plan_drop([document(truncated=True), document("dead:b", state="redriven")])
    assert plan.orders == [Order("dead:a", 7)]
    assert plan.refused == {"dead:b": "it is redriven already"}

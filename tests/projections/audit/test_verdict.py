"""What must hold of each notification: every equation is broken on purpose once."""

from pathlib import Path

import pytest

from streams.clock import milliseconds
from streams.events import (
    CameDue,
    Event,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    RetryScheduled,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
)
from tests.projections.audit.given import TOLERANCE, audited, born, lived, without
from tests.projections.lives import Events, at

FINAL = (
    "s",
    "fs",
    "fff",
    "ds",
    "ls",
    "ffs",
    "lls",
    "fds",
    "sa",
    "lll",
    "k",
    "fk",
    "lk",
    "srs",
    "fffrs",
    "srfffrs",
    "lsrlrs",
)


def due(events: Events) -> int:
    """The deadline or time the last event of this kind waits for, in milliseconds."""
    body = events[-1].body
    assert isinstance(body, Sending | RetryScheduled)
    return milliseconds(body.deadline if isinstance(body, Sending) else body.not_before)


def until(events: Events, kind: type[object]) -> Events:
    """Up to the first event of this kind."""
    return events[: next(number for number, one in enumerate(events) if isinstance(one.body, kind)) + 1]


@pytest.mark.parametrize("outcomes", FINAL)
def test_a_life_that_has_ended_is_clean(outcomes: str, tmp_path: Path) -> None:
    seen = audited(lived(outcomes), tmp_path)
    assert seen.findings == []
    assert seen.result.counts["accepted"] == seen.result.counts["sent"] + seen.result.counts["failed"] == 1
    assert seen.rows["n"].waits is None


@pytest.mark.parametrize("outcomes", FINAL)
def test_what_lifecycle_has_not_read_is_its_business(outcomes: str, tmp_path: Path) -> None:
    whole = lived(outcomes)
    for length in range(1, len(whole) + 1):
        assert audited(whole[:length], tmp_path, applied=length - 1).findings == []


def test_an_accepted_one_that_lifecycle_has_read_must_be_queued(tmp_path: Path) -> None:
    seen = audited([born()], tmp_path)
    assert seen.kinds == ["stuck"]
    assert seen.result.counts["open"] == 1


def test_a_queued_one_waits_for_its_lane_record(tmp_path: Path) -> None:
    seen = audited(until(lived("s"), Queued), tmp_path)
    assert seen.findings == []
    assert seen.rows["n"].waits == 1


def test_a_failed_call_without_a_conclusion_is_stuck(tmp_path: Path) -> None:
    assert audited(until(lived("fs"), SendFailed), tmp_path).kinds == ["stuck"]


@pytest.mark.parametrize("kind", [Sending, RetryScheduled])
def test_a_time_that_has_passed_unheard_is_overdue(kind: type[object], tmp_path: Path) -> None:
    events = until(lived("fs"), kind)
    in_time = due(events) + TOLERANCE
    assert audited(events, tmp_path, now=in_time).findings == []
    assert audited(events, tmp_path, now=in_time + 1).kinds == ["stuck"]


def test_a_skipped_dispatch_is_found(tmp_path: Path) -> None:
    assert "dispatches" in audited(without(lived("ffs"), Queued, 2), tmp_path).kinds


def test_sending_what_was_never_queued_is_found(tmp_path: Path) -> None:
    assert "unannounced" in audited(without(lived("s"), Queued), tmp_path).kinds


def test_an_outcome_without_sending_is_found(tmp_path: Path) -> None:
    assert audited(without(lived("s"), Sending), tmp_path).kinds == ["unannounced"]


def test_a_call_without_an_outcome_is_found_though_a_later_one_was_sent(tmp_path: Path) -> None:
    assert audited(without(lived("fs"), SendFailed), tmp_path).kinds == ["no-outcome"]


def late_sent(events: Events) -> Event[Sent]:
    sending = next(one for one in events if isinstance(one.body, Sending) and one.body.dispatch == 1)
    return sending.then(Sent(1), "deliver", at(500))


def test_a_second_sent_is_explained_by_send_lost(tmp_path: Path) -> None:
    events = lived("ls")
    doubled = [*events, late_sent(events)]
    assert audited(doubled, tmp_path).findings == []
    assert "double" in audited(without(doubled, SendLost), tmp_path).kinds


def test_two_outcomes_of_one_dispatch_are_two_calls(tmp_path: Path) -> None:
    events = lived("s")
    assert audited([*events, events[-1]], tmp_path).findings == []
    assert audited([*events, events[-1].then(Sent(1), "deliver", at(9))], tmp_path).kinds == ["double"]
    assert audited([*events, events[-1].then(SendFailed(1, "no"), "deliver", at(9))], tmp_path).kinds == ["double"]


def test_a_lost_lane_record_that_was_found_leads_to_the_next_dispatch(tmp_path: Path) -> None:
    queued = until(lived("s"), Queued)
    due_in_lane = queued[-1].then(CameDue(1, "lane"), "lifecycle", at(60))
    again: Events = [
        due_in_lane,
        due_in_lane.then(Queued(2, "notification-attempts.email.retries"), "lifecycle"),
        due_in_lane.then(Sending(2, at(90), "w"), "deliver", at(61)),
        due_in_lane.then(Sent(2), "deliver", at(62)),
    ]
    assert audited([*queued, *again], tmp_path).findings == []
    came_after_all: Events = [
        due_in_lane.then(Sending(1, at(99), "w"), "deliver", at(63)),
        due_in_lane.then(Sent(1), "deliver", at(64)),
    ]
    assert audited([*queued, *again, *came_after_all], tmp_path).kinds == ["double"]


def test_a_call_without_an_outcome_is_explained_by_what_settled_it(tmp_path: Path) -> None:
    assert audited(lived("k"), tmp_path).result.counts["sent"] == 1
    assert "stuck" in audited(without(lived("k"), Settled), tmp_path).kinds
    lost = lived("lk")
    assert audited(without(lost, Settled), tmp_path).kinds == ["stuck"]
    late = lost[-1].then(Sent(2), "deliver", at(500))
    assert audited([*lost, late], tmp_path).findings == []
    assert audited([*without(lost, Settled), late], tmp_path).findings == []


def test_a_second_sent_is_explained_by_a_redelivery_that_somebody_asked_for(tmp_path: Path) -> None:
    events = lived("srs")
    seen = audited(events, tmp_path)
    assert (seen.findings, seen.result.counts["sent"], seen.result.counts["accepted"]) == ([], 1, 1)
    silent: Events = [
        one.then(Queued(one.body.dispatch, one.body.lane), "lifecycle") if isinstance(one.body, Queued) else one
        for one in events
    ]
    assert "double" in audited(silent, tmp_path).kinds
    assert audited(without(events, RedeliveryRequested), tmp_path).kinds == ["unannounced"]


def test_a_second_sent_within_a_redelivery_is_a_double(tmp_path: Path) -> None:
    events = lived("srlsrs")
    assert audited(events, tmp_path).findings == []
    late = next(
        one.then(Sent(one.body.dispatch), "deliver", at(500)) for one in events if isinstance(one.body, SendLost)
    )
    assert audited([*events, late], tmp_path).findings == []
    assert "double" in audited(without([*events, late], SendLost), tmp_path).kinds


def test_a_redelivery_that_lifecycle_read_and_did_not_decide_is_stuck(tmp_path: Path) -> None:
    asked = until(lived("sr"), RedeliveryRequested)
    assert audited(asked, tmp_path).kinds == ["stuck"]
    assert audited(asked, tmp_path, applied=len(asked) - 1).findings == []
    refused = asked[-1].then(RedeliveryRefused("r1", "acknowledged", "sent"), "lifecycle")
    assert audited([*asked, refused, *asked[-1:], refused], tmp_path).findings == []

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.position import Document, Place
from projections.present.jobs import Standing, changes, document, evolve, restored, sequence
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    Channel,
    Event,
    Origin,
    Personal,
    Queued,
    Request,
    RetryScheduled,
    Sending,
    Sent,
    Suppressed,
)
from tests.projections.lives import START, Events, accepted, at, event, items, life, request, suppressed

OUTCOMES = st.text("sfdlkr", max_size=5)


def fold(events: Events) -> Standing | None:
    standing = None
    for one, place in items(events):
        standing = evolve(standing, one, place)
    return standing


def stored(events: Events) -> Document:
    """The document that these events lead to."""
    first, place = items(events)[0]
    standing = fold(events)
    assert standing is not None
    assert isinstance(first.body, Accepted | Suppressed)
    return document(first, first.body, place, standing)


@pytest.mark.parametrize(
    ("outcomes", "status", "attempts", "error"),
    [
        ("", "queued", 0, None),
        ("s", "sent", 0, None),
        ("fs", "sent", 1, "refused the 1. time"),
        ("fff", "failed", 3, "refused the 3. time"),
        ("f", "queued", 1, "refused the 1. time"),
        ("d", "queued", 0, None),
        ("ds", "sent", 0, None),
        ("lll", "failed", 3, "no outcome came by the deadline"),
        ("sa", "sent", 0, None),
        ("k", "sent", 0, None),
        ("lk", "sent", 1, "no outcome came by the deadline"),
        ("sr", "queued", 0, None),
        ("srfs", "sent", 1, "refused the 2. time"),
        ("fffr", "queued", 0, "refused the 3. time"),
        ("fffrfff", "failed", 3, "refused the 6. time"),
    ],
)
def test_a_life_leads_to_the_status_the_reference_has(
    outcomes: str, status: str, attempts: int, error: str | None
) -> None:
    job = stored(life(accepted("n"), outcomes))
    assert (job["status"], job["attempts"], job["lastError"]) == (status, attempts, error)


def test_the_status_follows_every_step() -> None:
    told = life(accepted("n"), "fs")
    statuses = [stored(told[: number + 1])["status"] for number in range(len(told))]
    # sending, refused, and the conclusion of the refusal; then the timer, and the second attempt
    assert statuses == ["pending", "queued", "sending", "sending", "retrying", "retrying", "queued", "sending", "sent"]


def test_a_document_has_all_that_was_asked_for() -> None:
    job = stored([accepted("n", 1.5)])
    assert job == {
        "_id": "n",
        "type": "email",
        "recipient": "ada@example.org",
        "message": "hello",
        "metadata": {"order": 4711},
        "maxAttempts": 3,
        "priority": "transactional",
        "createdAt": at(1.5),
        "seq": sequence(at(1.5), Place(0, 0)),
        "status": "pending",
        "attempts": 0,
        "lastError": None,
        "updatedAt": at(1.5),
        "fold": {"partition": 0, "position": 0, "dispatch": 0, "phase": 0, "counted": None, "epoch": None},
    }


def test_a_social_notification_names_kind_actor_and_post() -> None:
    asked = Request("in-app", "key", 5, Personal("user1", "user2 liked your post", None, "user2", "p1"), "LIKE")
    job = stored([event(Accepted(asked, "transactional", Origin(0, 0)))])
    assert {name: job[name] for name in ("type", "metadata", "eventType", "actorId", "postId")} == {
        "type": "in-app",
        "metadata": None,
        "eventType": "LIKE",
        "actorId": "user2",
        "postId": "p1",
    }


def test_a_suppressed_notification_says_why_and_stays_so() -> None:
    job = stored([suppressed("n"), event(Sent(1)), event(Acknowledged())])
    assert {name: job[name] for name in ("status", "reason", "duplicateOf", "attempts", "priority")} == {
        "status": "suppressed",
        "reason": "duplicate",
        "duplicateOf": "other",
        "attempts": 0,
        "priority": "promotional",
    }
    assert "acknowledgedAt" not in job


def test_an_acknowledgement_is_timed_once() -> None:
    told = life(accepted("n"), "s")
    job = stored([*told, event(Acknowledged(), seconds=9), event(Acknowledged(), seconds=10)])
    assert (job["status"], job["acknowledgedAt"], job["updatedAt"]) == ("sent", at(9), at(9))


@pytest.mark.parametrize(
    ("channel", "outcomes", "mailbox"),
    [("in-app", "", None), ("in-app", "s", "pending"), ("in-app", "sa", "delivered"), ("email", "sa", None)],
)
def test_the_mailbox_of_an_in_app_notification_is_told_in_the_reference_s_words(
    channel: Channel, outcomes: str, mailbox: str | None
) -> None:
    asked = request("user2", channel)
    assert stored(life(accepted("n", asked=asked), outcomes)).get("mailbox") == mailbox


def test_a_late_event_never_takes_the_time_of_the_last_change_back() -> None:
    told = [accepted("n"), event(Queued(1, "l"), seconds=5), event(Sending(1, at(20), "w"), seconds=3)]
    assert stored(told)["updatedAt"] == at(5)


def test_sent_wins_even_after_failed() -> None:
    told = life(accepted("n"), "lll")
    assert stored(told)["status"] == "failed"
    late = stored([*told, event(Sent(2), seconds=99)])
    assert (late["status"], late["attempts"]) == ("sent", 3)


def test_a_conclusion_that_comes_late_still_tells_the_attempts() -> None:
    told = [accepted("n"), event(Sent(1)), event(RetryScheduled(1, at(1), 1, "late"))]
    assert (stored(told)["attempts"], stored(told)["status"]) == (1, "sent")


def test_the_highest_dispatch_is_known_though_an_earlier_one_was_sent_at_last() -> None:
    told = [*life(accepted("n"), "l"), event(Sent(1), seconds=30)]
    job = stored(told)
    assert (job["status"], job["fold"]["dispatch"], job["fold"]["last"]) == ("sent", 1, 2)
    standing = restored(job)
    queued = next(one for one in told if one.id == "n:queued:2")
    assert evolve(standing, queued, Place(0, 99)) is standing


def test_a_redelivered_one_is_in_the_mailbox_again_once_it_is_sent() -> None:
    asked = Request("in-app", "key", 3, Personal("user1", "hello"))
    told = life(accepted("n", 0, asked), "srs")
    boxes = [stored(told[: number + 1]).get("mailbox", "no field") for number in range(len(told))]
    # accepted, queued, sending, sent, asked for once more; queued, sending, sent
    assert boxes == [*["no field"] * 3, "pending", "pending", None, None, "pending"]


def test_events_of_nobody_make_nobody() -> None:
    assert fold([event(Sent(1)), event(Acknowledged())]) is None


@given(OUTCOMES, st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_a_suffix_of_the_log_that_comes_again_changes_nothing(
    outcomes: str, first: int, count: int, suppress: bool
) -> None:
    told = life(suppressed("n") if suppress else accepted("n"), outcomes)
    again = told[first : first + count]
    assert stored([*told, *again, *again]) == stored(told)


@given(OUTCOMES, st.data())
def test_an_event_that_comes_twice_counts_once(outcomes: str, data: st.DataObject) -> None:
    told = life(accepted("n"), outcomes)
    doubled: list[Event[Body]] = []
    for one in told:
        doubled += [one] * data.draw(st.integers(1, 2))
    assert _but_position(stored(doubled)) == _but_position(stored(told))


@given(OUTCOMES, st.booleans())
def test_what_is_stored_is_enough_to_go_on(outcomes: str, acknowledged: bool) -> None:
    told = life(accepted("n"), outcomes + "sa" * acknowledged)
    for cut in range(1, len(told)):
        standing = restored(stored(told[:cut]))
        for one, place in items(told)[cut:]:
            standing = evolve(standing, one, place) or standing
        assert changes(standing) == changes(fold(told) or standing)


@given(st.lists(st.tuples(st.integers(0, 10**8), st.integers(0, 99), st.integers(0, 10**9)), min_size=2, max_size=2))
def test_sequences_sort_as_creation_times_then_places(pairs: list[tuple[int, int, int]]) -> None:
    first, second = (
        sequence(START + timedelta(milliseconds=late), Place(partition, offset)) for late, partition, offset in pairs
    )
    assert (first < second) == (pairs[0] < pairs[1])
    assert len(first) == len(second)


def _but_position(job: Document) -> dict[str, Any]:
    return job | {"fold": {**job["fold"], "position": None}}

import pytest

from gateway.live import changes as module
from gateway.live.changes import Change, Changes
from streams.clock import EPOCH
from streams.codec import encode
from streams.events import (
    Accepted,
    Acknowledged,
    Body,
    CameDue,
    Event,
    Failed,
    Held,
    Origin,
    Personal,
    Queued,
    Repeated,
    Request,
    RetryScheduled,
    SendFailed,
    Sending,
    SendLost,
    Sent,
    Settled,
    Suppressed,
    Withheld,
)

REQUEST = Request("email", "key", 5, Personal("ada@example.org", "hello"))
ACCEPTED = Accepted(REQUEST, "transactional", Origin(0, 0))


def told(*bodies: Body, name: str = "n1", by: Changes | None = None) -> list[Change]:
    """What a client hears of these events."""
    reader = by or Changes()
    read = [reader.read(encode(Event(body, name, EPOCH, "test", name))) for body in bodies]
    return [change for change in read if change is not None]


def statuses(*bodies: Body) -> list[str]:
    return [change.status for change in told(*bodies)]


def test_a_life_is_told_status_by_status() -> None:
    life = (
        ACCEPTED,
        Queued(1, "lane"),
        Sending(1, EPOCH, "w"),
        SendFailed(1, "no"),
        RetryScheduled(1, EPOCH, 1, "no"),
        CameDue(1, "retry"),
        Queued(2, "lane"),
        Sending(2, EPOCH, "w"),
        Sent(2),
    )
    assert statuses(*life) == ["pending", "queued", "sending", "retrying", "queued", "sending", "sent"]


def test_the_first_change_tells_the_job_and_a_failure_why() -> None:
    first, retrying, failed = told(ACCEPTED, RetryScheduled(1, EPOCH, 1, "no"), Failed(2, 2, "never"))
    assert first.job == {
        "type": "email",
        "recipient": "ada@example.org",
        "message": "hello",
        "priority": "transactional",
        "maxAttempts": 5,
        "createdAt": "1970-01-01T00:00:00.000Z",
    }
    assert (retrying.attempts, retrying.last_error) == (1, "no")
    assert (failed.status, failed.attempts, failed.last_error) == ("failed", 2, "never")


def test_nothing_goes_back_when_the_log_repeats_itself() -> None:
    assert statuses(ACCEPTED, Queued(1, "lane"), Sending(1, EPOCH, "w"), Queued(1, "lane"), ACCEPTED, Sent(1)) == [
        "pending",
        "queued",
        "sending",
        "sent",
    ]
    assert statuses(Sent(1), SendLost(1), Failed(1, 5, "late")) == ["sent"]


def test_a_redelivery_is_told_as_a_life_of_its_own() -> None:
    ended = (ACCEPTED, Queued(1, "lane"), Sending(1, EPOCH, "w"), Failed(1, 5, "no"))
    changes = told(*ended, Queued(2, "lane", "r"), Sent(1), Queued(2, "lane", "r"), Sending(2, EPOCH, "w"), Sent(2))
    assert [change.status for change in changes[-4:]] == ["failed", "queued", "sending", "sent"]
    assert changes[-3].attempts == 0


def test_what_an_acknowledgement_settles_is_sent() -> None:
    assert statuses(ACCEPTED, Sending(1, EPOCH, "w"), Settled(1), Sent(1)) == ["pending", "sending", "sent"]


def test_what_is_no_change_is_not_told() -> None:
    assert statuses(Repeated(Origin(0, 0)), CameDue(1, "retry")) == []
    assert Changes().read(b"poison") is None
    assert Changes().read(None) is None


def test_a_suppressed_and_an_acknowledged_one_are_told() -> None:
    (suppressed,) = told(Suppressed(REQUEST, "transactional", Origin(0, 0), "duplicate", "n0"))
    assert (suppressed.status, suppressed.job is None) == ("suppressed", False)
    (seen,) = told(Acknowledged())
    assert (seen.status, seen.acknowledged_at) == ("sent", "1970-01-01T00:00:00.000Z")


def test_only_so_many_notifications_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    reader = Changes()
    for name in ("a", "b", "c"):
        told(Sending(1, EPOCH, "w"), name=name, by=reader)
    assert told(Queued(1, "lane"), name="c", by=reader) == []
    assert [change.status for change in told(Queued(1, "lane"), name="a", by=reader)] == ["queued"]


def test_a_held_and_a_withheld_one_are_told_with_their_reasons() -> None:
    _, held, queued = told(ACCEPTED, Held(1, 0, EPOCH, "p"), Queued(1, "lane"))
    assert (held.status, held.held_until, queued.status) == ("pending", "1970-01-01T00:00:00.000Z", "queued")
    first, second = told(Held(1, 0, EPOCH, "p"), Held(2, 0, EPOCH, "p"), Held(1, 0, EPOCH, "p"))
    assert first == second
    _, withheld = told(ACCEPTED, Withheld(0, "actor-muted", "p"))
    assert (withheld.status, withheld.reason) == ("suppressed", "actor-muted")

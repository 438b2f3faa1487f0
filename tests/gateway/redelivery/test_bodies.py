"""What may be asked for with, and what is wrong with the rest."""

from datetime import UTC, datetime

import pytest

from gateway.bodies import TooLarge
from gateway.query import Wrong
from gateway.redelivery.bodies import MAX_BODY, MOST, Many, One, read, words
from gateway.redelivery.bulk import Selection
from gateway.redelivery.wishes import Words


def test_one_needs_a_reason_and_may_name_who_asks() -> None:
    assert words(read(b'{"why": "lost"}', One)) == Words("api", "lost")
    assert words(read(b'{"why": "lost", "by": "ada"}', One)) == Words("ada", "lost")


def test_many_are_those_that_the_filters_leave() -> None:
    body = read(
        b'{"status": "failed", "type": "email", "recipient": "ada", "from": "2026-05-04T00:00:00Z",'
        b' "to": "2026-05-05T02:00:00+02:00", "limit": 7, "rate": 0.5, "why": "mended"}',
        Many,
    )
    begin, until = datetime(2026, 5, 4, tzinfo=UTC), datetime(2026, 5, 5, tzinfo=UTC)
    assert body.selection == Selection("failed", "email", "ada", begin, until, 7)
    assert body.selection.filters == {"status": "failed", "type": "email", "recipient": "ada"}
    assert (body.rate, body.preview) == (0.5, False)


def test_a_selection_in_words_names_nobody() -> None:
    told = str(Selection("failed", "email", "ada@example.org", datetime(2026, 5, 4, tzinfo=UTC), None, 7))
    assert told == "status failed, type email, one recipient, from 2026-05-04T00:00:00.000Z, the newest 7"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"status": "queued"}',
        b'{"status": "failed", "statuses": 1}',
        b'{"status": "failed", "type": "pigeon"}',
        b'{"status": "failed", "limit": 0}',
        b'{"status": "failed", "limit": %d}' % (MOST + 1),
        b'{"status": "failed", "rate": 0}',
        b'{"status": "failed", "from": "2026-05-04T00:00:00"}',
    ],
)
def test_other_bodies_are_wrong(raw: bytes) -> None:
    with pytest.raises(Wrong):
        read(raw, Many)


def test_more_than_may_be_said_is_too_large() -> None:
    with pytest.raises(TooLarge):
        read(b'{"status": "failed", "why": "%b"}' % (b"x" * MAX_BODY), Many)


@pytest.mark.parametrize("raw", [b'{"why": " "}', b'{"why": "lost", "by": ""}'])
def test_who_and_why_must_be_said(raw: bytes) -> None:
    with pytest.raises(Wrong, match="must be said"):
        words(read(raw, One))

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.position import Document, Place
from projections.present.story import entry
from streams.events import (
    Acknowledged,
    CameDue,
    Origin,
    Queued,
    RedeliveryRefused,
    RedeliveryRequested,
    Repeated,
    RetryScheduled,
    SendFailed,
    Sending,
)
from tests.projections.lives import Events, accepted, at, event, items, life, request, suppressed


def story(events: Events) -> list[Document]:
    told: dict[str, Document] = {}
    for one, place in items(events):
        if line := entry(one, place):
            told.setdefault(line["_id"], line)
    return list(told.values())


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ("s", "created queued sending sent"),
        ("fs", "created queued sending retry_scheduled sending sent"),
        ("fff", "created queued sending retry_scheduled sending retry_scheduled sending failed"),
        ("ds", "created queued sending deferred sending sent"),
        ("ls", "created queued sending lost retry_scheduled sending sent"),
        ("sa", "created queued sending sent acknowledged"),
        ("k", "created queued sending acknowledged settled"),
        ("srs", "created queued sending sent redelivery_requested redelivered sending sent"),
    ],
)
def test_the_story_is_the_one_the_reference_would_tell(outcomes: str, told: str) -> None:
    assert [line["event"] for line in story(life(accepted("n"), outcomes))] == told.split()


def test_an_entry_is_named_for_its_event_and_knows_its_place() -> None:
    body = RetryScheduled(1, at(3.5), 2, "refused")
    assert entry(event(body, seconds=1.5), Place(2, 7)) == {
        "_id": "n:retry-scheduled:1",
        "jobId": "n",
        "event": "retry_scheduled",
        "details": {"dispatch": 1, "attempts": 2, "error": "refused", "delayMs": 2000, "notBefore": at(3.5)},
        "createdAt": at(1.5),
        "position": {"partition": 2, "offset": 7},
    }


def test_a_redelivery_tells_who_asked_and_why_and_what_came_of_it() -> None:
    asked = RedeliveryRequested("r", "ada", "lost", 1, "transactional", request())
    refused = RedeliveryRefused("r", "under-way", "sending")
    lines = story([event(asked), event(Queued(2, "lane", "r")), event(refused)])
    assert [(line["_id"], line["details"]) for line in lines] == [
        ("n:redelivery-requested:r", {"redelivery": "r", "by": "ada", "why": "lost"}),
        ("n:queued:2", {"dispatch": 2, "lane": "lane", "redelivery": "r"}),
        ("n:redelivery-refused:r", {"redelivery": "r", "reason": "under-way", "status": "sending"}),
    ]


def test_a_suppression_tells_its_reason() -> None:
    line = entry(suppressed("n"), Place(0, 0))
    assert line is not None
    assert (line["event"], line["details"]) == ("suppressed", {"reason": "duplicate", "duplicateOf": "other"})


def test_a_sending_tells_who_until_when() -> None:
    line = entry(event(Sending(2, at(15), "deliver-1")), Place(0, 0))
    assert line is not None
    assert line["details"] == {"dispatch": 2, "worker": "deliver-1", "deadline": at(15)}


@pytest.mark.parametrize(
    "body", [Repeated(Origin(0, 0)), SendFailed(1, "no"), CameDue(1, "retry"), Queued(2, "lane")], ids=repr
)
def test_what_is_concluded_elsewhere_is_not_told(body: Repeated | SendFailed | CameDue | Queued) -> None:
    assert entry(event(body), Place(0, 0)) is None


@given(st.text("sfdl", max_size=5), st.integers(0, 30), st.integers(0, 30))
def test_a_suffix_of_the_log_that_comes_again_tells_nothing_new(outcomes: str, first: int, count: int) -> None:
    told = life(accepted("n"), outcomes)
    assert story([*told, *told[first : first + count]]) == story(told)


def test_an_entry_s_time_is_its_event_s() -> None:
    line = entry(event(Acknowledged(), seconds=4), Place(0, 0))
    assert line is not None
    assert line["createdAt"] - at(0) == timedelta(seconds=4)

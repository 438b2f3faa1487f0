import json

from gateway.wire import encode, entry, job
from projections.position import Place
from projections.present.jobs import Standing, document, evolve
from projections.present.story import entry as story_entry
from streams.events import Accepted, RetryScheduled
from tests.projections.lives import accepted, at, event, items, life


def test_a_job_has_the_reference_s_fields_and_none_of_the_fold_s() -> None:
    told = items(life(accepted("n", 1.25), "fs"))
    standing: Standing | None = None
    for one, place in told:
        standing = evolve(standing, one, place)
    first = told[0].event
    assert isinstance(first.body, Accepted)
    assert standing is not None
    assert json.loads(encode(job(document(first, first.body, Place(0, 0), standing)))) == {
        "id": "n",
        "_id": "n",
        "type": "email",
        "recipient": "ada@example.org",
        "message": "hello",
        "metadata": {"order": 4711},
        "maxAttempts": 3,
        "priority": "transactional",
        "createdAt": "2026-01-01T00:00:01.250Z",
        "status": "sent",
        "attempts": 1,
        "lastError": "refused the 1. time",
        "updatedAt": "2026-01-01T00:00:02.650Z",
    }


def test_a_story_s_times_are_written_as_javascript_does_also_in_details() -> None:
    stored = story_entry(event(RetryScheduled(1, at(1), 1, "no")), Place(0, 4))
    assert stored is not None
    assert json.loads(encode(entry(stored))) == {
        "id": "n:retry-scheduled:1",
        "_id": "n:retry-scheduled:1",
        "jobId": "n",
        "event": "retry_scheduled",
        "details": {
            "dispatch": 1,
            "attempts": 1,
            "error": "no",
            "delayMs": 1000,
            "notBefore": "2026-01-01T00:00:01.000Z",
        },
        "createdAt": "2026-01-01T00:00:00.000Z",
    }

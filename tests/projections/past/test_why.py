from typing import get_args

from projections.past.history import History
from projections.past.why import WAITED, Step, Why, why
from streams.events import (
    Accepted,
    CameDue,
    Event,
    Held,
    Noted,
    Obligation,
    Origin,
    PolicySet,
    Queued,
    Requested,
    Sending,
    Sent,
    Suppressed,
)
from tests.projections.lives import Events, accepted, at, event, items, life, request
from tests.projections.past.test_history import story

POLICY = PolicySet("actor", "ada", 1_767_225_600_000, rate_limit=7)
SET = Event(POLICY, "policy:actor:ada", at(0), "gateway", "policy:actor:ada")


def told(events: Events, policies: dict[str, History] | None = None) -> Why:
    return why(story(items(events)), policies or {})


def steps(events: Events) -> dict[str, Step]:
    return {step.id.removeprefix("n:"): step for step in told(events).steps}


def causes(events: Events) -> dict[str, str | None]:
    return {name: step.cause and step.cause.removeprefix("n:") for name, step in steps(events).items()}


def by_deliver(first: Event[Accepted]) -> Events:
    """As deliver writes it: all it says is caused by the lane record."""
    queued = first.then(Queued(1, "notification-attempts.email.transactional"), "lifecycle")
    attempt = "n:attempt:1"
    sending = Event(Sending(1, at(15.1), "w-1", "MockProvider"), "n", at(0.1), "deliver", "n", attempt)
    return [first, queued, sending, Event(Sent(1), "n", at(0.3), "deliver", "n", attempt)]


ASKED = Event(Requested(request()), "n", at(0), "api", "n")
FIRST = ASKED.then(Accepted(request(), "transactional", Origin(3, 17)), "admit")


def test_the_request_comes_first_and_lies_where_its_outcome_says() -> None:
    first, second = told([FIRST]).steps
    assert (first.event, first.topic, first.partition, first.offset) == ("requested", "notification-requests", 3, 17)
    assert (second.event, second.cause, second.after_ms) == ("accepted", first.id, 0)
    assert first.details == {"channel": "email", "maxAttempts": 3}


def test_the_lane_record_stands_between_queued_and_sending_and_the_call_between_sending_and_its_outcome() -> None:
    assert causes(by_deliver(FIRST)) == {
        "requested:0": None,
        "accepted:0": "requested:0",
        "queued:1": "accepted:0",
        "sending:1": "queued:1",
        "sent:1": "sending:1",
    }


def test_a_step_tells_how_long_it_took_with_what_and_who_acted() -> None:
    found = steps(by_deliver(FIRST))
    assert (found["sending:1"].after_ms, found["sending:1"].spent) == (100, "in the lane")
    assert (found["sending:1"].worker, found["sending:1"].provider) == ("w-1", "MockProvider")
    assert (found["sent:1"].after_ms, found["sent:1"].spent) == (200, "in the provider's call")


def test_a_retry_tells_what_it_waited_for_and_how_late_it_was() -> None:
    told_late = life(accepted("n"), "fs")
    found = steps(told_late)
    assert causes(told_late)["came-due:1.retry"] == "retry-scheduled:1"
    due = found["came-due:1.retry"]
    assert (due.after_ms, due.late_ms, due.spent) == (1000, 0, "until the next attempt")
    assert found["retry-scheduled:1"].details == {
        "dispatch": 1,
        "notBefore": "2026-01-01T00:00:01.200Z",
        "attempts": 1,
        "error": "refused the 1. time",
    }


def test_a_hold_tells_that_it_waited_for_the_end_of_quiet_hours() -> None:
    held = FIRST.then(Held(1, 0, at(600), "preferences:ada:1"), "lifecycle")
    due = held.then(CameDue(0, "hold", 1), "lifecycle", at(600.5))
    found = steps([FIRST, held, due])["came-due:0.hold.1"]
    assert (found.after_ms, found.late_ms, found.spent) == (600_500, 500, "for the end of quiet hours")


def test_one_that_was_held_twice_tells_of_both() -> None:
    first = FIRST.then(Held(1, 0, at(600), "preferences:ada:1"), "lifecycle")
    ended = first.then(CameDue(0, "hold", 1), "lifecycle", at(600))
    second = ended.then(Held(2, 0, at(900), "preferences:ada:2"), "lifecycle")
    due = second.then(CameDue(0, "hold", 2), "lifecycle", at(900))
    found = steps([FIRST, first, ended, second, due, due.then(Queued(1, "lane"), "lifecycle")])
    assert (found["queued:1"].cause, found["queued:1"].after_ms) == (due.id, 0)


def test_it_is_known_what_each_kind_of_wait_is_for() -> None:
    assert WAITED.keys() == set(get_args(Obligation))


def test_an_acknowledgement_has_no_cause() -> None:
    assert causes(life(accepted("n"), "sa"))["acknowledged:0"] == "sent:1"  # as the rules would have it
    alone = [FIRST, event(Sent(1), "n", 1)]
    assert steps(alone)["sent:1"].cause is None


def test_a_cause_counts_only_if_the_log_told_of_it_before() -> None:
    queued = FIRST.then(Queued(1, "lane"), "lifecycle")
    early = queued.then(Sending(1, at(9), "w"), "deliver")
    assert causes([FIRST, early, queued])["sending:1"] is None


def test_the_policies_that_were_in_force_are_told_with_their_versions() -> None:
    body = Suppressed(request(), "promotional", Origin(0, 1), "rate-limited", policies=(SET.id,))
    noted = story(items([SET.then(Noted(Origin(part, 5), policy=POLICY), "admit") for part in range(2)]))
    found = told([ASKED.then(body, "admit")], {"policy:actor:ada": noted})
    (policy,) = found.policies
    assert (policy.scope, policy.about, policy.version, policy.rate_limit) == ("actor", "ada", POLICY.version, 7)
    assert policy.since == "2026-01-01T00:00:00.000Z"
    assert (found.status, found.steps[-1].details["reason"]) == ("suppressed", "rate-limited")
    (unknown,) = told([ASKED.then(body, "admit")]).policies
    assert unknown.rate_limit is None

"""2,000 notifications through the whole system, and the story of each held against the reference's.

Nine in ten are deliveries. The others are what people did, which ends in mailboxes and is read over sockets.
"""

from collections import Counter

import pytest

from tests.support.stack import wait_until
from tests.system.people import acknowledge, act, flood, hear, said, target
from tests.system.whole import Whole, events_of, seconds_late, told_by_the_reference

COUNT = 2000
SOCIAL = COUNT // 10
HALF = (COUNT - SOCIAL) // 2


@pytest.fixture(scope="module")
def names(whole: Whole) -> list[str]:
    """Half of the deliveries over HTTP, half straight into RabbitMQ, then the social ones; all have ended."""
    names = whole.post(range(HALF)) + whole.publish(range(HALF, 2 * HALF), "amqp") + act(whole, range(SOCIAL))
    whole.wait_until_final(names, within=120)
    return names


def test_every_accepted_notification_has_ended_once(whole: Whole, names: list[str]) -> None:
    assert len(set(names)) == COUNT
    assert whole.jobs().keys() == set(names)


def test_every_story_is_the_reference_s(whole: Whole, names: list[str]) -> None:
    jobs, stories = whole.jobs(), whole.stories()
    assert stories.keys() == set(names)
    for name, job in jobs.items():
        assert events_of(stories[name]) == told_by_the_reference(job["attempts"]), name
        assert job["status"] == ("failed" if job["attempts"] == 5 else "sent"), name


def test_jobs_keep_what_was_asked_for(whole: Whole, names: list[str]) -> None:
    jobs = whole.jobs()
    posted = jobs[names[0]]
    number = posted["metadata"]["number"]
    assert posted["recipient"] == f"user{number % 200}@example.org"
    assert posted["message"] == f"message {number}"
    assert posted["maxAttempts"] == 5


@pytest.mark.usefixtures("names")
def test_no_retry_is_early_and_the_lateness_is_told(whole: Whole) -> None:
    late = sorted(lateness for story in whole.stories().values() for lateness in seconds_late(story))
    assert len(late) > COUNT / 10
    print(f"\n{len(late)} retries late by p50 {late[len(late) // 2]:.3f} s, p99 {late[int(len(late) * 0.99)]:.3f} s")  # noqa: T201
    assert late[0] >= 0


@pytest.mark.usefixtures("names")
def test_the_provider_saw_each_dispatch_once_and_no_second_success(whole: Whole) -> None:
    calls, stories, jobs = whole.provider_calls(), whole.stories(), whole.jobs()
    assert set(calls.values()) == {1}
    begun = sum(call == "begun" for call, _, _ in calls)
    delivered = [story for name, story in stories.items() if jobs[name]["type"] != "in-app"]
    assert begun == sum(events_of(story).count("sending") for story in delivered)
    sent = [name for call, name, _ in calls if call == "sent"]
    assert len(sent) == len(set(sent))


@pytest.mark.usefixtures("names")
def test_about_a_fifth_of_the_calls_failed(whole: Whole) -> None:
    calls = whole.provider_calls()
    failed = sum(call == "failed" for call, _, _ in calls) / sum(call == "begun" for call, _, _ in calls)
    assert 0.15 < failed < 0.25


def test_what_people_did_is_heard_by_whom_it_concerns_and_acknowledged(whole: Whole, names: list[str]) -> None:
    social = dict(enumerate(names[2 * HALF :]))
    for user in sorted({target(number) for number in social}):
        mine = {name: said(number) for number, name in social.items() if target(number) == user}
        heard = hear(whole, user)
        assert Counter((item["notificationId"], item["message"]) for item in heard) == Counter(mine.items())
        assert {(item["toUserId"], item["status"]) for item in heard} == {(user, "pending")}
        first = heard[0]["notificationId"]
        acknowledge(whole, user, first)
        assert {item["notificationId"] for item in hear(whole, user)} == mine.keys() - {first}
        wait_until(
            lambda first=first: whole.jobs()[first].get("mailbox") == "delivered",  # type: ignore[misc]
            15,
            lambda: "an ACK is not stored",
        )
        assert events_of(whole.stories()[first]) == ["created", "queued", "sending", "sent", "acknowledged"]


@pytest.mark.usefixtures("names")
def test_of_what_one_actor_does_at_once_over_many_connections_exactly_two_pass(whole: Whole) -> None:
    made = flood(whole, 40)
    ended = {"sent", "suppressed"}
    wait_until(
        lambda: {whole.jobs().get(name, {}).get("status") for name in made} <= ended, 60, lambda: "some are still open"
    )
    jobs = whole.jobs()
    assert Counter(jobs[name]["status"] for name in made) == {"sent": 2, "suppressed": 38}
    assert {jobs[name].get("reason") for name in made} == {None, "rate-limited", "cooled-off"}

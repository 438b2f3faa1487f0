"""2,000 notifications through the whole system, and the story of each held against the reference's."""

import pytest

from tests.system.whole import Whole, events_of, seconds_late, told_by_the_reference

COUNT = 2000
HALF = COUNT // 2


@pytest.fixture(scope="module")
def names(whole: Whole) -> list[str]:
    """Half of them over HTTP, half straight into RabbitMQ; all have ended."""
    names = whole.post(range(HALF)) + whole.publish(range(HALF, COUNT), "amqp")
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
    calls, stories = whole.provider_calls(), whole.stories()
    assert set(calls.values()) == {1}
    begun = sum(call == "begun" for call, _, _ in calls)
    assert begun == sum(events_of(story).count("sending") for story in stories.values())
    sent = [name for call, name, _ in calls if call == "sent"]
    assert len(sent) == len(set(sent))


@pytest.mark.usefixtures("names")
def test_about_a_fifth_of_the_calls_failed(whole: Whole) -> None:
    calls = whole.provider_calls()
    failed = sum(call == "failed" for call, _, _ in calls) / sum(call == "begun" for call, _, _ in calls)
    assert 0.15 < failed < 0.25

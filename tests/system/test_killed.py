"""The whole way with deliver, then lifecycle, killed in the middle: all end, and every call is on the log."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.stack import wait_until
from tests.system.whole import FINAL, Whole, events_of, seconds_late

COUNT = 2000
HALF = COUNT // 2


@pytest.fixture(scope="module", params=["deliver", "lifecycle"])
def names(request: pytest.FixtureRequest, whole: Whole) -> list[str]:
    """Sent under one kill in the middle, with calls in flight; all have ended."""
    before = whole.calls_made()
    with ThreadPoolExecutor() as threads:
        posted = threads.submit(whole.post, range(HALF))
        published = threads.submit(whole.publish, range(HALF, COUNT), request.param)
        wait_until(lambda: whole.calls_made() > before + HALF, 60, lambda: "the provider is hardly called")
        whole.stack.kill(request.param)
        names = posted.result() + published.result()
    whole.wait_until_final(names, within=180)
    return names


def test_all_have_ended(whole: Whole, names: list[str]) -> None:
    jobs = whole.jobs()
    assert [name for name in names if jobs[name]["status"] not in FINAL] == []


def test_attempts_agree_with_the_story(whole: Whole, names: list[str]) -> None:
    jobs, stories = whole.jobs(), whole.stories()
    for name in names:
        told = Counter(events_of(stories[name]))
        assert jobs[name]["attempts"] == told["retry_scheduled"] + told["failed"], name
        assert (told["created"], told["queued"], told["sent"] + told["failed"]) == (1, 1, 1), name


@pytest.mark.usefixtures("names")
def test_no_retry_is_early(whole: Whole) -> None:
    assert min(lateness for story in whole.stories().values() for lateness in seconds_late(story)) >= 0


@pytest.mark.usefixtures("names")
def test_no_call_was_made_that_the_log_does_not_tell(whole: Whole) -> None:
    announced = {entry["_id"] for story in whole.stories().values() for entry in story if entry["event"] == "sending"}
    calls = whole.provider_calls()
    begun = {f"{name}:sending:{dispatch}": times for (call, name, dispatch), times in calls.items() if call == "begun"}
    assert begun.keys() <= announced
    assert set(begun.values()) == {1}


@pytest.mark.usefixtures("names")
def test_no_second_success_that_a_loss_does_not_explain(whole: Whole) -> None:
    stories = whole.stories()
    sent = Counter(name for call, name, _ in whole.provider_calls() if call == "sent")
    lost = {name: events_of(story).count("lost") for name, story in stories.items()}
    doubled = {name: times for name, times in sent.items() if times > 1}
    print(f"\n{len(doubled)} sent more than once, {sum(lost.values())} dispatches lost")  # noqa: T201
    assert {name for name, times in doubled.items() if times - 1 > lost[name]} == set()

"""`./tidings rebuild` on a whole stack that works: over, back and away, and every answer over HTTP stays good."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.support.stack import OwnStack, own_stack, wait_until

COUNT = 80
NAMES = ("NotificationJob", "NotificationLog", "DeadLetter")
pytestmark = pytest.mark.integration


def ended(stack: OwnStack, name: str) -> bool:
    return requests.get(f"{stack.http}/api/notifications/{name}", timeout=30).json()["status"] in ("sent", "failed")


def whole(stack: OwnStack, name: str) -> bool:
    """Whether its story is whole: its lines are stored beside its status, at no set time."""
    story = requests.get(f"{stack.http}/api/notifications/{name}/log", timeout=30).json()
    return bool(story) and story[0]["event"] == "created" and story[-1]["event"] in ("sent", "failed")


@contextmanager
def asked_all_the_time(stack: OwnStack, name: str) -> Iterator[list[tuple[int, str | None, int]]]:
    """Answers about a notification that has ended: the code, its status, how many lines its story has."""
    answers: list[tuple[int, str | None, int]] = []
    enough = threading.Event()

    def ask() -> None:
        with requests.Session() as session:
            while not enough.is_set():
                answer = session.get(f"{stack.http}/api/notifications/{name}", timeout=30)
                story = session.get(f"{stack.http}/api/notifications/{name}/log", timeout=30)
                answers.append((answer.status_code, answer.json().get("status"), len(story.json())))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        enough.set()
        thread.join()


def test_readers_go_over_and_back_and_the_audit_stays_clean() -> None:
    with own_stack(MOCK_LATENCY="0.01", RETRY_STEP="0.2") as stack:
        stack.run("up", "--detach")
        with ThreadPoolExecutor(8) as clients:
            ids = list(clients.map(lambda number: stack.post(f"user{number % 7}@example.org"), range(COUNT)))
        wait_until(lambda: all(ended(stack, name) for name in ids), 120, lambda: "not all have ended")
        wait_until(lambda: whole(stack, ids[0]), 60, lambda: "its story does not end")
        with asked_all_the_time(stack, ids[0]) as answers:
            told = stack.run("rebuild", "all", "--yes", "--why", "a try").stdout
            assert all(f"{name}: {name}_2 is live; {name} is kept" in told for name in NAMES), told
            more = [stack.post(f"user{number}@example.org") for number in range(10)]
            wait_until(lambda: all(ended(stack, name) for name in more), 60, lambda: "the new copy is not kept up")
            back = stack.run("rebuild", "NotificationJob", "--rollback", "--yes", "--by", "ada").stdout
            assert "NotificationJob: NotificationJob is live" in back
            assert all(ended(stack, name) for name in more)
            shown = stack.run("rebuild", "NotificationJob", "--status").stdout
            assert "kept for roll-back" in shown
            stack.run("rebuild", "all", "--drop")
            assert "_2 " not in stack.run("rebuild", "NotificationJob", "--status").stdout
        assert len(answers) > 20
        assert len(set(answers)) == 1
        assert stack.run("audit").stdout.count("clean")
        nothing = stack.run("rebuild", "NotificationJob", "--rollback", check=False)
        assert nothing.returncode == 1
        assert "has no other copy" in nothing.stdout.replace("\n", " ")

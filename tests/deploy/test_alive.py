"""Processes that are alive and do not work, or do not end: they are ended; one that was only stopped is not."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from deploy.stack import ports
from deploy.stack.home import CHECKOUT
from streams.exits import Exit
from tests.support.stack import wait_until

PROGRAM = """
from deploy import alive, process
alive.GRACE = 6.0
process.MODULES["toy"] = "tests.deploy.toy_process"
process.main("toy")
"""
LIMIT = 5
"""Seconds; the shortest there is."""
pytestmark = pytest.mark.integration


def toy(worker: str, home: Path, **more: str) -> subprocess.Popen[str]:
    """A process started by the composition root, under this name."""
    environment = {
        "PYTHONPATH": str(CHECKOUT),
        "WORKER": worker,
        "TIDINGS_HOME": str(home),
        "STALL_LIMIT": str(LIMIT),
        **more,
    }
    return subprocess.Popen([sys.executable, "-P", "-c", PROGRAM], env=environment, stderr=subprocess.PIPE, text=True)


def at_work(process: subprocess.Popen[str]) -> None:
    """Returns once it says so."""
    assert process.stderr is not None
    assert any("at work" in line for line in process.stderr)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


def test_a_process_whose_work_stands_still_says_503_and_then_ends_itself(tmp_path: Path) -> None:
    port = ports.choose(())

    def healthz() -> int:
        try:
            return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code
        except (requests.ConnectionError, requests.Timeout):
            return 0

    with toy("stalled", tmp_path, METRICS_PORT=str(port)) as process:
        wait_until(lambda: healthz() == 503, 60, lambda: f"healthz says {healthz()}")
        text = said(process)
    assert process.returncode == Exit.STUCK
    assert "leaving with STUCK (75): toy digs: 5 to do, nothing moved for" in text
    assert re.search(r"run \(toy_process\.py:\d+\) > Event\.wait \(locks\.py:\d+\) > ", text)


def test_a_process_whose_event_loop_stands_still_is_ended_and_tells_where_it_stood(tmp_path: Path) -> None:
    with toy("blocked", tmp_path) as process:
        text = said(process)
    assert process.returncode == Exit.STUCK
    assert f"the event loop did not turn for {LIMIT} s" in text
    assert "toy_process.py" in text


def test_a_process_that_was_stopped_for_long_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    with toy("steady", tmp_path) as process:
        at_work(process)
        process.send_signal(signal.SIGSTOP)
        time.sleep(LIMIT + 2)  # being stopped is the point
        process.send_signal(signal.SIGCONT)
        time.sleep(2)  # for the first looks after it
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        text = said(process)
    assert process.returncode == 0, text


def test_a_process_that_does_not_finish_in_time_is_ended_and_tells_what_it_had_in_flight(tmp_path: Path) -> None:
    settings = {"DRAIN_SECONDS": "1", "PROVIDER_TIMEOUT": "0.5", "DEADLINE_MARGIN": "0.5"}
    with toy("stubborn", tmp_path, **settings) as process:
        at_work(process)
        process.send_signal(signal.SIGTERM)
        text = said(process)
    assert process.returncode == Exit.UNDRAINED
    assert "told to stop, it did not finish within 1 s: 2 calls" in text

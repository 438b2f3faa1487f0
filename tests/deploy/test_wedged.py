"""Folds that are alive and do not work, under the real supervisor: they say so, and are started again."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import requests

from deploy.stack import leftovers, plan, ports
from deploy.stack.home import CHECKOUT, Home
from deploy.stack.program import Program, configuration
from deploy.stack.supervision import State, Supervision
from streams.codec import encode
from streams.events import Requested
from streams.exits import Exit
from streams.settings import Settings
from streams.topics import REQUESTS
from tests.projections.lives import event, request
from tests.support.kafka import write
from tests.support.stack import wait_until

KIND = "admit"


@contextmanager
def supervised(settings: Settings, how: str, port: int) -> Iterator[Callable[[], State]]:
    """The wedged fold under a supervisord of its own; gives what that knows of it."""
    with TemporaryDirectory(prefix="tidings-", ignore_cleanup_errors=True) as folder:
        home = Home(Path(folder))
        home.make()
        command = (sys.executable, "-P", str(CHECKOUT / "tests/deploy/wedged.py"), how, KIND)
        environment = {"WORKER": f"wedged-{uuid4()}", "METRICS_PORT": str(port), "STALL_LIMIT": "5"}
        program = Program(KIND, "processes", command, environment=environment, stops_within=5)
        home.supervisor_config.write_text(configuration(home, [program]))
        supervision = Supervision(home)
        supervision.launch({**os.environ, **plan.environment(home, settings)}, outlives_us=False)
        try:
            supervision.start(supervision.states()[0])
            yield lambda: supervision.states()[0]
        finally:
            supervision.stop()
            leftovers.end(home)


READS = f"{KIND} reads {REQUESTS}["
"""A worker that has partitions is judged by them, also while others have some, from the moment it gets them."""


@pytest.mark.parametrize(
    ("how", "named"), [("never-reads", READS), ("never-loads", READS), ("never-joins", f"{KIND} is read")]
)
async def test_a_fold_that_is_alive_and_does_not_work_says_503_and_is_started_again(
    declared: Settings, how: str, named: str
) -> None:
    asked = encode(event(Requested(request()), str(uuid4())))
    await write(declared.kafka_url, REQUESTS, *[(b"key", asked)] * 20)
    port = ports.choose(())

    def healthz() -> tuple[int, str]:
        try:
            answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
        except (requests.ConnectionError, requests.Timeout):
            return 0, "no answer"
        return answer.status_code, answer.text

    told = []

    def stalled() -> bool:
        told.append(healthz())
        return told[-1][0] == 503

    with supervised(declared, how, port) as state:
        wait_until(stalled, 120, lambda: f"{state()}: {told[-1]}")
        wait_until(lambda: state().restarts > 0, 60, lambda: f"{state()}: {healthz()}")
        assert state().last_exit == f"ended with exit code {Exit.STUCK:d}"
    assert named in told[-1][1]
    assert "nothing moved for" in told[-1][1]

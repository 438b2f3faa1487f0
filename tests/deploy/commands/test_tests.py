"""`./tidings test` that is told to end leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SECONDS = 60.0
RUN = """\
import sys
from deploy.commands.test import _run
sys.exit(_run("pytest", "-p", "tests.support.sigterm", "-p", "no:cacheprovider", "-c", sys.argv[1], sys.argv[2]))
"""
WAITING = """\
import threading
from pathlib import Path

import pytest


@pytest.fixture
def server():
    yield Path(__file__)
    Path(__file__).with_name("stopped").touch()


def test_that_takes_long(server):
    server.with_name("fifo").write_text("it runs")
    threading.Event().wait()
"""


@pytest.mark.parametrize(
    "tell",
    [lambda program: os.killpg(program, signal.SIGINT), lambda program: os.kill(program, signal.SIGTERM)],
    ids=["Ctrl-C in its terminal", "SIGTERM to it alone"],
)
def test_fixtures_stop_what_they_have_started(tmp_path: Path, tell: Callable[[int], None]) -> None:
    waiting, configuration = tmp_path / "test_waiting.py", tmp_path / "pytest.ini"
    waiting.write_text(WAITING)
    configuration.write_text("[pytest]\n")
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(
        [sys.executable, "-c", RUN, configuration, waiting], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        assert (tmp_path / "fifo").read_text() == "it runs"
        tell(program.pid)
        said, _ = program.communicate(timeout=SECONDS)
    assert (tmp_path / "stopped").exists()
    assert program.returncode == pytest.ExitCode.INTERRUPTED, said

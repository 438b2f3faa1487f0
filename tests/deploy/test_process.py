import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.kinds import MODULES
from deploy.stack.home import CHECKOUT
from streams.exits import Exit

PROGRAM = "from deploy import process; process.MODULES['toy'] = 'tests.deploy.toy_process'; process.main('toy')"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO   |ERROR  ) \S+: .+")


@contextmanager
def toy(worker: str, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process started by the composition root, under this name."""
    environment = {"PYTHONPATH": str(CHECKOUT), "WORKER": worker, "TIDINGS_HOME": str(home)}
    command = [sys.executable, "-P", "-c", PROGRAM]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        yield process


def said(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    return process.stderr.read()


@pytest.mark.integration
def test_it_works_until_it_is_told_to_stop_and_then_finishes(tmp_path: Path) -> None:
    with toy("steady", tmp_path) as process:
        assert process.stderr is not None
        first = [process.stderr.readline() for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        lines = first + said(process).splitlines(keepends=True)
    assert process.returncode == 0
    assert [line.split(": ", 1)[1].strip() for line in lines if LINE.match(line)] == [
        f"steady starts (pid {process.pid})",
        "at work",
        "finishing",
        "steady stopped",
    ]


@pytest.mark.integration
def test_what_it_did_not_expect_is_logged_and_ends_it_with_a_code(tmp_path: Path) -> None:
    with toy("failing", tmp_path) as process:
        text = said(process)
    assert process.returncode == Exit.FAILED
    assert "failing failed: leaving, to be started again" in text
    assert "RuntimeError: the toy broke" in text


@pytest.mark.integration
def test_an_event_from_a_newer_program_ends_it_with_the_code_that_asks_for_an_upgrade(tmp_path: Path) -> None:
    with toy("outdated", tmp_path) as process:
        text = said(process)
    assert process.returncode == Exit.UPGRADE
    assert "leaving with UPGRADE (73): event type 'toy.v2' is not known here" in text


@pytest.mark.integration
def test_failing_does_not_unwind_what_other_tasks_would_do_at_the_end(tmp_path: Path) -> None:
    with toy("cleaning", tmp_path):
        pass
    assert not (tmp_path / "committed").exists()


def test_every_kind_of_process_has_its_module() -> None:
    assert [
        kind for kind, module in MODULES.items() if not (CHECKOUT / f"{module.replace('.', '/')}.py").exists()
    ] == []

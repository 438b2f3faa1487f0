"""A plugin of pytest: SIGTERM ends a run as Ctrl-C does, so that fixtures stop the servers that they have started."""

import signal
from types import FrameType

import pytest


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # not in a worker of pytest-xdist, which its parent ends
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one would interrupt the fixtures
    raise KeyboardInterrupt

"""A stack of a bench's own, on this machine, with all on it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.stack import ports
from deploy.stack.environment import read_settings
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from streams.settings import Settings


@contextmanager
def fresh_stack(*, processes: bool = True) -> Iterator[tuple[Stack, Settings]]:
    """A stack that is up and goes when the block ends; without `processes`, servers only. Progress goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="tidings-bench-") as home:
        settings = read_settings().model_copy(update={"tidings_home": Path(home), "port": ports.choose(taken=())})
        stack = Stack(settings, Report(Console(stderr=True)))
        try:
            settings = stack.start_servers()
            if processes:
                stack.start_processes(settings)
            yield stack, settings
        finally:
            stack.stop()

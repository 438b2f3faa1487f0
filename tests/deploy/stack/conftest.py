"""What tests of the stack share."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def root() -> Iterator[Path]:
    """An empty folder for a stack, which holds a unix socket: `tmp_path` may be too long for one."""
    with TemporaryDirectory(prefix="tidings-") as folder:
        yield Path(folder)

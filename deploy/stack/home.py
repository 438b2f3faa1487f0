"""The folder one stack lives in: its data, logs, configuration files and run-time state."""

import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.errors import StackError

CHECKOUT = Path(__file__).resolve().parent.parent.parent
"""Where the `tidings` script and the packages are."""
SOCKET_PATH_BYTES = 88
"""Linux takes 107 in the name of a unix socket; supervisord adds its pid while it binds."""


@dataclass(frozen=True, slots=True)
class Home:
    """`TIDINGS_HOME`, by the names of what is in it."""

    root: Path

    @property
    def socket(self) -> Path:
        """Where supervisord listens."""
        return self.root / "run" / "supervisor.sock"

    @property
    def supervisor_config(self) -> Path:
        """Written anew at each start."""
        return self.root / "run" / "supervisord.conf"

    @property
    def ports(self) -> Path:
        """The ports that were chosen at the first start."""
        return self.root / "ports.json"

    @property
    def facts(self) -> Path:
        """What other commands know about the running stack."""
        return self.root / "run" / "stack.json"

    def log(self, name: str) -> Path:
        """The log file of a program."""
        return self.root / "logs" / f"{name}.log"

    def server(self, name: str) -> Path:
        """The folder of a server's data and configuration; made if it is not there."""
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def make(self) -> None:
        """Makes the folder. Raises `StackError` for a path that can't work."""
        if len(bytes(self.socket)) > SOCKET_PATH_BYTES:
            raise StackError(
                f"expected a TIDINGS_HOME of at most {SOCKET_PATH_BYTES - 20} bytes, since it holds a unix socket, "
                f"got {self.root}: choose a shorter one"
            )
        for path in (self.root, CHECKOUT):
            refuse_unspeakable(path)
        try:
            for folder in ("run", "logs"):
                (self.root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"{self.root} can't be written ({error.strerror}): set TIDINGS_HOME to a folder of yours"
            ) from error

    @contextmanager
    def starting(self) -> Iterator[bool]:
        """Holds the right to start this stack; yields False if another `up` holds it."""
        with (self.root / "run" / "starting.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def refuse_unspeakable(path: Path) -> None:
    """Raises `StackError` for a path that supervisord's configuration format can't express."""
    if re.search(r"\s[;#]|[\n\r]", str(path)):
        raise StackError(f"expected a path without a line break, ' ;' and ' #', got {str(path)!r}: move it")

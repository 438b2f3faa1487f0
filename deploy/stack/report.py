"""How a long command tells the user what it does: a passing line for each step, and a lasting one for each result."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

WIDTH = 100


class Report:
    """Writes to a terminal, a pipe or a log file; the passing lines appear on a terminal only."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._status: Status | None = None

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Shows that something goes on."""
        with self.console.status(what) as self._status:
            yield
        self._status = None

    def say(self, line: str) -> None:
        """The step that is being taken."""
        if self._status is not None:
            self._status.update(f"[dim]{escape(_one_line(line))}[/dim]")

    def done(self, line: str) -> None:
        """A step that was taken."""
        self.console.print(f"[green]✓[/green] {escape(line)}", highlight=False)

    def warn(self, line: str) -> None:
        """Something the user should know."""
        self.console.print(f"[yellow]![/yellow] {escape(line)}", highlight=False)


def _one_line(line: str) -> str:
    shown = line.strip()
    return shown if len(shown) <= WIDTH else f"{shown[:WIDTH]}…"

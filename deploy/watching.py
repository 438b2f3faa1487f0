"""A progress bar with a rate and the time left, for what reads a long log."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class Watcher:
    """Shows how far a piece of work is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""
        self._progress.reset(self._task, description=what, total=total)

    def done(self, count: int) -> None:
        """So many of them, in all."""
        self._progress.update(self._task, completed=count)


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def watched(console: Console) -> Iterator[Watcher]:
    """A bar for as long as it takes; none where the console is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Watcher(progress)

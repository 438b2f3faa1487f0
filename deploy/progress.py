"""A progress bar of records, with how many a second and how long it will take."""

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


class Bar:
    """Shows how far something is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records."""
        self._progress.reset(self._task, description=what, total=total)

    def done(self, count: int) -> None:
        """So many of them, in all."""
        self._progress.update(self._task, completed=count)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Meanwhile the terminal is free for questions."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


@contextmanager
def watched(console: Console) -> Iterator[Bar]:
    """A bar that is gone when the work is done; none where nobody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield Bar(progress)


class _Rate(ProgressColumn):
    """Records a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")

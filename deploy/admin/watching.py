"""A progress bar with a rate and the time left, for what takes long."""

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
        self._part = ""

    def begin(self, what: str, total: int | None = None) -> None:
        """A part, which will have so many records; a task of its own, since none can forget its total again."""
        self._part = what
        self._progress.remove_task(self._task)
        self._task = self._progress.add_task(what, total=total)

    def done(self, count: int) -> None:
        """So many of them, in all."""
        self._progress.update(self._task, completed=count)

    def more(self, count: int) -> None:
        """So many since the last time."""
        self._progress.advance(self._task, count)

    def at(self, what: str, count: int, total: int | None) -> None:
        """How far a part is, which begins if it is another one."""
        if what != self._part:
            self.begin(what)
        self._progress.update(self._task, completed=count, total=total)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Meanwhile the terminal is free for questions."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()


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

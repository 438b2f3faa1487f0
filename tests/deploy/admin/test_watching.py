"""A progress bar: parts one after the other, and nothing of it in a file."""

from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress

from deploy.admin.watching import Watcher, watched


@pytest.fixture
def progress() -> Progress:
    return Progress(console=Console(file=StringIO()), disable=True)


def shown(progress: Progress) -> tuple[str, float, float | None, bool]:
    (task,) = progress.tasks
    return task.description, task.completed, task.total, task.finished


def test_a_part_begins_with_nothing_of_the_one_before(progress: Progress) -> None:
    watcher = Watcher(progress)
    watcher.begin("the log", 9)
    watcher.done(4)
    assert shown(progress) == ("the log", 4, 9, False)
    watcher.more(5)
    assert shown(progress) == ("the log", 9, 9, True)
    watcher.begin("the lanes")
    assert shown(progress) == ("the lanes", 0, None, False)


def test_a_part_of_the_same_size_as_the_one_before_is_not_done_with_it(progress: Progress) -> None:
    watcher = Watcher(progress)
    watcher.at("checking", 9, 9)
    assert shown(progress) == ("checking", 9, 9, True)
    watcher.at("writing", 1, 9)
    assert shown(progress) == ("writing", 1, 9, False)
    watcher.at("writing", 3, 9)
    assert shown(progress) == ("writing", 3, 9, False)


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_with_its_rate_is_shown_to_a_person_only(terminal: bool) -> None:
    console = Console(file=StringIO(), force_terminal=terminal, width=100)
    with watched(console) as watcher:
        watcher.begin("the log", 9)
        watcher.done(4)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    assert ("the log" in told, "9" in told) == (terminal, terminal)

from pathlib import Path

import pytest

from projections.audit.finding import Finding
from projections.audit.letters import Letters
from projections.audit.partition import Partition, Task
from projections.audit.spill import Spill
from projections.audit.story import Story
from projections.audit.verdict import Sight
from streams import operations
from streams.codec import encode
from streams.operations import LogImported
from tests.projections.audit.given import ALL, LONG_AFTER, TOLERANCE, Raw, lived
from tests.projections.lives import START, Events


def findings(log: Events, imported: int, folder: Path) -> list[Finding]:
    """Of the audit of one partition that was imported up to this offset."""
    spill: Spill[Story] = Spill(folder / "stories.sqlite", 1000)
    task = Task(0, Sight(ALL, LONG_AFTER, TOLERANCE, imported), ALL, Letters(), 100)
    partition = Partition(task, spill)
    partition.take([Raw(0, number, b"k", encode(one)) for number, one in enumerate(log)])
    list(partition.rows())
    spill.close()
    return list(partition.result().findings)


@pytest.mark.parametrize("end", [1, 2, 3, 5])
def test_what_was_open_in_an_imported_log_is_owed_by_nobody_here(tmp_path: Path, end: int) -> None:
    story = lived("fs")[:end]
    assert findings(story, len(story), tmp_path) == []


def test_what_came_after_it_is(tmp_path: Path) -> None:
    story = lived("fs", offset=1)[:1]
    (finding,) = findings([*lived("s", "old"), *story], len(lived("s", "old")), tmp_path)
    assert (finding.kind, finding.id) == ("stuck", "n")


def test_where_it_ends_is_on_record() -> None:
    letters = Letters()
    for until in ({0: 4, 1: 7}, {0: 5}):
        told = operations.to_record(operations.Event(LogImported(until), START, "import", "ada"))
        letters.add_operations([Raw(0, 0, told.key, told.value)])
    assert letters.at_rest == {0: 5, 1: 7}

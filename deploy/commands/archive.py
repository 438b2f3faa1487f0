"""`export` and `import`: the log as files, and back into an empty system."""

from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from deploy.admin.watching import Watcher, watched
from deploy.commands.options import time_option
from deploy.stack.environment import running_settings
from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.report import Report
from deploy.stack.standstill import stopped
from streams.counted import counted
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.archive.importing import Looked
    from streams.archive.layout import Manifest

WRITERS = ("bridge", "admit", "lifecycle", "deliver", "replays")
"""Who would write to what is imported, or act on it."""
ResultT = TypeVar("ResultT")


class Format(StrEnum):
    """Of an export's files."""

    PARQUET = "parquet"
    JSONL = "jsonl"


Since = Annotated[datetime | None, time_option("Written then or later", "--from")]
Until = Annotated[datetime | None, time_option("Written before then", "--to")]


def export(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new one, or an empty one.")],
    *,
    since: Since = None,
    until: Until = None,
    format_: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.PARQUET,
) -> None:
    """Write the log, dead letters and operations to files, beside whatever runs."""
    from streams.archive.exporting import Wanted
    from streams.archive.exporting import export as write

    report, wanted = Report(Console(stderr=True)), Wanted(format_.value, since, until)
    with watched(report.console) as watcher:
        manifest = _run(write(running_settings(), folder, wanted, partial(watcher.at, "exporting")))
    report.done(f"{folder}: {_told(manifest)}")


def import_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Of an export that begins where the log begins.")],
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Only see whether the files are what was exported; asks no server.")
    ] = False,
) -> None:
    """Put an export into an empty system, as history that nobody acts on. Nothing is sent; workers stand still.

    Killed, it goes on where it was when it is started again.
    """
    from streams.archive.importing import bring_in

    report = Report(Console(stderr=True))
    if check:
        _check(folder, report)
        return
    settings = running_settings()
    with watched(report.console) as watcher:
        looked = _run(_look(settings, folder, watcher))
    with stopped(Home(settings.tidings_home), WRITERS, report), watched(report.console) as watcher:
        manifest = _run(bring_in(settings, looked, watcher.at))
    report.done(f"imported: {_told(manifest)}")


def _check(folder: Path, report: Report) -> None:
    from streams.archive.checking import check, manifest_of
    from streams.archive.layout import Damaged

    try:
        manifest = manifest_of(folder)
        with watched(report.console) as watcher:
            watcher.begin("checking the files", sum(part.records for part in manifest.parts))
            check(folder, manifest, watcher.done)
    except (Damaged, OSError) as error:
        raise StackError(str(error)) from error
    report.done(f"{folder} is as it was exported: {_told(manifest)}")


async def _look(settings: Settings, folder: Path, watcher: Watcher) -> "Looked":
    from deploy.admin.asking import read_models
    from projections.present.reads import Reads
    from streams.archive.importing import look

    async def refuse_unless_unread() -> None:
        async with read_models(settings) as base:
            if counts := await Reads(base).counts():
                raise StackError(
                    f"expected empty read models, {settings.mongo_database} has notifications ({counts}): import into "
                    "a new database (MONGO_DATABASE)"
                )

    return await look(settings, folder, watcher.at, refuse_unless_unread)


def _run(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    from deploy.admin.asking import ask
    from streams.archive.exporting import Taken, Unwritable
    from streams.archive.layout import Damaged
    from streams.codec import UnknownType
    from streams.exits import Refused

    of_files = FileNotFoundError, NotADirectoryError, PermissionError
    return ask(work, Damaged, Refused, UnknownType, Taken, Unwritable, *of_files)


def _told(manifest: "Manifest") -> str:
    from streams.topics import EVENTS

    events = sum(part.records for part in manifest.of(EVENTS))
    rest = sum(part.records for part in manifest.parts) - events
    return f"{counted(events, 'event')}, {rest:,} dead letters and operations; digest of the log {manifest.digest}"

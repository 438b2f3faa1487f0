"""What a person sees of a rebuild."""

import os
import pty
import signal
import subprocess
import sys
from contextlib import suppress
from io import StringIO

import pytest
from rich.console import Console

from deploy.admin.rebuilding import Shown, side_by_side
from projections.copies.copies import alone, begun
from projections.rebuild.gate import Compared, Difference
from streams.settings import Settings

POINTER = begun(alone("NotificationJob", 2), 3)
DIFFERENT = Difference(
    "differs",
    "n",
    {"_id": "n", "status": "sent", "attempts": 1, "fold": {"position": 4, "epoch": 1}},
    {"_id": "n", "status": "sent", "attempts": 2, "colour": "[blue]", "fold": {"position": 4, "epoch": 7}},
)


ASKING = """
import asyncio, signal, typer
signal.signal(signal.SIGINT, signal.default_int_handler)  # who starts tests in the background has it ignored
from deploy.admin.rebuilding import confirmed
typer.run(lambda: print("said", asyncio.run(confirmed("go over?"))))
"""


def asked(answer: bytes) -> tuple[int, bytes]:
    """Exit code and what stood on the terminal after the question, of a program that a person answers."""
    ours, its = pty.openpty()
    program = subprocess.Popen(
        [sys.executable, "-c", ASKING], stdin=its, stdout=its, stderr=its, start_new_session=True
    )
    os.close(its)
    told = b""
    while not told.endswith(b"[y/N]: "):
        told += os.read(ours, 1000)
    if answer:
        os.write(ours, answer)
    else:
        program.send_signal(signal.SIGINT)
    told = b""
    with suppress(OSError):  # as the program leaves the terminal
        while more := os.read(ours, 1000):
            told += more
    os.close(ours)
    return program.wait(timeout=30), told


def printed(*what: object) -> str:
    console = Console(file=StringIO(), width=100)
    console.print(*what)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_two_documents_are_shown_side_by_side_with_what_differs_only() -> None:
    rows = [line.split() for line in printed(side_by_side(DIFFERENT, "M", "M_2")).splitlines()]
    assert ["│", "attempts", "│", "1", "│", "2", "│"] in rows
    assert ["│", "colour", "│", "-", "│", '"[blue]"', "│"] in rows
    assert not [row for row in rows if "status" in row or "fold" in row]


def test_a_document_that_is_missing_is_told_so() -> None:
    missing = Difference("missing", "n", DIFFERENT.live, None)
    assert "there" in printed(side_by_side(missing, "M", "M_2"))
    assert "missing" in printed(side_by_side(missing, "M", "M_2"))


def test_a_comparison_tells_counts_digests_and_what_the_version_explains() -> None:
    console = Console(file=StringIO(), width=100)
    compared = Compared(same_version=False, limit=1, digests={"live": "aa11", "other": "bb22"}, ahead=3)
    compared.documents.update({"live": 1234, "other": 1233})
    compared.add(DIFFERENT)
    compared.add(Difference("missing", "m", DIFFERENT.live, None))
    Shown(Settings(), console, asks=False, cuts_over=True).compared(POINTER, compared)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    for text in (
        "1,234",
        "1,233",
        "aa11",
        "bb22",
        "not compared: 3 documents",
        "differs: 1",
        "missing: 1",
    ):
        assert text in told
    assert "1 of these the version explains, since version 3 folds otherwise" in told


async def test_nobody_is_asked_where_nobody_may_go_over() -> None:
    console = Console(file=StringIO(), width=200)
    assert not await Shown(Settings(), console, asks=True, cuts_over=False).wanted(POINTER)
    assert "NotificationJob stays live; NotificationJob_2 is there" in console.file.getvalue()  # type: ignore[attr-defined]
    assert await Shown(Settings(), console, asks=False, cuts_over=True).wanted(POINTER)


@pytest.mark.parametrize(("answer", "said"), [(b"y\n", b"said True"), (b"n\n", b"said False")])
def test_a_person_says_yes_or_no(answer: bytes, said: bytes) -> None:
    code, told = asked(answer)
    assert (code, said in told) == (0, True)


def test_who_is_asked_may_leave_instead() -> None:
    assert asked(b"")[0] == 130

"""What a person sees of a rebuild."""

from io import StringIO

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


def test_nobody_is_asked_where_nobody_may_go_over() -> None:
    console = Console(file=StringIO(), width=200)
    assert not Shown(Settings(), console, asks=True, cuts_over=False).wanted(POINTER)
    assert "NotificationJob stays live; NotificationJob_2 is there" in console.file.getvalue()  # type: ignore[attr-defined]
    assert Shown(Settings(), console, asks=False, cuts_over=True).wanted(POINTER)

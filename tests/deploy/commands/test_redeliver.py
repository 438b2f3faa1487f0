"""What the command `redeliver` refuses before it asks any server."""

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.stack.errors import StackError


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "either ids or --status"),
        (["n", "--status", "failed"], "either ids or --status"),
        (["n", "--recipient", "ada"], "expected ids alone"),
        (["n"], "expected --why"),
        (["--status", "failed", "--why", " "], "expected --why"),
    ],
)
def test_it_must_be_told_what_and_why(arguments: list[str], expected: str) -> None:
    with pytest.raises(StackError, match=expected):
        CliRunner().invoke(app, ["redeliver", *arguments], catch_exceptions=False)


@pytest.mark.parametrize("wrong", [["--status", "queued"], ["--rate", "0"], ["--limit", "0"], ["--from", "yesterday"]])
def test_what_can_t_be_is_refused(wrong: list[str]) -> None:
    assert CliRunner().invoke(app, ["redeliver", *wrong]).exit_code == 2

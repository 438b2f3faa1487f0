"""What every command takes in the same way."""

import getpass
from datetime import UTC, datetime

import pytest
import typer
from typer.testing import CliRunner

from deploy.admin import redelivery
from deploy.cli import app
from deploy.commands.options import instant
from streams import clock


def test_times_are_utc_unless_they_say_otherwise() -> None:
    assert instant("2026-01-31T12:00:00") == instant("2026-01-31T13:00:00+01:00")
    assert instant("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)


def test_a_time_is_taken_as_the_api_writes_it() -> None:
    now = clock.now()
    assert instant(clock.iso(now)) == now


@pytest.mark.parametrize(
    "command",
    [
        ["export", "folder", "--from"],
        ["redeliver", "--status", "sent", "--to"],
        ["whatif", "--from"],
        ["dead-letters", "list", "--since"],
        ["dead-letters", "redrive", "--from"],
        ["dead-letters", "drop", "--why", "old", "--until"],
        ["replay", "start", "--into", "stdout", "--to"],
    ],
)
def test_what_is_no_time_is_refused_in_the_same_words_everywhere(command: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"expected a time in ISO 8601 such as .*, got 'yesterday'"):
        instant("yesterday")
    refused = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*command, "yesterday"])
    assert (refused.exit_code, "expected a time in ISO 8601" in refused.output) == (2, True)


@pytest.mark.parametrize("preview", ["--preview", "--dry-run"])
@pytest.mark.parametrize(("named", "by"), [([], getpass.getuser()), (["--by", "ada"], "ada")])
def test_who_asks_is_who_runs_the_command_unless_somebody_is_named(
    monkeypatch: pytest.MonkeyPatch, preview: str, named: list[str], by: str
) -> None:
    told: list[tuple[str, bool | None]] = []

    def redeliver(run: redelivery.Run, *, asked: bool | None) -> int:
        told.append((run.words.by, asked))
        return 0

    monkeypatch.setattr(redelivery, "redeliver", redeliver)
    assert CliRunner().invoke(app, ["redeliver", "n", preview, *named], catch_exceptions=False).exit_code == 0
    assert told == [(by, None)]

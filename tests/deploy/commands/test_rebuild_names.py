"""What `./tidings rebuild` can be asked for is what `projections.models` declares."""

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.rebuild import NAMES, named
from projections.models import READ_MODELS


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.mark.parametrize("name", [*READ_MODELS, "all"])
def test_each_read_model_that_is_declared_has_its_name_and_the_help_tells_it(runner: CliRunner, name: str) -> None:
    assert named(name) == name
    assert name in runner.invoke(app, ["rebuild", "--help"]).output


def test_another_name_is_refused_with_those_that_there_are(runner: CliRunner) -> None:
    refused = runner.invoke(app, ["rebuild", "NotificationJobs"])
    assert (refused.exit_code, f"expected {NAMES}, got 'NotificationJobs'" in refused.output) == (2, True)
    assert "READ_MODELS" not in refused.output


def test_one_that_somebody_added_is_made_again_elsewhere(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READ_MODELS", '["projections.failure_reasons"]')
    refused = runner.invoke(app, ["rebuild", "FailureReason"])
    assert "(projections.failure_reasons) are made again by a higher VERSION" in " ".join(refused.output.split())

from pathlib import Path

import pytest

from deploy.stack.environment import read_settings
from deploy.stack.errors import StackError


def test_the_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_HOME", "~/mine")
    assert read_settings().tidings_home == Path("~/mine").expanduser()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [("PORT", "many", "PORT='many': Input should be a valid integer"), ("WORKERS", "{deliver", '"workers"')],
)
def test_a_variable_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StackError, match=told):
        read_settings()

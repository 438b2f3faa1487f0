from pathlib import Path

import pytest

from deploy.stack.environment import read_settings, running_settings
from deploy.stack.errors import StackError
from deploy.stack.home import Home
from deploy.stack.plan import Facts


def test_the_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_HOME", "~/mine")
    assert read_settings().tidings_home == Path("~/mine").expanduser()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PORT", "many", "PORT='many': Input should be a valid integer"),
        ("KAFKA_URL", "localhost:9092", "KAFKA_URL='localhost:9092': Value error, expected kafka://HOST:PORT"),
        ("MONGO_URL", "http://ada:secret@db/", r"MONGO_URL=\*\*\*: Value error, expected mongodb://HOST:PORT"),
        ("WORKERS", "{deliver", "expected JSON in WORKERS, as docs/reference/settings.md"),
        ("JWT_SECRET", "too short to be told", r"JWT_SECRET=\*\*\*: Value should have at least 32 items"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(StackError, match=told):
        read_settings()


def test_the_running_stack_is_found_and_the_environment_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    urls = {"mongo_url": "mongodb://of-the-stack/", "redis_url": "redis://of-the-stack/"}
    Facts("127.0.0.1", 4711, urls, [], {}).save(Home(tmp_path))
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    monkeypatch.setenv("REDIS_URL", "redis://of-the-user/")
    found = running_settings()
    assert (found.mongo_url, found.redis_url) == ("mongodb://of-the-stack/", "redis://of-the-user/")
    assert found.port == 4711


def test_where_nothing_runs_that_is_said_before_any_server_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    Facts("127.0.0.1", 4711, {"kafka_url": "kafka://of-the-stack:1"}, [], {}).save(Home(tmp_path))
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    with pytest.raises(StackError, match=f"nothing runs in {tmp_path}: start it with ./tidings up"):
        running_settings()


def test_servers_that_somebody_else_runs_are_asked_whether_a_stack_runs_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run").mkdir()
    Facts("127.0.0.1", 4711, {"kafka_url": "kafka://elsewhere:1"}, ["kafka"], {}).save(Home(tmp_path))
    monkeypatch.setenv("TIDINGS_HOME", str(tmp_path))
    assert running_settings().kafka_url == "kafka://elsewhere:1"

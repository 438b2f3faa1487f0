import os
from pathlib import Path

import pytest

from deploy.stack import install
from deploy.stack.errors import Missing, StackError

NEEDED = {"redis-server": "Redis", "maven": "to download Kafka"}


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    locked = tmp_path / "thing" / "requirements.txt"
    locked.parent.mkdir()
    locked.write_text("one")
    return locked


def test_without_root_the_whole_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Missing, match="sudo apt-get install -y --no-install-recommends maven redis-server"):
        install.debian_packages(NEEDED, print)


def test_without_apt_what_is_missing_is_told_with_its_purpose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match=r"maven \(to download Kafka\), redis-server \(Redis\).*KAFKA_URL"):
        install.debian_packages(NEEDED, print)


def test_a_download_is_made_once_for_each_content_of_its_lock_file(lock_file: Path) -> None:
    made: list[Path] = []
    first = install.cached(lock_file, made.append)
    assert install.cached(lock_file, made.append) == first
    lock_file.write_text("two")
    assert install.cached(lock_file, made.append) != first
    assert len(made) == 2


def test_a_download_that_failed_leaves_nothing_behind(lock_file: Path) -> None:
    def fail(into: Path) -> None:
        (into / "half").touch()
        raise StackError("no network")

    with pytest.raises(StackError, match="no network"):
        install.cached(lock_file, fail)
    assert [path for path in install.cache().iterdir() if path.is_dir()] == []
    assert not install.cached_folder(lock_file).exists()


def test_a_failing_installer_is_told_with_its_last_lines() -> None:
    said: list[str] = []
    with pytest.raises(StackError, match=r"exit code 3:\n  no such package"):
        install.run(["sh", "-c", "echo no such package; exit 3"], said.append)
    assert said[-1] == "no such package"

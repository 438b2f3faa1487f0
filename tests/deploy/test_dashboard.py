from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from deploy import dashboard
from deploy.stack.errors import Missing
from deploy.stack.report import Report

Ran = list[str]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """What npm was told, without it; the sources are a folder of the test's own."""
    for name in ("src", "node_modules", "dist"):
        (tmp_path / name).mkdir()
    (tmp_path / "src" / "main.tsx").write_text("one")
    (tmp_path / "package-lock.json").write_text("{}")
    for constant, path in {
        "SOURCES": tmp_path,
        "MODULES": tmp_path / "node_modules",
        "BUILT": tmp_path / "dist",
        "LOCKED": tmp_path / "package-lock.json",
    }.items():
        monkeypatch.setattr(dashboard, constant, path)
    told: Ran = []

    def run(command: Sequence[str], _: object) -> None:
        told.append("build" if "build" in command else "install, some" if "--omit=dev" in command else "install, all")

    monkeypatch.setattr(dashboard, "run", run)
    monkeypatch.setattr(dashboard, "_require_node", lambda _: None)
    return told


def build() -> None:
    dashboard.build_dashboard(Report(Console(quiet=True)))


def test_it_is_installed_and_built_once(ran: Ran) -> None:
    build()
    build()
    assert ran == ["install, some", "build"]


def test_a_changed_source_is_built_again_and_a_changed_lock_file_installed_first(ran: Ran, tmp_path: Path) -> None:
    build()
    (tmp_path / "src" / "main.tsx").write_text("two")
    build()
    (tmp_path / "package-lock.json").write_text("{ }")
    build()
    assert ran == ["install, some", "build", "build", "install, some", "build"]


def test_what_is_installed_for_checks_does_for_building(ran: Ran) -> None:
    dashboard.installed(Report(Console(quiet=True)), dashboard.CHECKED)
    build()
    assert ran == ["install, all", "build"]


def test_what_was_built_is_no_source(ran: Ran, tmp_path: Path) -> None:  # noqa: ARG001 - has the folder
    before = dashboard.digest(dashboard.sources())
    (tmp_path / "dist" / "index.html").write_text("built")
    (tmp_path / "node_modules" / "react.js").write_text("installed")
    assert dashboard.digest(dashboard.sources()) == before
    (tmp_path / "src" / "more.tsx").write_text("")
    assert dashboard.digest(dashboard.sources()) != before


def test_a_node_that_is_too_old_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("node", "npm"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho v16.20.2\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    with pytest.raises(Missing, match=r"expected Node.js 18 or newer .*, got v16.20.2"):
        dashboard._require_node(print)

"""The dashboard's pure parts, by the tests beside them; and its size."""

import gzip
import re
import subprocess

import pytest
from rich.console import Console

from deploy import dashboard
from deploy.stack.report import Report


@pytest.mark.integration
def test_the_rules_of_the_dashboard_hold() -> None:
    tools = dashboard.installed(Report(Console(stderr=True)), dashboard.CHECKED)
    done = subprocess.run(
        [str(tools / "vitest"), "run"],
        cwd=dashboard.SOURCES,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.integration
def test_what_the_first_page_loads_is_small() -> None:
    dashboard.build_dashboard(Report(Console(stderr=True)))
    page = (dashboard.BUILT / "index.html").read_text()
    loaded = [dashboard.BUILT / name for name in re.findall(r'(?:src|href)="/(assets/[^"]+)"', page)]
    fonts = [*dashboard.BUILT.glob("assets/*.woff2")]
    assert {file.suffix for file in loaded} >= {".js", ".css"}
    assert sum(len(gzip.compress(file.read_bytes())) for file in (*loaded, *fonts)) < 300_000

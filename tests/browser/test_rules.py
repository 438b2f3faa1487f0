"""The dashboard's pure parts, by the tests beside them."""

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

"""What pages name in passing is there: files, settings, options, paths over HTTP and metrics."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from deploy.cli import app
from deploy.stack.home import CHECKOUT
from gateway.front import PATHS
from streams.health.metrics import METRICS, TIMINGS
from streams.settings import Settings
from tests.support.pages import BLOCK, Page, pages

NAMED = re.compile(r"`([^`]+)`")
FOLDERS = sorted(path.name for path in CHECKOUT.iterdir() if path.is_dir() and not path.name.startswith("."))
FILE = re.compile(rf"(?:{'|'.join(FOLDERS)})(?:/[\w.*-]+)+/?")
SETTING = re.compile(r"\b[A-Z]+(?:_[A-Z]+)+\b")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
HTTP = re.compile(r"(?:(?:GET|POST|PUT|DELETE) )?(/[\w/{}-]+)(?:\?.*)?")
METRIC = re.compile(r"tidings_\w+")
MADE_BY_READERS = {"projections/failure_reasons.py", "streams/providers/sms.py"}
"""Examples of files that somebody adds."""
BESIDE = ("/ws", "/metrics", "/healthz", "/openapi.json", "/asyncapi.json", *PATHS)
"""What is served and is not in the OpenAPI document."""


def named(page: Page) -> list[str]:
    """What stands in backticks."""
    return [" ".join(name.split()) for name in NAMED.findall(BLOCK.sub("", page.text))]


def options(command: typer.core.TyperCommand | typer.core.TyperGroup) -> Iterator[str]:
    """Those of a command and of all below it."""
    for parameter in command.params:
        yield from (*parameter.opts, *parameter.secondary_opts)
    for below in getattr(command, "commands", {}).values():
        yield from options(below)


PAGES = pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)


@PAGES
def test_files_that_pages_name_are_there(page: Page) -> None:
    files = {name for name in named(page) if FILE.fullmatch(name)} - MADE_BY_READERS
    assert [name for name in files if not any(CHECKOUT.glob(name))] == []


@PAGES
def test_settings_and_options_that_pages_name_can_be_given(page: Page) -> None:
    known = {name.upper() for name in Settings.model_fields}
    known |= {"--help", *options(typer.main.get_command(app))}  # type: ignore[arg-type]
    told = " ".join(named(page))
    assert {*SETTING.findall(told), *OPTION.findall(told)} <= known


@PAGES
def test_paths_and_metrics_that_pages_name_are_served(page: Page, openapi: dict[str, Any]) -> None:
    served = [re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in (*openapi["paths"], *BESIDE)]
    paths = [found[1] for name in named(page) if (found := HTTP.fullmatch(name))]
    assert [path for path in paths if not any(one.fullmatch(path) for one in served)] == []
    assert {*METRIC.findall(" ".join(named(page)))} <= {*METRICS, *TIMINGS}

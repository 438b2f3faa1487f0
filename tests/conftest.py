"""What all tests share: real servers, stacks of their own, and the level each test belongs to."""

import asyncio
import gc
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from rich.console import Console

from deploy.declare import declare
from deploy.stack.report import Report
from deploy.stack.stack import Stack
from streams.settings import Settings
from tests.support import runtime as clocks
from tests.support.runtime import Runtime
from tests.support.stack import OwnStack, own_stack

hypothesis.settings.register_profile(
    "here",
    deadline=None,  # a time limit on a noisy machine tells nothing
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("here")

pytest_plugins = ["tests.support.sigterm"]

LEVELS = {"unit", "integration"}
BY_FOLDER = dict.fromkeys(("system", "torture", "chaos", "history"), "integration")
ON_DEMAND = {
    "torture": "the fold under kills, half an hour",
    "chaos": "a fault under load, a minute each",
    "history": "on a log of 200,000 events, a quarter of an hour",
}
"""Marks of tests that run only when they are asked for, by `-m`."""
NEEDING_SERVERS = {"servers", "shown", "stack", "whole"}
"""Fixtures that make a test an integration test."""


def pytest_configure(config: pytest.Config) -> None:
    for mark, what in ON_DEMAND.items():
        config.addinivalue_line("markers", f"{mark}: {what}; runs only when asked for by `-m {mark}`")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Every test has one level: its own mark, its folder's, or else by what it uses."""
    here = Path(__file__).parent
    for item in items:
        for mark in ON_DEMAND.keys() & {mark.name for mark in item.iter_markers()}:
            if mark not in config.option.markexpr:
                item.add_marker(pytest.mark.skip(reason=f"{ON_DEMAND[mark]}: run it by -m {mark}"))
        if not LEVELS & {mark.name for mark in item.iter_markers()}:
            uses_servers = NEEDING_SERVERS & set(getattr(item, "fixturenames", ()))
            fallback = "integration" if uses_servers else "unit"
            item.add_marker(BY_FOLDER.get(item.path.relative_to(here).parts[0], fallback))


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """A clock for limits of time."""
    with clocks.runtime() as clock:
        yield clock


@pytest.fixture(scope="session")
def servers() -> Iterator[Settings]:
    """Kafka, RabbitMQ, Redis and MongoDB of this run's own; settings with their URLs. Nothing is declared on them."""
    with TemporaryDirectory(prefix="tidings-", ignore_cleanup_errors=True) as home:
        stack = Stack(Settings(tidings_home=Path(home)), Report(Console(stderr=True)))
        try:
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                settings = stack.start_servers()
                gc.collect()  # clients that asked a server too early may leave connections behind
            yield settings
        finally:
            stack.stop()


@pytest.fixture(scope="session")
def declared(servers: Settings) -> Settings:
    """The same, with all topics, queues and indexes."""
    asyncio.run(declare(servers))
    return servers


@pytest.fixture
def stack() -> Iterator[Callable[..., OwnStack]]:
    """Makes whole stacks that are up, given environment variables by name; they go when the test ends."""
    with ExitStack() as stacks:

        def up(**overrides: str) -> OwnStack:
            made = stacks.enter_context(own_stack(**overrides))
            made.run("up", "--detach")
            return made

        yield up

"""Stacks that trials share, one up at a time; and the whole matrix only when asked for."""

from collections.abc import Iterator

import pytest

from tests.chaos.beds import Beds


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "chaos: a fault under load, a minute each; runs only when asked for by `-m chaos`"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "chaos" not in config.option.markexpr:
        for item in items:
            if item.get_closest_marker("chaos"):
                item.add_marker(pytest.mark.skip(reason="takes half an hour: run it by -m chaos"))


@pytest.fixture(scope="session")
def beds() -> Iterator[Beds]:
    """Gives stacks."""
    made = Beds()
    yield made
    made.close()

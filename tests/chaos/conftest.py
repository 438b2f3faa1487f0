"""Stacks that trials share, one up at a time."""

from collections.abc import Iterator

import pytest

from tests.chaos.beds import Beds


@pytest.fixture(scope="session")
def beds() -> Iterator[Beds]:
    """Gives stacks."""
    made = Beds()
    yield made
    made.close()

"""A whole stack for each module of tests, with a provider that fails one call in five and records them all."""

from collections.abc import Iterator

import pytest

from tests.support.stack import own_stack
from tests.system.whole import Whole


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Up, and empty."""
    calls = tmp_path_factory.mktemp("provider") / "calls"
    with own_stack(MOCK_RECORD=str(calls), MOCK_FAILURE_RATE="0.2") as stack:
        stack.run("up", "--detach")
        yield Whole(stack, calls)

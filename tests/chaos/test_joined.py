"""A second worker of each kind joins under load and leaves again: partitions move twice."""

import pytest

from tests.chaos.bed import RATE
from tests.chaos.beds import Beds
from tests.chaos.row import RECOVERS_WITHIN
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("kind", ["bridge", "admit", "lifecycle", "deliver", "projections"])
def test_a_second_worker_that_joins_and_leaves_doubles_nothing_at_all(beds: Beds, kind: str) -> None:
    bed = beds.get()
    with Trial(bed, f"a second {kind} joins and leaves", RATE, shown=kind == "projections") as trial:
        with bed.worker(kind, f"{kind}-2") as second:
            trial.go_on(15)
            assert second.poll() is None
        trial.fault_ended()
    assert trial.row.harm == {}
    assert trial.row.explained == 0
    assert not trial.row.late
    assert second.returncode == 0
    assert (trial.row.recovery or 0) <= RECOVERS_WITHIN

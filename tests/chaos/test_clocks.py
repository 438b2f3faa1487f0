"""The clock of a process jumps under load."""

import pytest

from tests.chaos.bed import RATE
from tests.chaos.beds import Beds
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos
HOUR = 3600.0


@pytest.mark.parametrize("kind", ["lifecycle", "deliver"])
def test_a_clock_that_jumps_an_hour_ahead_and_back_harms_nothing(beds: Beds, kind: str) -> None:
    bed = beds.get()
    offset = bed.folder / f"clock-{kind}"
    offset.write_text("0")
    bed.stop(kind)
    by_hand = bed.worker(kind, kind, ("tests.chaos.stepped", str(offset)))
    with by_hand, Trial(bed, f"clock of {kind} an hour ahead, back, an hour behind, back", RATE) as trial:
        for step in (HOUR, 0, -HOUR, 0):
            offset.write_text(str(step))
            trial.go_on(8)
        trial.fault_ended()
    bed.start(kind)
    assert trial.row.harm == {}

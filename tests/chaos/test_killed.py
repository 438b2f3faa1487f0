"""SIGKILL under load: of each process, and of each server; supervisord starts them again."""

import pytest

from tests.chaos.bed import RATE
from tests.chaos.beds import Beds
from tests.chaos.row import RECOVERS_WITHIN
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos


@pytest.mark.parametrize("name", ["bridge", "admit", "lifecycle", "deliver", "projections", "web"])
def test_a_killed_process_is_soon_back_and_nothing_is_lost_or_doubled_in_silence(beds: Beds, name: str) -> None:
    bed = beds.get()
    with Trial(bed, f"SIGKILL of {name}", RATE, door_shut=name == "web", shown=name == "projections") as trial:
        bed.stack.kill(name)
        trial.fault_ended()
    assert trial.row.harm == {}
    assert (trial.row.recovery or 0) <= RECOVERS_WITHIN


@pytest.mark.parametrize("name", ["rabbitmq", "redis", "mongo", "kafka"])
def test_a_killed_server_comes_back_and_nothing_is_lost_or_doubled_in_silence(beds: Beds, name: str) -> None:
    bed = beds.get()
    with Trial(bed, f"SIGKILL of {name}", RATE, door_shut=name == "rabbitmq") as trial:
        killed = bed.stack.kill(name)
        bed.stack.wait_for(name, "running", not_pid=killed)
        bed.wait_for_answer(name)
        trial.fault_ended()
    assert trial.row.harm == {}
    assert (trial.row.recovery or 0) <= RECOVERS_WITHIN

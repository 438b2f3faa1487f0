"""SIGSTOP for 30 s under load, then SIGCONT: of each process, beside a second one of its kind, and of each server.

A worker that is stopped for longer than its session loses its partitions to the second one, and wakes up as a zombie.
"""

import signal
from contextlib import ExitStack

import pytest

from tests.chaos.bed import RATE
from tests.chaos.beds import Beds
from tests.chaos.row import RECOVERS_WITHIN
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos
FROZEN = 30.0
"""Seconds."""


@pytest.mark.parametrize("name", ["bridge", "admit", "lifecycle", "deliver", "projections", "web"])
def test_a_process_that_wakes_up_after_30_s_harms_nothing(beds: Beds, name: str) -> None:
    bed = beds.get()
    with ExitStack() as second:
        if name != "web":  # there is one HTTP port
            second.enter_context(bed.worker(name, f"{name}-2"))
        with Trial(
            bed, f"SIGSTOP of {name} for 30 s", RATE, door_shut=name == "web", shown=name == "projections"
        ) as trial:
            bed.stack.kill(name, signal.SIGSTOP)
            trial.go_on(FROZEN)
            bed.stack.kill(name, signal.SIGCONT)
            trial.fault_ended()
    assert trial.row.harm == {}
    assert not trial.row.late
    assert (trial.row.recovery or 0) <= RECOVERS_WITHIN


@pytest.mark.parametrize("name", ["rabbitmq", "redis", "mongo", "kafka"])
def test_a_server_that_wakes_up_after_30_s_is_gone_on_with(beds: Beds, name: str) -> None:
    bed = beds.get()
    with Trial(bed, f"SIGSTOP of {name} for 30 s", RATE, door_shut=name == "rabbitmq", shown=name == "mongo") as trial:
        bed.stack.kill(name, signal.SIGSTOP)
        trial.go_on(FROZEN)
        bed.stack.kill(name, signal.SIGCONT)
        bed.wait_for_answer(name)
        trial.fault_ended()
    assert trial.row.harm == {}

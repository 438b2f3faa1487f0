"""Whatever runs is killed at random; a kill at the highest rate; Redis forgets all."""

import random
import time

import pytest
import redis

from tests.chaos.bed import RATE
from tests.chaos.beds import Beds
from tests.chaos.trial import Trial

pytestmark = pytest.mark.chaos
HIGHEST = 500.0
"""Notifications a second that a machine of two cores delivers when it does nothing else."""
STORM = 180.0
"""Seconds."""
EVERY = 5.0
EXPLAINED_IN_A_STORM = 50 * int(STORM / EVERY)


def test_a_kill_of_something_every_5_s_for_3_minutes(beds: Beds) -> None:
    bed, choose = beds.get(), random.Random(time.time())
    with Trial(
        bed, "SIGKILL of anything every 5 s for 3 min", RATE, door_shut=True, explained=EXPLAINED_IN_A_STORM
    ) as trial:
        end = time.monotonic() + STORM
        while time.monotonic() < end:
            bed.kill_anything(choose)
            trial.go_on(EVERY)
        bed.wait_for_servers()
        trial.fault_ended()
    assert trial.row.harm == {}


def test_a_kill_at_the_highest_rate(beds: Beds) -> None:
    bed = beds.get()
    with Trial(bed, f"SIGKILL of deliver at {HIGHEST:.0f}/s", HIGHEST) as trial:
        bed.stack.kill("deliver")
        trial.fault_ended()
    assert trial.row.harm == {}


def test_redis_forgets_everything(beds: Beds) -> None:
    bed = beds.get()
    with Trial(bed, "Redis wiped (FLUSHALL)", RATE) as trial:
        with redis.Redis.from_url(bed.stack.settings.redis_url) as client:
            client.flushall()
        trial.fault_ended()
    assert trial.row.harm == {}


def test_nothing_happens(beds: Beds) -> None:
    """The measure of all others: what the load alone comes to."""
    with Trial(beds.get(), "none", RATE) as trial:
        trial.go_on(20)
    assert trial.row.harm == {}
    assert trial.row.explained == 0
    assert not trial.row.late

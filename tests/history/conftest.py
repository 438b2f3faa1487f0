"""A log of 200,000 events, made by a whole stack under load while something is killed all the time."""

import random
import time
from collections.abc import Iterator

import pytest

from tests.chaos.bed import RATE, Bed, bed
from tests.chaos.trial import Trial

EVENTS_AT_LEAST = 200_000
EVERY = 10.0
"""Seconds between two kills."""
EXPLAINED = 50
"""Doubles that each kill may cause."""


@pytest.fixture(scope="session")
def aged() -> Iterator[Bed]:
    """A stack on which nothing is open any more, and whose audit was clean."""
    with bed() as made:
        choose, kills = random.Random(time.time()), 0
        with Trial(made, "kills every 10 s", RATE, door_shut=True, explained=EXPLAINED * 100) as trial:
            while made.ledger.events < EVENTS_AT_LEAST:
                kills += made.kill_anything(choose)
                trial.go_on(EVERY)
                made.ledger.read_on()
            made.wait_for_servers()
            trial.fault_ended()
        print(f"\n{made.ledger.events} events, {kills} kills, {trial.row.explained} doubles explained")  # noqa: T201
        assert trial.row.harm == {}
        assert trial.row.explained <= EXPLAINED * kills
        yield made

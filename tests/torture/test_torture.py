"""Workers are killed, joined, stopped and frozen while they fold; afterwards every record must be right.

The short form is one run with a bit of everything. The whole runs on demand:

    .venv/bin/pytest tests/torture -m torture [-k frozen]

To repeat it, set TORTURE_RUNS. It includes controls, workers broken on purpose, whose damage the checker must see, and
a broker that goes away for 20 s. With -s each run says what it found.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from streams.exits import Exit
from streams.kafka.waiting import reachable
from streams.settings import Settings
from tests.torture.broker import OwnBroker
from tests.torture.checker import faults
from tests.torture.feeder import feed
from tests.torture.scenarios import SCENARIOS, Scenario
from tests.torture.supervisor import Supervisor, supervisor
from tests.torture.worker import Faults, Mutant

RUNS = int(os.environ.get("TORTURE_RUNS", "1"))
SPINNING = 10_000
"""Lines in a worker's log; a client that spins writes 3,000 a second."""
EVENTS = 15_000
RATE = 500.0


@pytest.fixture
async def workers(servers: Settings, tmp_path: Path) -> AsyncIterator[Supervisor]:
    made = await supervisor(servers.kafka_url, tmp_path)
    yield made
    for name in list(made.workers):
        made.send(name, signal.SIGCONT)
        await made.down(name, signal.SIGKILL)


async def finished(workers: Supervisor, feeding: asyncio.Task[None], within: float = 120) -> dict[str, int]:
    """Let a worker do the rest in peace, and check all. A timer that never fires is found by the check."""
    while not feeding.done():
        await workers.sleep(0.2)
    await feeding
    for name in list(workers.workers):
        await workers.down(name)
    workers.up("w1")
    with suppress(TimeoutError):
        await workers.until_done(within)
    await workers.down("w1")
    return await reported(workers)


async def reported(workers: Supervisor) -> dict[str, int]:
    found = await workers.check()
    told = {"found": found, "exits": workers.exits, "stops": workers.stops, "counts": workers.counts()}
    sys.stdout.write(f"\n{json.dumps(told)}\n")
    return found


async def test_a_kill_a_join_a_leave_and_a_zombie_lose_and_double_nothing(workers: Supervisor) -> None:
    feeding = asyncio.create_task(feed(workers.url, workers.run, 5000, seed=1, rate=300))
    workers.up("w1", Faults(kill_at="changelog half 12", pause=0.01))
    await workers.until_exits(1)
    workers.up("w2", Faults(stop_at="log after 8", pause=0.01))
    await workers.until_frozen("w2")
    await workers.sleep(7)
    workers.send("w2", signal.SIGCONT)
    await workers.until_exits(2)
    await workers.sleep(3)
    await workers.down("w2")
    found = await finished(workers, feeding)
    assert faults(found) == {}
    assert found["forgotten"] > 0
    assert workers.exits == [("w1", -signal.SIGKILL), ("w2", Exit.NOT_A_MEMBER)]


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
async def test_whatever_happens_to_workers_loses_and_doubles_nothing(
    workers: Supervisor, scenario: Scenario, seed: int
) -> None:
    feeding = asyncio.create_task(feed(workers.url, workers.run, EVENTS, seed, RATE))
    await scenario(workers, random.Random(time.time()))
    assert faults(await finished(workers, feeding)) == {}


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("how", ["frozen", "stopped", "killed"])
async def test_a_broker_that_is_away_for_20_s_is_waited_for(tmp_path: Path, how: str, seed: int) -> None:
    with OwnBroker(tmp_path) as broker:
        await reachable(broker.url)
        workers = await supervisor(broker.url, tmp_path)
        feeding = asyncio.create_task(feed(workers.url, workers.run, 6000, seed, 300))
        workers.up("w1")
        workers.up("w2")
        await workers.sleep(7)
        async with broker.away(how):
            await workers.sleep(10)
            workers.up("w3")
            await workers.sleep(10)
        await workers.sleep(5)
        await workers.down("w3")
        # A killed broker may have forgotten its members when it comes back: then they leave and are started again.
        assert set(workers.exits) <= {("w1", Exit.NOT_A_MEMBER), ("w2", Exit.NOT_A_MEMBER)}
        assert workers.longest_log() < SPINNING
        assert faults(await finished(workers, feeding)) == {}


CONTROLS: list[tuple[Mutant, Faults, str]] = [
    ("no-guard", Faults(kill_at="changelog half 6"), "keys_over"),
    ("table-first", Faults(kill_at="log before 2"), "lost"),
    ("no-hole-check", Faults(drop_batch=2), "lost"),
]


@pytest.mark.torture
@pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"])
@pytest.mark.parametrize(("mutant", "crash", "damage"), CONTROLS, ids=[control[0] for control in CONTROLS])
async def test_the_checker_sees_what_a_broken_fold_does(
    workers: Supervisor, mutant: Mutant, crash: Faults, damage: str, broken: bool
) -> None:
    """The same crash does no harm to the fold as it is."""
    feeding = asyncio.create_task(feed(workers.url, workers.run, 2000, seed=1, rate=200))
    workers.up("w1", msgspec.structs.replace(crash, mutant=mutant if broken else None))
    found = await finished(workers, feeding, within=30)
    assert (damage in faults(found)) == broken
    assert bool(faults(found)) == broken


@pytest.mark.torture
@pytest.mark.parametrize("mutant", [None, "no-lease"])
async def test_a_zombie_writes_no_state_for_it_must_prove_its_membership(
    workers: Supervisor, mutant: Mutant | None
) -> None:
    """It stops itself after its log records; another worker takes over and goes on; then it wakes up."""
    feeding = asyncio.create_task(feed(workers.url, workers.run, 6000, seed=1, rate=400))
    workers.up("w1", Faults(stop_at="log after 8", mutant=mutant))
    await workers.until_frozen("w1")
    workers.up("w2")
    await workers.sleep(10)
    workers.send("w1", signal.SIGCONT)
    await workers.sleep(2)
    found = await finished(workers, feeding)
    assert faults(found) == {}  # recovery passes over what the zombie wrote
    assert bool(found["stragglers"]) == bool(mutant)
    assert (("w1", Exit.NOT_A_MEMBER) in workers.exits) == (mutant is None)

"""The ways workers are killed, joined by others, stopped and frozen while they fold."""

import random
import signal
from collections.abc import Awaitable, Callable

from tests.torture.supervisor import Supervisor
from tests.torture.worker import Faults

SLOW = Faults(pause=0.02)
"""So that whatever happens, happens in the middle of a batch."""

Scenario = Callable[[Supervisor, random.Random], Awaitable[None]]


async def killed_at_random_stages(workers: Supervisor, choose: random.Random) -> None:
    for _ in range(5):
        workers.up("w1", Faults(kill_after_stages=choose.randrange(1, 150)))
        await workers.until_ended("w1")


async def joined_and_left(workers: Supervisor, choose: random.Random) -> None:
    workers.up("w1", SLOW)
    await workers.sleep(5)
    for _ in range(3):
        workers.up("w2", SLOW)
        await workers.sleep(choose.uniform(5, 8))
        await workers.down("w2")
        await workers.sleep(choose.uniform(1, 8))


async def one_of_two_killed(workers: Supervisor, choose: random.Random) -> None:
    workers.up("w1", SLOW)
    workers.up("w2", SLOW)
    await workers.sleep(7)
    for _ in range(3):
        victim = choose.choice(("w1", "w2"))
        await workers.down(victim, signal.SIGKILL)
        await workers.sleep(choose.uniform(0, 8))
        workers.up(victim, SLOW)
        await workers.sleep(choose.uniform(3, 8))


async def frozen_past_the_session(workers: Supervisor, choose: random.Random) -> None:
    workers.up("w1", SLOW)
    workers.up("w2", SLOW)
    await workers.sleep(7)
    for _ in range(2):
        victim = choose.choice(("w1", "w2"))
        workers.send(victim, signal.SIGSTOP)
        await workers.sleep(choose.uniform(8, 12))
        workers.send(victim, signal.SIGCONT)
        await workers.sleep(5)


async def everything_at_once(workers: Supervisor, choose: random.Random) -> None:
    workers.up("w1")
    for _ in range(14):
        await workers.sleep(choose.uniform(1, 5))
        victim = choose.choice(list(workers.workers))
        match choose.choice(("join", "leave", "kill", "kill", "freeze")):
            case "join" if "w2" not in workers.workers:
                workers.up("w2")
            case "leave" if "w2" in workers.workers:
                await workers.down("w2")
            case "kill":
                workers.send(victim, signal.SIGKILL)
            case "freeze":
                workers.send(victim, signal.SIGSTOP)
                await workers.sleep(choose.uniform(0.5, 10))
                workers.send(victim, signal.SIGCONT)
            case _:
                pass


SCENARIOS: tuple[Scenario, ...] = (
    killed_at_random_stages,
    joined_and_left,
    one_of_two_killed,
    frozen_past_the_session,
    everything_at_once,
)

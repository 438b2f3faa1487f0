"""A load in, what a fresh stack made of it on the console out: rates, latencies, and what they cost."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from rich.console import Console

from deploy.bench import load
from deploy.bench.fresh import fresh_stack
from deploy.bench.load import Answers
from deploy.bench.measure import Stories, behind, busy, caught_up, follow, usage
from deploy.bench.steady import steady
from deploy.bench.tables import costs, held, rates
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Measured:
    """What became of the load; `seconds` until all had ended. `behind` as in `tables.held`, if the load was paced."""

    stories: Stories
    seconds: float
    answers: Answers | None = None
    behind: Mapping[str, int] = field(default_factory=dict)


def posts(count: int, connections: int, rate: float | None) -> None:
    """Over HTTP, at a rate (per second) or as fast as they are answered."""

    async def posted(settings: Settings) -> Measured:
        url, began = f"http://{settings.host}:{settings.port}/api/notifications", time.perf_counter()
        answers = await load.post(url, count, connections, rate)
        left = await behind(settings.kafka_url, settings.partitions)
        stories = await follow(settings.kafka_url, len(answers.seconds))
        return Measured(stories, time.perf_counter() - began, answers, left)

    _measure(posted, count)


def messages(count: int) -> None:
    """Straight into RabbitMQ."""

    async def published(settings: Settings) -> Measured:
        began = time.perf_counter()
        await load.publish(settings.rabbitmq_url, count)
        return Measured(await follow(settings.kafka_url, count), time.perf_counter() - began)

    _measure(published, count)


def _measure(run: Callable[[Settings], Coroutine[None, None, Measured]], count: int) -> None:
    console = Console()
    with fresh_stack() as (stack, settings):
        before, machine = usage(stack.supervision.states()), busy()
        measured = asyncio.run(_worked_off(run, settings))
        after, machine = usage(stack.supervision.states()), busy() - machine
    if measured.answers is not None:
        console.print(held(steady(measured.stories), measured.behind))
    console.print(rates(measured.answers, measured.stories, measured.seconds))
    console.print(costs(before, after, count, machine))


async def _worked_off(run: Callable[[Settings], Coroutine[None, None, Measured]], settings: Settings) -> Measured:
    measured = await run(settings)
    await caught_up(settings.kafka_url, settings.partitions)
    return measured

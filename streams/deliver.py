"""Lane records in, provider calls out; sending, sent, send-failed and send-deferred go to the log. Keeps no state.

Takes no more records than it has free slots, writes `sending`, then commits the offsets: that is the claim, and the
broker refuses it to a worker that lost its partitions. Only then do the calls start, each in a task of its own. The
classes of lanes are read apart (a consumer each), so promotional backlog never stands before transactional work.
"""

import asyncio
from contextlib import AsyncExitStack
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from streams.delivery.calls import Caller, Outcomes, Outlet, call_readings
from streams.delivery.dispatched import Dispatched
from streams.delivery.lane_reader import refuse_lost_places
from streams.delivery.taker import Taker
from streams.events import CHANNELS, Channel
from streams.health.vitals import Vitals
from streams.kafka.publisher import Publisher
from streams.named import module
from streams.providers.protocol import ProviderModule
from streams.settings import Settings
from streams.topics import LANE_CLASSES

OWN: dict[Channel, str] = {"in-app": "streams.providers.in_app"}
"""Modules of providers where `PROVIDERS` names none; every other channel has the mock."""
MOCK = "streams.providers.mock"
PAGE = "docs/how-to/add-a-provider.md"
REDIS_PATIENCE = 5.0
"""Seconds that Redis has for an answer before it counts as away."""


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Deliver until told to stop; then finish the calls in flight, their outcomes written.

    Raises `Refused` where it can't know where to go on in a lane: before any call, or, if it happens on the way, after
    the calls in flight. After these too, `UnknownType` for an event that this program is too old for.
    """
    publisher = Publisher(settings.kafka_url)
    redis = Redis.from_url(
        settings.redis_url,
        retry=Retry(NoBackoff(), 0),  # `Dispatched` tries again
        socket_timeout=REDIS_PATIENCE,
        socket_connect_timeout=REDIS_PATIENCE,
    )
    vitals.publishes(publisher)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.aclose)
        await stack.enter_async_context(publisher)
        outlets = {
            channel: Outlet(await stack.enter_async_context(made.opened(settings)), settings)
            for channel, made in modules(settings).items()
        }
        await refuse_lost_places(settings)
        async with asyncio.TaskGroup() as tasks:
            outcomes = Outcomes(publisher)
            caller = Caller(outlets, outcomes.add, settings, vitals.times("tidings_provider_seconds"))
            vitals.measure(lambda: call_readings(caller))
            writing = tasks.create_task(outcomes.write())
            takers = [Taker(lane_class, caller, publisher, Dispatched(redis), settings) for lane_class in LANE_CLASSES]
            for taker in takers:
                taker.tell(vitals)
            await asyncio.wait([tasks.create_task(taker.run(stopping)) for taker in takers])
            writing.cancel()
        if refused := next((taker.refused for taker in takers if taker.refused is not None), None):
            raise refused


def modules(settings: Settings) -> dict[Channel, ProviderModule]:
    """What makes the provider of each channel. Raises `Refused` if the settings name what is none."""
    names = {channel: settings.providers.get(channel, OWN.get(channel, MOCK)) for channel in CHANNELS}
    return {
        channel: cast("ProviderModule", module("PROVIDERS", name, ("opened",), PAGE)) for channel, name in names.items()
    }

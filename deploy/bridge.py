"""The bridge process: `streams.bridge` with the users and posts of MongoDB to look names and titles up in."""

import asyncio

from projections.mongo.connection import database
from projections.people import People
from streams import bridge
from streams.health.vitals import Vitals
from streams.intake.directory import PATIENCE, LookUp
from streams.settings import Settings


async def run(settings: Settings, stopping: asyncio.Event, vitals: Vitals) -> None:
    """Carry messages over until `stopping`; MongoDB may be away."""
    async with database(settings, patience=PATIENCE) as base:
        await bridge.run(settings, stopping, vitals, LookUp(People(base), vitals.errors))

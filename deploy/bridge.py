"""The bridge process: `streams.bridge` with the users and posts of MongoDB to look names and titles up in."""

import asyncio
from collections import Counter

from projections.people import People
from projections.store import database
from streams import bridge
from streams.intake.directory import PATIENCE, LookUp
from streams.settings import Settings


async def run(settings: Settings, stopping: asyncio.Event) -> None:
    """Carry messages over until `stopping`; MongoDB may be away."""
    async with database(settings, patience=PATIENCE) as base:
        await bridge.run(settings, stopping, LookUp(People(base), Counter()))

"""The read models as they are declared in, their collections and indexes made, or removed. Raises `Unavailable`."""

from projections.models import READ_MODELS
from projections.mongo.connection import POINTERS, POSITIONS, REBUILDS, Database, answered, database
from streams.settings import Settings


async def declare(settings: Settings) -> None:
    """Make the indexes that are missing, and all collections with them.

    Trap: killed while it makes a collection, secantusd-rs may never be able to read that one again (seen in 2 of 15
    kills), so none is left to be made by the first write.
    """
    async with database(settings, patience=10) as base:
        with answered():
            pointers = {one["_id"]: one async for one in base[POINTERS].find()}
            await base[POSITIONS].create_index("projection")
            await base[POINTERS].create_index("revision")
            await base[REBUILDS].create_index("updated")
        for projection in READ_MODELS:
            stored = pointers.get(projection, {"live": {"name": projection}, "other": None})
            for copy in filter(None, (stored["live"], stored["other"])):
                await make(base, projection, copy["name"])


async def make(base: Database, projection: str, copy: str) -> None:
    """The collections of a copy, if they are missing, with their indexes."""
    model = READ_MODELS[projection]
    with answered():
        for part, name in model.collections(copy).items():
            for fields, unique in model.parts[part].indexes:
                await base[name].create_index([(field, 1) for field in fields], unique=unique)


async def remove(base: Database, projection: str, copy: str) -> None:
    """A copy's documents and positions, for good."""
    with answered():
        await base[POSITIONS].delete_many({"projection": copy})
        for name in READ_MODELS[projection].collections(copy).values():
            await base[name].drop()

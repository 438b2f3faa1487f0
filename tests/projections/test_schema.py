"""Collections and indexes, made on a real database."""

from projections.schema import declare
from streams.settings import Settings


async def test_declaring_again_changes_nothing(settings: Settings) -> None:
    await declare(settings)

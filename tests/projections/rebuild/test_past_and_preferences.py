"""NotificationHistory with its tallies, and RecipientPreferences, made again as the others are, and gone over to."""

from datetime import timedelta

import pytest

from projections.mongo.connection import database
from projections.past import history, tallies
from projections.past.reads import Past
from projections.present.preferences import PROJECTION as PREFERENCES
from projections.present.reads import Reads
from streams.events import Body, Event, PersonalPreferences, PreferencesSet
from streams.settings import Settings
from tests.projections.lives import event, many
from tests.projections.rebuild.given import dropped, gone_back, made_again, pointer
from tests.projections.stored import opened, projecting, publish, until_caught_up

pytestmark = pytest.mark.integration
NAMES = (history.PROJECTION, PREFERENCES)


def preferred(version: int, *types: str) -> Event[Body]:
    body = PreferencesSet(version, PersonalPreferences("ada", ()), (), types, None, "ada", "")  # type: ignore[arg-type]
    return event(body, "preferences:ada", version)


LOG = [*many(40), preferred(1, "sms"), preferred(2, "email")]


async def read(settings: Settings) -> tuple[dict[str, int], object]:
    """What readers find: counts after all of it, and what Ada prefers."""
    async with database(settings, patience=10) as base:
        counts = await Past(base).counts(max(one.time for one in LOG) + timedelta(days=1))
        stored = await Reads(base).preferences("ada")
        return counts, stored and stored["channelsOff"]


async def test_both_are_made_again_without_a_difference_and_readers_go_there_and_back(settings: Settings) -> None:
    await publish(settings, LOG)
    async with projecting(settings):
        await until_caught_up(settings)
        before = await read(settings)
        assert before[1] == ["email"]
        seen, refused = await made_again(settings, *NAMES)
        assert refused == {name: [] for name in NAMES}
        assert all(not seen.comparisons[name].kinds for name in NAMES)
        assert seen.comparisons[history.PROJECTION].documents["live"] > len(LOG) / 10
        assert (await pointer(settings, history.PROJECTION)).live.name == f"{history.PROJECTION}_2"
        assert await read(settings) == before
        await publish(settings, [preferred(3, "push")])
        await until_caught_up(settings)
        assert (await read(settings))[1] == ["push"]
        await gone_back(settings, *NAMES)
        assert (await read(settings))[1] == ["push"]
        await dropped(settings, *NAMES)
    async with opened(settings) as base:
        assert not [name for name in await base.list_collection_names() if name.endswith("_2")]


@pytest.mark.parametrize("part", [history.PROJECTION, tallies.PROJECTION])
async def test_what_somebody_changed_is_found_and_refused(settings: Settings, part: str) -> None:
    await publish(settings, LOG)
    async with projecting(settings):
        await until_caught_up(settings)
        async with opened(settings) as base:
            name = (await base[part].find_one())["_id"]
            await base[part].update_one({"_id": name}, {"$set": {"more": 1}})
        seen, refused = await made_again(settings, history.PROJECTION)
    assert refused[history.PROJECTION]
    assert [(one.kind, one.id) for one in seen.comparisons[history.PROJECTION].first] == [("differs", name)]

"""The projections on real servers: whatever is killed, the read models end as a straight fold of the log."""

import asyncio
import base64
import json
from collections import Counter

import pytest
import redis.asyncio
from aiokafka import TopicPartition
from aiokafka.admin.records_to_delete import RecordsToDelete
from prometheus_client import generate_latest

from projections.models import OF_LOG
from streams import operations
from streams.codec import encode
from streams.events import Accepted, Origin, Personal, Repeated, Request, Sent
from streams.exits import Refused
from streams.health.vitals import Vitals
from streams.operations import GapAccepted
from streams.pending import INDEX, record_key
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS, OPERATIONS
from tests.projections import kinds
from tests.projections.conftest import renew_log
from tests.projections.lives import event, many
from tests.projections.past.taken import newer
from tests.projections.stored import contents, expected, opened, projecting, publish, until, until_caught_up
from tests.support import kafka
from tests.support.broker import admin


async def test_the_read_models_are_a_fold_of_the_log(settings: Settings) -> None:
    told = many(40)
    async with projecting(settings):
        await publish(settings, told[:100])
        await until_caught_up(settings)
        await publish(settings, told[100:])
        await publish(settings, told[30:60])
        await until_caught_up(settings)
    assert len((await contents(settings)).jobs) == 40
    assert await contents(settings) == await expected(settings)


async def test_a_database_of_another_log_is_refused(settings: Settings) -> None:
    await publish(settings, many(3))
    async with projecting(settings):
        await until_caught_up(settings)
    before = await contents(settings)
    await renew_log(settings)
    await publish(settings, many(5, "other"))
    async with projecting(settings) as refused:
        with pytest.raises(Refused, match=r"is of the log .* but Kafka serves"):
            await asyncio.wait_for(refused, 60)
    assert await contents(settings) == before


async def test_what_can_t_be_read_goes_to_the_dead_letters_and_the_rest_goes_on(settings: Settings) -> None:
    huge = Accepted(Request("email", "k", 5, Personal("a", "b", {"n": 1 << 70})), "transactional", Origin(0, 0))
    poison = [b"\xff", None, encode(event(Sent(1), "nobody")), encode(event(huge, "unstorable"))]
    async with projecting(settings):
        await kafka.write(settings.kafka_url, EVENTS, *((b"k", value) for value in poison))
        await publish(settings, many(9))
        await until_caught_up(settings)
    letters = [json.loads(record.value)["data"] for record in await kafka.read(settings.kafka_url, DEAD_LETTERS)]
    originals = {base64.b64decode(letter["original"]) if "original" in letter else None for letter in letters}
    assert originals == set(poison)
    stored = await contents(settings)
    assert len(stored.jobs) == 9
    assert sum(stored.counts.values()) == 9


async def test_events_of_a_newer_program_are_left_out_and_every_read_model_tells_of_it(settings: Settings) -> None:
    vitals, added = Vitals(), f"{kinds.PROJECTION}_{kinds.VERSION}"
    async with projecting(settings.model_copy(update={"read_models": (kinds.__name__,)}), vitals):
        await kafka.write(settings.kafka_url, EVENTS, (b"k", newer(0).value))
        await publish(settings, many(9))
        await until_caught_up(settings, also=(added,))
        told = generate_latest(vitals.registry).decode().splitlines()
    groups = ("projections", "histories", added)
    assert {f'tidings_events_skipped_total{{group="{group}"}} 1.0' for group in groups} <= set(told)
    async with opened(settings) as base:
        found = Counter[str]()
        async for position in base.positions.find():
            found[position["projection"]] += position.get("skipped", 0)
    assert +found == dict.fromkeys((*OF_LOG, added), 1)
    assert len((await contents(settings)).jobs) == 9


async def test_a_database_that_went_back_is_filled_again_though_nothing_new_comes(settings: Settings) -> None:
    await publish(settings, many(12))
    async with projecting(settings):
        await until_caught_up(settings)
        whole = await contents(settings)
        async with opened(settings) as base:
            await base.NotificationJob.delete_many({})
            await base.positions.delete_many({})
            await base.NotificationLog.delete_many({"event": "sent"})
        await until_caught_up(settings)
    assert await contents(settings) == whole


async def test_pending_records_go_when_their_notifications_are_stored(settings: Settings) -> None:
    async with redis.asyncio.Redis.from_url(settings.redis_url) as kept:
        for name in ("n0", "n1", "elsewhere"):
            await kept.set(record_key(name), b"{}")
            await kept.zadd(INDEX, {name: 1})
        async with projecting(settings):
            await publish(settings, [*many(1), event(Repeated(Origin(0, 5)), "n1")])

            async def gone() -> bool:
                return bool(await kept.zcard(INDEX) == 1)

            await until(gone)
        assert await kept.exists(*map(record_key, ("n0", "n1", "elsewhere"))) == 1
        await kept.delete(INDEX, record_key("elsewhere"))


async def test_without_redis_it_goes_on(settings: Settings) -> None:
    async with projecting(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})):
        await publish(settings, many(5))
        await until_caught_up(settings)
    assert await contents(settings) == await expected(settings)


async def test_what_retention_removed_unread_is_refused_unless_the_loss_is_accepted(settings: Settings) -> None:
    await publish(settings, many(9))
    async with projecting(settings):
        await until_caught_up(settings)
    before = await contents(settings)
    await publish(settings, many(9, "lost"))
    async with admin(settings.kafka_url) as client:
        places = [TopicPartition(EVENTS, number) for number in range(settings.partitions)]
        await client.delete_records({place: RecordsToDelete(-1) for place in places})
    await publish(settings, many(9, "later"))
    async with projecting(settings) as refused:
        with pytest.raises(Refused, match=r"notification-events\[\d\]: the records from offset \d+ to \d+ .* removed"):
            await asyncio.wait_for(refused, 60)
    assert await contents(settings) == before
    async with projecting(settings.model_copy(update={"accept_gaps": True})):
        await until_caught_up(settings)
    stored = await contents(settings)
    assert {name.rstrip("0123456789") for name in stored.jobs} == {"n", "later"}
    operated = await kafka.read(settings.kafka_url, OPERATIONS)
    gaps = [operations.read(record.value).done for record in operated]
    assert any(isinstance(gap, GapAccepted) and gap.stage == "projections" for gap in gaps)


async def test_a_log_that_ends_before_what_was_read_of_it_is_refused(settings: Settings) -> None:
    await publish(settings, many(9))
    async with projecting(settings):
        await until_caught_up(settings)
    async with opened(settings) as base:
        async for stored in base.positions.find({"partition": 0, "projection": {"$in": list(OF_LOG)}}):
            await base.positions.update_one({"_id": stored["_id"]}, {"$set": {"offset": stored["offset"] + 3}})
    async with projecting(settings) as refused:
        with pytest.raises(Refused, match=r"events\[0\]: expected it to reach offset \d+.*it lost its tail"):
            await asyncio.wait_for(refused, 60)

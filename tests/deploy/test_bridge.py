"""The bridge as it is put together: real users and posts, their names in the texts of real requests, or ids instead."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
from pika.adapters.blocking_connection import BlockingChannel

from api.app import router
from deploy import bridge
from deploy.admin.seeding import fill
from streams import codec
from streams.events import Requested
from streams.health.vitals import Vitals
from streams.intake import directory
from streams.intake.directory import PAUSE
from streams.settings import Settings
from streams.topics import REQUESTS
from tests.projections.killable import KillableMongo
from tests.support.kafka import Records, read_until
from tests.support.queues import emptied
from tests.support.web import serving
from tests.support.working import working

QUEUE = "notification.event"
LIKE: dict[str, Any] = {"type": "LIKE", "actorId": "user1", "targetId": "user2", "postId": "post1"}
TEXTS = {
    "LIKE": "Ada liked your post titled 'Tides of the North Sea'",
    "COMMENT": "Ada commented on your post titled 'Tides of the North Sea'",
    "SHARE": "Ada shared your post titled 'Tides of the North Sea'",
    "FOLLOW": "Ada started following you",
    "MENTION": "Ada mentioned you in the post titled 'Tides of the North Sea'",
}
SECONDS = 60


@pytest.fixture(scope="module")
async def settings(declared: Settings) -> Settings:
    """MongoDB has what the seeder makes."""
    own = declared.model_copy(update={"mongo_database": "bridge"})
    await fill(own)
    return own


@pytest.fixture
def _mongodb_may_be_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for names for as long as it takes."""
    monkeypatch.setattr(directory, "PATIENCE", 30.0)


@pytest.fixture
def rabbitmq(settings: Settings) -> Iterator[BlockingChannel]:
    """An independent producer; the queue is empty."""
    with emptied(settings.rabbitmq_url, QUEUE) as channel:
        yield channel


def bridging(settings: Settings) -> AbstractAsyncContextManager[None]:
    return working(lambda stopping: bridge.run(settings, stopping, Vitals()))


async def messages(settings: Settings, names: list[str]) -> list[str]:
    """What these notifications say, in this order, as soon as all are there."""

    def texts(records: Records) -> dict[str, str]:
        events = [codec.decode(record.value) for record in records]
        return {
            event.notification: event.body.request.personal.message
            for event in events
            if isinstance(event.body, Requested)
        }

    async with asyncio.timeout(SECONDS):
        records = await read_until(settings.kafka_url, REQUESTS, lambda records: texts(records).keys() >= set(names))
    return [texts(records)[name] for name in names]


def publish(channel: BlockingChannel, body: dict[str, Any]) -> str:
    """Publishes as any AMQP producer may; the notification's name."""
    name = str(uuid4())
    channel.basic_publish("", QUEUE, json.dumps(body | {"id": name}).encode(), mandatory=True)
    return name


@pytest.mark.usefixtures("_mongodb_may_be_slow")
async def test_each_kind_from_any_producer_says_who_did_what_to_which_post(
    settings: Settings, rabbitmq: BlockingChannel
) -> None:
    names = [publish(rabbitmq, LIKE | {"type": kind}) for kind in TEXTS]
    async with bridging(settings):
        assert await messages(settings, names) == list(TEXTS.values())


@pytest.mark.usefixtures("_mongodb_may_be_slow")
async def test_each_kind_over_http_says_the_same(settings: Settings, rabbitmq: BlockingChannel) -> None:
    with serving(router(settings)) as api:
        answers = [
            await asyncio.to_thread(requests.post, f"{api}/events", json=LIKE | {"type": kind}, timeout=30)
            for kind in TEXTS
        ]
        like = await asyncio.to_thread(requests.post, f"{api}/like", json=LIKE, timeout=30)
    assert rabbitmq.queue_declare(QUEUE, durable=True).method.message_count == len(TEXTS) + 1
    names = [*(answer.json()["id"] for answer in answers), like.headers["Location"].rpartition("/")[2]]
    async with bridging(settings):
        assert await messages(settings, names) == [*TEXTS.values(), TEXTS["LIKE"]]


@pytest.mark.usefixtures("_mongodb_may_be_slow")
async def test_unknown_actors_targets_and_posts_are_no_error(settings: Settings, rabbitmq: BlockingChannel) -> None:
    names = [
        publish(rabbitmq, LIKE | {"actorId": "u-77", "targetId": "u-78", "postId": "p-79"}),
        publish(rabbitmq, LIKE | {"targetId": "u-78", "postId": "p-79"}),
        publish(rabbitmq, LIKE | {"actorId": "u-77", "postId": "x" * 1000}),
        publish(rabbitmq, LIKE | {"actorId": "u-77", "type": "FOLLOW"}),
    ]
    async with bridging(settings):
        assert await messages(settings, names) == [
            "u-77 liked your post titled 'unknown'",
            "Ada liked your post titled 'unknown'",
            "u-77 liked your post titled 'unknown'",
            "u-77 started following you",
        ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_without_mongodb_ids_are_used_after_one_short_wait(
    settings: Settings, rabbitmq: BlockingChannel, caplog: pytest.LogCaptureFixture
) -> None:
    began = time.monotonic()
    async with bridging(settings.model_copy(update={"mongo_url": "mongodb://127.0.0.1:1/"})):
        for number in range(20):
            name = publish(rabbitmq, LIKE | {"postId": f"p{number}"})
            assert await messages(settings, [name]) == ["user1 liked your post titled 'unknown'"]
    told = [record for record in caplog.records if "ids instead of names" in record.message]
    assert 1 <= len(told) <= 1 + (time.monotonic() - began) / PAUSE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_mongodb_that_freezes_holds_nothing_up_and_is_asked_again(
    settings: Settings, rabbitmq: BlockingChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "PAUSE", 0.1)
    mongo = KillableMongo(tmp_path)
    await asyncio.to_thread(mongo.start)
    try:
        own = settings.model_copy(update={"mongo_url": mongo.url})
        await fill(own)
        async with bridging(own):
            assert await messages(own, [publish(rabbitmq, LIKE)]) == [TEXTS["LIKE"]]
            mongo.freeze()
            assert await messages(own, [publish(rabbitmq, LIKE | {"actorId": "user2", "postId": "post3"})]) == [
                "user2 liked your post titled 'unknown'"
            ]
            mongo.thaw()
            async with asyncio.timeout(SECONDS):
                while await messages(own, [publish(rabbitmq, LIKE | {"actorId": "user2", "postId": "post3"})]) != [
                    "Grace liked your post titled 'Notes on engines'"
                ]:
                    pass
    finally:
        await asyncio.to_thread(mongo.stop)

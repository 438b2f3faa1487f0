import asyncio
from dataclasses import replace
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.declare import CHANGELOGS, Mismatch, begin_lanes, declare, declare_topics, refuse_other_partitions
from streams import admit, lifecycle
from streams.events import LaneClass
from streams.kafka.bootstrap import bootstrap
from streams.kafka.offsets import opened
from streams.rules import admission, conclusions
from streams.settings import Settings
from streams.topics import Topic, changelog, deliver_group
from tests.support.kafka import write

TOPIC = Topic("declared-by-a-test", 2, {"retention.ms": "60000"})


async def becomes(settings: Settings, key: str, value: str) -> bool:
    """Whether the topic's own configuration says so within seconds: brokers hear of a change a moment later."""
    resource = ConfigResource(ConfigResourceType.TOPIC, TOPIC.name, {key: None})
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(settings.kafka_url))
    await admin.start()
    try:
        for _ in range(50):
            (response,) = await admin.describe_configs([resource])
            if response.resources[0][4][0][1] == value:
                return True
            await asyncio.sleep(0.1)
    finally:
        await admin.close()
    return False


def test_the_changelogs_that_are_made_are_those_that_the_processors_write() -> None:
    tables = ((admission.SOURCE, admit.TABLE), (conclusions.SOURCE, lifecycle.TABLE))
    assert sorted(CHANGELOGS) == [changelog(*table) for table in tables]


def test_topics_that_are_not_there_may_have_any_number_of_partitions() -> None:
    refuse_other_partitions([TOPIC], {"another": 7})


def test_another_partition_count_is_refused_with_the_setting_that_fits() -> None:
    with pytest.raises(Mismatch, match="set PARTITIONS=7"):
        refuse_other_partitions([TOPIC], {TOPIC.name: 7})


async def test_declaring_twice_is_declaring_once(servers: Settings) -> None:
    await declare(servers)
    await declare(servers)


async def test_several_processes_may_declare_at_once(servers: Settings) -> None:
    await asyncio.gather(*(declare_topics(servers.kafka_url, [Topic("raced-for", 1)]) for _ in range(3)))


async def test_a_topic_whose_configuration_differs_is_mended(servers: Settings) -> None:
    await declare_topics(servers.kafka_url, [TOPIC])
    await declare_topics(servers.kafka_url, [replace(TOPIC, config={"retention.ms": "70000"})])
    assert await becomes(servers, "retention.ms", "70000")


async def test_what_somebody_else_configured_stays(servers: Settings) -> None:
    await declare_topics(servers.kafka_url, [replace(TOPIC, config={"segment.ms": "123456"})])
    await declare_topics(servers.kafka_url, [replace(TOPIC, config={"retention.ms": "80000"})])
    assert await becomes(servers, "segment.ms", "123456")


async def test_deliver_begins_where_new_lanes_begin_but_a_lost_place_is_not_made_up(servers: Settings) -> None:
    lane_class = cast("LaneClass", "of-a-test")
    new, used = Topic("new.of-a-test", 2), Topic("used.of-a-test", 1)
    await declare_topics(servers.kafka_url, [new, used])
    await write(servers.kafka_url, used.name, (b"key", b"value"))
    async with opened(servers.kafka_url) as offsets:
        for _ in range(2):
            await begin_lanes(offsets, lane_class, [new, used])
        places = await offsets.committed(deliver_group(lane_class))
    assert places == {TopicPartition(new.name, number): 0 for number in range(2)}

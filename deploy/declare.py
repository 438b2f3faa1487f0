"""Makes topics, queues and indexes what they should be, as often as it is run; run before any process starts."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    CommitFailedError,
    GroupCoordinatorNotAvailableError,
    IllegalStateError,
    TopicAlreadyExistsError,
)

from projections.keyed import declare as declare_read_models
from projections.people import declare as declare_people
from projections.schema import declare as declare_indexes
from streams.events import LaneClass
from streams.intake.amqp import connect
from streams.kafka.bootstrap import bootstrap
from streams.kafka.offsets import Offsets, opened
from streams.kafka.waiting import waited_out
from streams.settings import Settings
from streams.topics import LANE_CLASSES, LANES, QUEUES, Topic, catalogue, changelog, deliver_group

CHANGELOGS = (changelog("admit", "history"), changelog("lifecycle", "jobs"))
POLL_SECONDS = 0.05
SET_ON_THE_TOPIC = 1
"""Kafka's code for the source of a configuration value."""


class Mismatch(Exception):
    """Something exists and can't be changed into what is wanted."""


async def declare(settings: Settings) -> None:
    """Everything the processes expect to be there. Raises `Mismatch`, or what the servers' clients raise."""
    topics = catalogue(settings.partitions, CHANGELOGS)
    await asyncio.gather(
        declare_log(settings.kafka_url, topics),
        declare_queues(settings.rabbitmq_url),
        declare_indexes(settings),
        declare_people(settings),
        declare_read_models(settings),
    )


async def declare_log(url: str, topics: Iterable[Topic]) -> None:
    """The topics, and where deliver begins in the lanes: after that, a group without a commit has lost it."""
    await declare_topics(url, topics)
    async with opened(url) as offsets:
        for lane_class in LANE_CLASSES:
            lanes = [topic for topic in topics if topic.name in LANES]
            await waited_out(partial(begin_lanes, offsets, lane_class, lanes))  # a new coordinator is still loading


async def begin_lanes(offsets: Offsets, lane_class: LaneClass, lanes: Iterable[Topic]) -> None:
    """Commits the beginning of lanes of this class that hold nothing yet, where nothing was committed."""
    group, own = deliver_group(lane_class), [topic for topic in lanes if topic.name.endswith(f".{lane_class}")]
    places = [TopicPartition(topic.name, number) for topic in own for number in range(topic.partitions)]
    committed = await offsets.committed(group)
    fresh = await offsets.extents(place for place in places if place not in committed)
    with suppress(CommitFailedError, IllegalStateError):  # somebody declares at the same time, and deliver runs already
        await offsets.commit(group, {place: 0 for place, extent in fresh.items() if extent.end == 0})


async def declare_topics(url: str, topics: Iterable[Topic]) -> None:
    """Creates the missing topics and mends the configuration of the others; never changes a partition count."""
    wanted = {topic.name: topic for topic in topics}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(url))
    await admin.start()
    try:
        there = await _partitions(admin)
        refuse_other_partitions(wanted.values(), there)
        await _create(admin, [topic for name, topic in wanted.items() if name not in there])
        await _configure(admin, {name: topic for name, topic in wanted.items() if name in there})
        await _groups_can_be_coordinated(admin)
    finally:
        await admin.close()


def refuse_other_partitions(wanted: Iterable[Topic], there: Mapping[str, int]) -> None:
    """Raises `Mismatch`: which record goes to which partition depends on their number, and so does all state."""
    for topic in wanted:
        if there.get(topic.name, topic.partitions) != topic.partitions:
            raise Mismatch(
                f"expected topic {topic.name} to have {topic.partitions} partitions, it has {there[topic.name]}: "
                f"set PARTITIONS={there[topic.name]}, or start with an empty Kafka; the number can't change later"
            )


async def declare_queues(url: str) -> None:
    """Both queues, durable and without arguments, as the producers that assert them do."""
    connection = await connect(url)
    try:
        for queue in QUEUES:
            await connection.declare(queue)
    finally:
        await connection.close()


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic]) -> None:
    if not topics:
        return
    response = await admin.create_topics([_new(topic) for topic in topics])
    for name, code, message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):  # somebody declares at the same time
            raise Mismatch(f"Kafka refuses to create topic {name}: {message or code}")
    await _known_to_brokers(admin, {topic.name: topic.partitions for topic in topics})


async def _known_to_brokers(admin: AIOKafkaAdminClient, created: Mapping[str, int]) -> None:
    """Returns when clients can use them: the controller answers before the brokers have heard."""
    while not created.items() <= (await _partitions(admin)).items():  # noqa: ASYNC110 - Kafka tells only who asks
        await asyncio.sleep(POLL_SECONDS)


async def _groups_can_be_coordinated(admin: AIOKafkaAdminClient) -> None:
    """Has Kafka make its topic of consumer offsets now, so that the first consumers need not wait for it in turns."""
    while True:
        with suppress(GroupCoordinatorNotAvailableError):
            await admin.find_coordinator("tidings")
            return
        await asyncio.sleep(POLL_SECONDS)


def _new(topic: Topic) -> NewTopic:
    new = NewTopic(topic.name, topic.partitions, 1, topic_configs=topic.config)
    # The broker's default.replication.factor. Brokers take it in every version; only NewTopic's constructor does not.
    new.replication_factor = -1
    return new


async def _configure(admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]) -> None:
    if not topics:
        return
    overrides = await _overrides(admin, topics)
    # Kafka replaces all overrides of a topic at once: those we have no opinion on are repeated.
    mended = [
        ConfigResource(ConfigResourceType.TOPIC, name, overrides[name] | topic.config)
        for name, topic in topics.items()
        if not topic.config.items() <= overrides[name].items()
    ]
    for response in await admin.alter_configs(mended) if mended else []:
        for code, message, _type, name in response.resources:
            if code != 0:
                raise Mismatch(f"Kafka refuses to configure topic {name}: {message or code}")


async def _overrides(admin: AIOKafkaAdminClient, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """What is configured of each topic itself, as opposed to the broker's defaults."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    return {
        name: {key: value for key, value, _read_only, source, *_ in entries if source == SET_ON_THE_TOPIC}
        for response in await admin.describe_configs(resources)
        for _code, _message, _type, name, entries in response.resources
    }

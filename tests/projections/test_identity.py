import pytest
from aiokafka.errors import UnknownTopicOrPartitionError

from projections.identity import _Metadata, log_identity
from streams.settings import Settings
from streams.topics import DEAD_LETTERS, EVENTS
from tests.projections.conftest import renew_log


async def test_a_log_keeps_its_identity_until_it_is_made_anew(settings: Settings) -> None:
    first = await log_identity(settings.kafka_url, EVENTS)
    assert await log_identity(settings.kafka_url, EVENTS) == first
    await renew_log(settings)
    second = await log_identity(settings.kafka_url, EVENTS)
    assert (second.cluster, second.topic != first.topic) == (first.cluster, True)


async def test_two_topics_are_two_logs(settings: Settings) -> None:
    assert await log_identity(settings.kafka_url, EVENTS) != await log_identity(settings.kafka_url, DEAD_LETTERS)


async def test_a_topic_that_is_not_there_has_no_identity(settings: Settings) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await log_identity(settings.kafka_url, "nowhere")


def test_a_broker_without_topic_ids_is_told_from_one_that_has_them() -> None:
    with pytest.raises(NotImplementedError):
        _Metadata(EVENTS).prepare({3: (0, 9)})

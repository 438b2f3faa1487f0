"""Nobody can have read further than a topic reaches, unless it lost its tail."""

import pytest
from aiokafka import TopicPartition

from projections.audit.bounds import Bounds, Committed, beyond_end
from projections.position import UNREAD, Document
from projections.present import jobs
from streams.kafka.offsets import Extent
from streams.topics import DEAD_LETTERS, EVENTS, LANES, REQUESTS

ENDS = {TopicPartition(topic, 1): Extent(2, 9) for topic in (EVENTS, REQUESTS, LANES[0], DEAD_LETTERS)}


def found(reached: int, stored: int = UNREAD) -> list[tuple[str, str, str]]:
    def at(topic: str) -> dict[TopicPartition, int]:
        return {TopicPartition(topic, 1): reached}

    document: Document = {"projection": jobs.PROJECTION, "partition": 1, "offset": stored}
    committed = Committed(0, at(EVENTS), at(REQUESTS), at(LANES[0]), at(DEAD_LETTERS), {"NotificationJob:1": document})
    return [(finding.kind, finding.id, finding.detail) for finding in beyond_end(Bounds(committed, ENDS))]


@pytest.mark.parametrize("reached", [0, 2, 9])
def test_whoever_has_read_all_or_less_is_within(reached: int) -> None:
    assert found(reached, stored=reached - 1) == []


def test_every_group_that_has_read_past_an_end_is_found() -> None:
    places = [f"{topic}[1]" for topic in (EVENTS, REQUESTS, LANES[0], DEAD_LETTERS)]
    assert [(kind, place) for kind, place, _ in found(10)] == [("beyond-end", place) for place in places]


def test_a_read_model_that_has_read_past_the_end_is_found() -> None:
    ((kind, place, detail),) = found(9, stored=9)
    assert (kind, place) == ("beyond-end", f"{EVENTS}[1]")
    assert "NotificationJob has read it up to offset 10, and it ends at 9" in detail

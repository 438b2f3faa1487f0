"""What a rebuild does where retention has removed something nobody has read."""

from collections.abc import Sequence
from typing import cast

import pytest
from aiokafka import TopicPartition

from streams import operations
from streams.exits import Refused
from streams.kafka.offsets import Extent, Offsets
from streams.kafka.publisher import Publisher
from streams.operations import GapAccepted
from streams.record import Record
from streams.recovery.rebuild import Rebuild
from streams.settings import Settings
from streams.topics import REQUESTS

PLACE = TopicPartition(REQUESTS, 2)


class Kept:
    def __init__(self) -> None:
        self.records: list[Record] = []

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += records


def rebuilding(publisher: Kept, *, accept: bool) -> Rebuild:
    settings = Settings().model_copy(update={"accept_gaps": accept})
    parts = (cast("Publisher", publisher), cast("Offsets", None), lambda _, __: None)
    return Rebuild(settings, "admit", *parts)


@pytest.mark.parametrize("accept", [False, True])
async def test_it_goes_on_where_there_is_something_to_read(*, accept: bool) -> None:
    publisher = Kept()
    assert await rebuilding(publisher, accept=accept)._pass_gap(PLACE, 7, Extent(7, 9)) == 7
    assert publisher.records == []


async def test_requests_that_were_removed_before_they_were_judged_are_refused() -> None:
    publisher = Kept()
    with pytest.raises(Refused, match=rf"{REQUESTS}\[2\]: the records from offset 5 to 6 .2 of them. were removed"):
        await rebuilding(publisher, accept=False)._pass_gap(PLACE, 5, Extent(7, 9))
    assert publisher.records == []


async def test_they_are_put_on_record_if_their_loss_is_accepted() -> None:
    publisher = Kept()
    assert await rebuilding(publisher, accept=True)._pass_gap(PLACE, 5, Extent(7, 9)) == 7
    (record,) = publisher.records
    assert operations.read(record.value).done == GapAccepted("admit", REQUESTS, 2, 5, 7)


async def test_a_topic_that_lost_its_tail_is_refused_whatever_is_accepted() -> None:
    with pytest.raises(Refused, match="it ends at 9"):
        await rebuilding(Kept(), accept=True)._pass_gap(PLACE, 10, Extent(7, 9))

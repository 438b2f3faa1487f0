import pytest

from projections.position import Document, LogIdentity, Position, document
from streams.exits import Refused
from tests.projections.lives import at

LOG = LogIdentity("cluster", "topic")


def unread(projection: str, partition: int) -> Document:
    return document(projection, partition, 1, LOG, Position())


def test_an_unread_partition_begins_before_its_first_record() -> None:
    stored = unread("NotificationJob", 3)
    assert stored["_id"] == "NotificationJob:3"
    assert Position.read(stored, 1, LOG) == Position(-1, {}, None, 0)


def test_what_is_written_is_read() -> None:
    stored = unread("p", 0) | {"offset": 7, "counts": {"sent": 2}, "newest": at(1), "skipped": 3}
    assert Position.read(stored, 1, LOG) == Position(7, {"sent": 2}, at(1), 3)


@pytest.mark.parametrize("other", [LogIdentity("other", "topic"), LogIdentity("cluster", "made anew")])
def test_another_log_is_refused_with_both_names(other: LogIdentity) -> None:
    with pytest.raises(Refused, match=r"p:0 is of the log .*'cluster'.* Kafka serves .*(other|made anew).*MONGO_URL"):
        Position.read(unread("p", 0), 1, other)


def test_another_version_is_refused_with_both_numbers() -> None:
    with pytest.raises(Refused, match=r"folded by version 1 .* this is version 2: .*rebuild"):
        Position.read(unread("p", 0), 2, LOG)

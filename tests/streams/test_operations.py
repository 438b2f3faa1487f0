from datetime import UTC, datetime

import msgspec
import pytest

from streams import operations
from streams.codec import Undecodable
from streams.operations import (
    CopyDropped,
    CutOver,
    Dropped,
    Event,
    GapAccepted,
    LaneSkipped,
    Operation,
    RedeliveryBegun,
    RedeliveryEnded,
    Redriven,
    RolledBack,
    TableRebuilt,
)
from streams.topics import OPERATIONS

AT = datetime(2026, 1, 1, tzinfo=UTC)
DONE: list[Operation] = [
    GapAccepted("lifecycle", "notification-events", 1, 5, 9),
    TableRebuilt("lifecycle", 1, 9, 3),
    LaneSkipped("deliver-retries", "notification-attempts.sms.retries", 0, 7),
    Redriven("dead:a:1.2", 4, "notification-events", 1, 12),
    Redriven("dead:notification-jobs:abc", 4, "notification-jobs"),
    Dropped("dead:a:1.2", 4),
    CutOver("NotificationJob", "NotificationJob", "NotificationJob_2", 3, 7, 1),
    RolledBack("NotificationJob", "NotificationJob_2", "NotificationJob", 2),
    CopyDropped("NotificationJob", "NotificationJob_2", 3),
    RedeliveryBegun("b", 9, 2.5, "status failed, type email"),
    RedeliveryEnded("b", 9, 5, 1, 2),
]


@pytest.mark.parametrize("done", DONE, ids=lambda done: type(done).__name__)
def test_an_operation_comes_back_as_it_was_written(done: Operation) -> None:
    event = Event(done, AT, "cli", "ada", "mended in 1.2")
    record = operations.to_record(event)
    assert record.topic == OPERATIONS
    assert record.value is not None
    assert operations.read(record.value) == event


def test_its_wire_form_is_a_cloud_event() -> None:
    record = operations.to_record(Event(Dropped("dead:a:1.2", 4), AT, "cli", "ada", "spam"))
    assert msgspec.json.decode(record.value or b"") == {
        "specversion": "1.0",
        "id": "dropped:dead:a:1.2:4:1767225600000",
        "source": "cli",
        "type": "tidings.operation.dropped.v1",
        "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json",
        "data": {"done": {"operation": "dropped", "letter": "dead:a:1.2", "seen": 4}, "by": "ada", "why": "spam"},
    }


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{}", b'{"id": 1}'])
def test_what_is_no_operation_is_refused(value: bytes | None) -> None:
    with pytest.raises(Undecodable, match="expected an operation"):
        operations.read(value)

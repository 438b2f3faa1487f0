"""What is said of a fault of a read model while it lasts, and that it begins again."""

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, ServerSelectionTimeoutError

from projections.again import again, hindrance
from projections.mongo.connection import PAUSES, answered
from projections.mongo.errors import Conflict, Unavailable

AWAY = "127.0.0.1:27017: [Errno 111] Connection refused (configured timeouts: socketTimeoutMS: 20000.0ms), Timeout: 5s"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServerSelectionTimeoutError(AWAY), "MongoDB: 127.0.0.1:27017: [Errno 111] Connection refused"),
        (OperationFailure("not authorized on tidings"), "MongoDB: not authorized on tidings"),
        (AutoReconnect(), "MongoDB: AutoReconnect"),
    ],
)
def test_what_mongodb_said_is_what_stands_in_the_way(error: Exception, words: str) -> None:
    with pytest.raises(Unavailable) as caught, answered():
        raise error
    assert hindrance(caught.value) == words


def test_another_writer_stands_in_nobodys_way() -> None:
    assert hindrance(Conflict("read it again")) == ""


async def test_a_life_that_ends_with_a_fault_is_followed_by_another_and_each_fault_is_told() -> None:
    faults: list[Exception] = [Conflict("moved"), Unavailable("MongoDB: away")]
    told: list[Exception] = []
    waited: list[float] = []

    async def life(_: object) -> None:
        if len(told) < len(faults):
            raise faults[len(told)]

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    await again(life, wait, told.append)
    assert told == faults
    assert waited == [*PAUSES[:2]]

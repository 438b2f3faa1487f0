"""What a user hears of servers that can't be asked."""

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.admin.asking import ask
from deploy.stack.errors import StackError
from gateway.redelivery import asking
from projections.mongo import errors as mongo
from streams.exits import Refused

WHAT_TO_DO = ": is the stack up? See ./tidings status"


async def answer(error: Exception | None = None) -> str:
    if error is not None:
        raise error
    return "answered"


def test_what_is_answered_comes_back() -> None:
    assert ask(answer()) == "answered"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KafkaConnectionError("no broker"), "KafkaConnectionError: no broker"),
        (ConnectionRefusedError(111, "Connection refused"), "[Errno 111] Connection refused"),
        (TimeoutError(), "TimeoutError"),
        (mongo.Unavailable("MongoDB: away"), "MongoDB: away"),
        (asking.Unavailable("the read models are behind"), "the read models are behind"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_server_that_is_away_is_told_with_what_to_do(error: Exception, told: str) -> None:
    with pytest.raises(StackError) as raised:
        ask(answer(error))
    assert str(raised.value) == f"{told}{WHAT_TO_DO}"


def test_a_refusal_is_told_in_its_own_words() -> None:
    with pytest.raises(StackError, match=r"^the lane is lost$"):
        ask(answer(Refused("the lane is lost")), Refused, FileNotFoundError)
    with pytest.raises(StackError, match=r"No such file"):
        ask(answer(FileNotFoundError(2, "No such file")), Refused, FileNotFoundError)


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(KeyError):
        ask(answer(KeyError("a bug")), Refused)

import logging

import pytest

from deploy.log_lines import KNOWN, REPEATED_AFTER, Seldom


def record(name: str, message: str, second: float) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.ERROR, __file__, 1, message, ("node 1",), None)
    made.created = second
    return made


def test_a_library_that_repeats_itself_is_heard_once_in_a_while() -> None:
    seldom = Seldom()
    heard = [seldom.filter(record("aiokafka.conn", "no connection to %s", second)) for second in (0, 1, 29)]
    assert heard == [True, False, False]
    assert seldom.filter(record("aiokafka.conn", "no connection to %s", REPEATED_AFTER + 1))


def test_what_it_says_else_is_heard_at_once() -> None:
    seldom = Seldom()
    assert seldom.filter(record("aiokafka.conn", "no connection to %s", 0))
    assert seldom.filter(record("aiokafka.conn", "%s left the group", 0))


@pytest.mark.parametrize("second", [0, 1, 2])
def test_our_own_words_are_always_heard(second: int) -> None:
    seldom = Seldom()
    assert all(seldom.filter(record("streams.kafka.publisher", "Kafka is away", second)) for _ in range(3))


def test_it_remembers_no_more_than_so_many_messages_and_the_latest_of_them() -> None:
    seldom = Seldom()
    for number in range(KNOWN * 3):
        assert seldom.filter(record("aiokafka.conn", f"no connection to {number}", 0))
    assert len(seldom._last) == KNOWN
    assert seldom.filter(record("aiokafka.conn", "no leader", REPEATED_AFTER + 1))
    assert not seldom.filter(record("aiokafka.conn", "no leader", REPEATED_AFTER + 2))
    assert len(seldom._last) == 1

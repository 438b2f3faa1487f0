import pytest

from gateway.notifications.pages import Cursor
from gateway.notifications.query import Query, parse
from gateway.query import Wrong, refuse_unknown


def test_a_bare_list_is_the_reference_s() -> None:
    assert parse({}) == Query({}, 100, Cursor())


def test_filters_limit_and_cursor_are_taken() -> None:
    cursor = "19b76daa80000300000030d40"
    given = {"status": "sent", "type": "sms", "recipient": "+43 1", "limit": "500", "cursor": cursor}
    assert parse(given) == Query({"recipient": "+43 1", "status": "sent", "type": "sms"}, 500, Cursor(cursor))


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("status", "gone", "must be one of pending, queued, sending, sent, failed, retrying, suppressed"),
        ("type", "fax", "must be one of email, sms, push, in-app"),
        ("limit", "0", "must be a whole number from 1 to 500"),
        ("limit", "501", "must be a whole number from 1 to 500"),
        ("limit", "ten", "must be a whole number from 1 to 500"),
        ("limit", "-1", "must be a whole number from 1 to 500"),
        ("limit", "", "must be a whole number from 1 to 500"),
        ("limit", "٣", "must be a whole number from 1 to 500"),
        ("limit", "1" * 5000, "must be a whole number from 1 to 500"),
        ("cursor", "abc", "must be the one from a Link header of this list"),
    ],
)
def test_a_wrong_parameter_is_told_with_what_is_expected(name: str, value: str, complaint: str) -> None:
    with pytest.raises(Wrong) as raised:
        parse({name: value})
    assert raised.value.faults == {name: complaint}


def test_all_wrong_parameters_are_told_at_once() -> None:
    with pytest.raises(Wrong) as raised:
        parse({"status": "x", "limit": "x"})
    assert raised.value.faults.keys() == {"status", "limit"}


def test_parameters_that_nobody_reads_are_told_with_those_that_somebody_does() -> None:
    refuse_unknown(["status", "at"], ["at", "status"])
    with pytest.raises(Wrong) as raised:
        refuse_unknown(["state", "at", "sort"], ["status", "at"])
    assert raised.value.faults == dict.fromkeys(["state", "sort"], "is not known here, only status, at")


def test_where_nothing_can_be_asked_for_all_is_too_much() -> None:
    refuse_unknown([], [])
    with pytest.raises(Wrong, match="state is not known here, where there are no parameters"):
        refuse_unknown(["state"], [])

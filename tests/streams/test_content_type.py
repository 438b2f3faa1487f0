import pytest

from streams.content_type import not_json


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON;charset=UTF-8",
        " application/json ",
        "application/cloudevents+json",
        "application/problem+json; charset=utf-8",
    ],
)
def test_json_is_taken_however_it_is_spelled(kind: str) -> None:
    assert not_json(kind) is None


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; application/json",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/jsonp",
        "application/xml",
    ],
)
def test_all_that_a_page_of_another_site_may_send_unasked_is_refused_by_name(kind: str) -> None:
    name = kind.partition(";")[0]
    assert not_json(kind) == f"expected a body of JSON, got {name}: send it with Content-Type: application/json"


def test_a_body_without_a_type_is_refused() -> None:
    assert not_json("") == (
        "expected a body of JSON, got one without a type: send it with Content-Type: application/json"
    )

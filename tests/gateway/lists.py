"""Answers as an independent client gets them, and lists as it follows them to their end."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin

import requests

Row = dict[str, Any]


def get(url: str, **parameters: str | int) -> requests.Response:
    return requests.get(url, parameters, timeout=30)


def rows(answer: requests.Response) -> list[Row]:
    assert answer.status_code == 200, answer.text
    found: list[Row] = answer.json()
    return found


def ids(answer: requests.Response) -> list[str]:
    return [row["id"] for row in rows(answer)]


def pages(url: str, **parameters: str | int) -> Iterator[requests.Response]:
    """Each page, the next one asked for when it is wanted: following the Link headers to the end."""
    answer = get(url, **parameters)
    yield answer
    while following := answer.links.get("next"):
        answer = get(urljoin(url, following["url"]))
        yield answer

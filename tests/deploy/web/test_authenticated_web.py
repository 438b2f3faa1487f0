"""The web process with a key, where others can reach it: what independent clients get, with tokens or none."""

from collections.abc import Iterator
from datetime import timedelta

import jwt
import pytest
import requests

from streams import clock
from streams.settings import Settings
from tests.support.processes import running

SECRET = "s" * 32
EMAIL = {"type": "email", "recipient": "ada", "message": "hello"}


def bearer(subject: str, **more: object) -> dict[str, str]:
    token = jwt.encode({"sub": subject, "exp": clock.now() + timedelta(minutes=5), **more}, SECRET)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def url(declared: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(declared, tmp_path_factory.mktemp("web"), "web", HOST="0.0.0.0", JWT_SECRET=SECRET) as (web,):
        yield web.url


def test_a_service_creates_and_the_user_it_is_for_reads_it(url: str) -> None:
    assert requests.post(f"{url}/api/notifications", json=EMAIL, timeout=30).status_code == 401
    assert requests.post(f"{url}/api/notifications", json=EMAIL, headers=bearer("ada"), timeout=30).status_code == 403
    service = bearer("shop", scope="service")
    made = requests.post(f"{url}/api/notifications", json=EMAIL, headers=service, timeout=30)
    assert made.status_code == 201
    listed = requests.get(f"{url}/api/notifications?recipient=ada", headers=bearer("ada"), timeout=30)
    assert [job["id"] for job in listed.json()] == [made.json()["id"]]
    for caller, path, status in (
        (bearer("bob"), "/api/notifications?recipient=ada", 403),
        (bearer("ada"), f"/api/notifications/{made.json()['id']}", 403),
        (service, f"/api/notifications/{made.json()['id']}", 200),
        ({}, "/posts", 401),
        (bearer("bob"), "/posts", 200),
        (bearer("bob"), "/metrics", 403),
        (service, "/metrics", 200),
        ({}, "/healthz", 200),
    ):
        assert requests.get(f"{url}{path}", headers=caller, timeout=30).status_code == status, path

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.dashboard import SOURCES
from gateway.front import PATHS, router


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    (tmp_path / "assets" / "index-abc123.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    return tmp_path


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(docs_url=None)
    app.include_router(router(built))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as made:
        yield made


@pytest.mark.parametrize("path", [path.replace("{id}", "n1") for path in PATHS])
async def test_the_page_is_at_each_of_its_paths_and_asked_for_again(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.text) == (200, "<!doctype html>")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"].startswith("text/html")
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert "frame-ancestors 'none'" in again.headers["content-security-policy"]


async def test_what_is_named_by_its_content_is_kept_for_ever(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-abc123.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize("name", ["none.js", "..%2Fsecret.txt", "%2E%2E"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert (await client.get(f"/assets/{name}")).status_code == 404


async def test_a_dashboard_that_is_not_built_says_how_it_is(client: httpx.AsyncClient, built: Path) -> None:
    (built / "index.html").unlink()
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "./tidings up builds it" in answer.text


def test_the_page_knows_every_path_that_is_served() -> None:
    known = (SOURCES / "src" / "main.tsx").read_text()
    assert all(f'<Route path="{path.replace("{id}", ":id")}"' in known for path in PATHS)

"""A gateway that believes nobody without a token: the dashboard asks for one, and uses it on every way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import jwt
import pytest
from playwright.async_api import BrowserContext, Page, expect

from streams import clock
from tests.browser.conftest import Picture, Shown
from tests.browser.test_pages import faults, show
from tests.support.processes import running

SECRET = "s" * 32


def token(subject: str, minutes: float = 5, **more: object) -> str:
    return jwt.encode({"sub": subject, "exp": clock.now() + timedelta(minutes=minutes), **more}, SECRET)


@pytest.fixture(scope="module")
def closed(shown: Shown, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another web process of the same stack, with a key."""
    with running(shown.stack.settings, tmp_path_factory.mktemp("closed"), "web", JWT_SECRET=SECRET) as (web,):
        yield web.url


async def sign_in(page: Page, text: str) -> None:
    await page.get_by_label("Token").fill(text)
    await page.get_by_role("button", name="Sign in").click()


async def test_a_token_opens_lists_socket_and_stream_until_one_signs_out(
    context: BrowserContext, closed: str, shown: Shown
) -> None:
    page = await context.new_page()
    await page.goto(f"{closed}/?recipient=signed-in@example.org")
    await expect(page.get_by_role("heading", name="Sign in to Tidings")).to_be_visible()
    await expect(page.get_by_label("Token")).to_be_focused()
    await sign_in(page, "no token at all")
    await expect(page.get_by_role("alert")).to_be_visible()
    await sign_in(page, token("ada"))
    await expect(page.get_by_role("alert")).to_contain_text("This needs a service's token")
    await sign_in(page, token("operator", scope="service"))
    await expect(page.locator(".way")).to_have_attribute("data-way", "socket")
    await expect(page.get_by_text("operator")).to_be_visible()
    shown.post("signed-in@example.org")
    mine = page.get_by_role("row").filter(has_text="signed-in@example.org")
    await expect(mine.get_by_text("sent", exact=True)).to_be_visible()
    await context.route_web_socket("**/ws", lambda socket: socket.close(code=1013, reason="cut"))
    await page.reload()
    await expect(page.locator(".way")).to_contain_text("Live (stream)")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to Tidings")).to_be_visible()
    assert await page.evaluate("sessionStorage.length") == 0


async def test_an_expired_token_is_told_and_asked_for_anew(context: BrowserContext, closed: str) -> None:
    page = await context.new_page()
    await page.goto(f"{closed}/flow")
    await expect(page.get_by_label("Token")).to_be_visible()
    expired = token("operator", minutes=-1, scope="service")
    await page.evaluate("token => sessionStorage.setItem('tidings-token', token)", expired)
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("expired")
    await sign_in(page, token("operator", scope="service"))
    await expect(page.get_by_role("heading", name="Flow")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_signing_in_has_no_serious_fault_and_the_documents_need_none(
    context: BrowserContext, closed: str, axe: str, picture: Picture, scheme: Literal["light", "dark"]
) -> None:
    page = await context.new_page()
    await page.goto(closed)
    await expect(page.get_by_label("Token")).to_be_visible()
    await show(page, scheme)
    await picture(page, f"sign-in-{scheme}")
    assert await faults(page, axe) == []
    await page.get_by_role("link", name="The API's documents").click()
    await expect(page.get_by_text("Send a notification")).to_be_visible()

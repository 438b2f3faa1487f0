"""A whole stack, and Debian's Chromium that looks at its dashboard; how the browser is started is `polyglot`'s."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Playwright, async_playwright, expect
from rich.console import Console

from deploy import dashboard
from deploy.stack.home import CHECKOUT
from deploy.stack.install import debian_packages
from deploy.stack.report import Report
from tests.support.stack import OwnStack, own_stack

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""A closed network refuses what Chromium asks for by itself, many at a time."""
PATIENCE_MS = 30_000
PICTURES = CHECKOUT / "docs" / "pictures"
POSING = "PICTURES" in os.environ
"""Pictures for the docs are kept: otherwise tests leave the checkout as it is."""
Open = Callable[..., Awaitable[Page]]
Picture = Callable[[Page, str], Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These come last, since their stack and their browser stay up until the end."""
    here = Path(__file__).parent
    items.sort(key=lambda item: item.path.is_relative_to(here))


@dataclass(frozen=True)
class Shown:
    """The stack whose dashboard is looked at. While the file `outage` exists its provider is down."""

    stack: OwnStack
    outage: Path

    @property
    def url(self) -> str:
        return self.stack.http

    def post(self, recipient: str, message: str = "Your parcel is on its way", **more: str) -> str:
        """A notification by way of the API; its id."""
        return self.stack.post(recipient, message=message, **more)


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    outage = tmp_path_factory.mktemp("provider") / "outage"
    rate = "0.1" if POSING else "0"
    with own_stack(MOCK_FAILURE_RATE=rate, MOCK_OUTAGE=str(outage)) as stack:
        stack.run("up", "--detach")
        stack.run("seed")
        made = Shown(stack, outage)
        if POSING:
            pose(made)
        yield made


def pose(shown: Shown) -> None:
    """Enough of everything for pictures."""
    texts = ("Your parcel is on its way", "Your code is 4711", "Dinner is at eight", "The invoice for May is here")
    people = ("ada", "grace", "mary", "joan", "edith", "hedy", "katherine", "radia")
    for number in range(120):
        kind = ("email", "email", "sms", "push")[number % 4]
        priority = "promotional" if number % 7 == 0 else "transactional"
        text, person = texts[number % len(texts)], people[number * 5 % len(people)]
        shown.post(f"{person}@example.com", text, type=kind, priority=priority)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where it is; installed as the servers' packages are, or the error says how."""
    if shutil.which("chromium") is None:
        debian_packages({"chromium": "the browser of the dashboard's tests"}, print)
    found = shutil.which("chromium")
    assert found is not None
    return found


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's script."""
    tools = dashboard.installed(Report(Console(stderr=True)), dashboard.CHECKED)
    return (tools.parent / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="session")
async def driver() -> AsyncIterator[Playwright]:
    async with async_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
async def browser(driver: Playwright, chromium: str) -> AsyncIterator[Browser]:
    opened = await driver.chromium.launch(executable_path=chromium, args=QUIET)
    yield opened
    await opened.close()


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    made = await browser.new_context(viewport={"width": 1360, "height": 860}, locale="en-GB")
    made.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    yield made
    await made.close()


@pytest.fixture
def open_page(context: BrowserContext, shown: Shown) -> Open:
    """Opens a path of the dashboard; it is live when it returns."""

    async def opened(path: str = "/", *, way: str = "Live") -> Page:
        page = await context.new_page()
        await page.goto(f"{shown.url}{path}")
        await expect(page.locator(".way")).to_contain_text(way)
        return page

    return opened


@pytest.fixture
def picture() -> Picture:
    """Keeps a screenshot for the docs, if wanted."""

    async def taken(page: Page, name: str) -> None:
        if POSING:
            PICTURES.mkdir(exist_ok=True)
            await page.screenshot(path=PICTURES / f"{name}.png", animations="disabled")

    return taken

"""The list with 10,000 rows while 100 changes come a second: a made-up gateway, since only the page is tried here."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

from playwright.async_api import BrowserContext, CDPSession, Page, Request, Route, WebSocketRoute, expect

from tests.browser.conftest import Shown

ROWS, PAGE, RATE, SECONDS = 10_000, 100, 100, 6
READ_WITHIN = 300.0
"""Seconds, long for a hundred pages: a page that stops asking for more must end the test, not hold it up."""
NOW = datetime.now(UTC)
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
"""Milliseconds; rows may be there before."""
FRAMES = """() => new Promise((told) => {
  const gaps = []; let last = performance.now(); const end = last + 3000;
  const look = (now) => { gaps.push(now - last); last = now; now < end ? requestAnimationFrame(look) : told(gaps); };
  requestAnimationFrame(look);
})"""


def iso(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def job(number: int) -> dict[str, object]:
    more = {
        "message": "hello",
        "attempts": 0,
        "maxAttempts": 5,
        "createdAt": iso(number + 1),
        "updatedAt": iso(number + 1),
    }
    return {"id": f"n{number:05}-row", "type": "email", "recipient": f"r{number}", "status": "queued", **more}


async def pages(route: Route, request: Request) -> None:
    start = int(request.url.partition("cursor=")[2] or 0)
    rest = {"Link": f'</api/notifications?cursor={start + PAGE}>; rel="next"'} if start + PAGE < ROWS else {}
    body = json.dumps([job(number) for number in range(start, start + PAGE)])
    await route.fulfill(body=body, headers=rest, content_type="application/json")


async def changes(socket: WebSocketRoute) -> None:
    """Of the newest rows one after the other, and every tenth a row of its own."""
    for number in range(RATE * SECONDS):
        name, at = f"n{number % 50:05}-row", iso(-number)
        change: dict[str, object] = {"type": "STATUS", "notificationId": name, "status": "sending", "at": at}
        if number % 10 == 0:
            made = {"type": "sms", "recipient": f"new{number}", "message": "hello", "maxAttempts": 5}
            named = {"notificationId": f"m{number:05}-new", "status": "sent"}
            change |= named | {"job": made | {"createdAt": at}}
        socket.send(json.dumps(change))
        await asyncio.sleep(1 / RATE)


class Busy:
    """CPU seconds of the page's main thread, whatever else runs on the machine."""

    def __init__(self, session: CDPSession) -> None:
        self._session = session

    @classmethod
    async def of(cls, context: BrowserContext, page: Page) -> "Busy":
        session = await context.new_cdp_session(page)
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        return cls(session)

    async def milliseconds(self) -> float:
        told = await self._session.send("Performance.getMetrics")
        return 1000 * next(float(one["value"]) for one in told["metrics"] if one["name"] == "TaskDuration")


async def read_all(page: Page) -> None:
    """As somebody who holds the End key."""
    grid = page.locator(".grid")
    async with asyncio.timeout(READ_WITHIN):
        while not await page.get_by_text("That is all").is_visible():
            await grid.evaluate("(grid) => grid.scrollTo(0, grid.scrollHeight)")
            await page.wait_for_timeout(20)


async def test_ten_thousand_rows_stay_usable_while_a_hundred_changes_come_a_second(
    context: BrowserContext, shown: Shown
) -> None:
    started, working = asyncio.Event(), set[asyncio.Task[None]]()

    async def connected(socket: WebSocketRoute) -> None:
        socket.send(json.dumps({"type": "SUBSCRIBED", "notificationId": None}))

        async def begin() -> None:
            await started.wait()
            await changes(socket)

        working.add(asyncio.create_task(begin()))

    await context.route_web_socket("**/ws", connected)
    await context.route("**/api/notifications?*", pages)
    page = await context.new_page()
    busy = await Busy.of(context, page)
    await page.goto(shown.url)
    await expect(page.get_by_role("row").nth(1)).to_be_visible()
    opened = await busy.milliseconds()
    painted = await (await page.wait_for_function(PAINTED)).json_value()
    await read_all(page)
    await expect(page.get_by_text("10,000 notifications")).to_be_visible()
    before = await busy.milliseconds()
    started.set()
    gaps = sorted(await page.evaluate(FRAMES))
    used = await busy.milliseconds() - before
    print(f"\nfirst paint after {painted:.0f} ms; first rows after {opened:.0f} ms of CPU")  # noqa: T201
    print(f"{ROWS} rows with {RATE} changes/s: {len(gaps)} frames in 3 s, {used:.0f} ms of CPU")  # noqa: T201
    print(f"gaps p50 {gaps[len(gaps) // 2]:.0f} ms, p95 {gaps[len(gaps) * 19 // 20]:.0f} ms, longest {gaps[-1]:.0f} ms")  # noqa: T201
    await page.get_by_role("button", name=re.compile(r"\d new$")).click()
    assert await page.locator(".body-row").count() < 60
    await asyncio.gather(*working)
    newest = f"new{RATE * SECONDS - 10}"
    await expect(page.get_by_role("row").filter(has_text=newest)).to_be_visible()
    await expect(page.get_by_text("10,060 notifications")).to_be_visible()
    await page.get_by_label("status", exact=True).select_option("sending")
    await expect(page).to_have_url(f"{shown.url}/?status=sending")

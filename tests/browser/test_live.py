"""How changes come: over the socket, else as a stream, else by asking; and back again."""

from playwright.async_api import BrowserContext, Page, WebSocketRoute, expect

from tests.browser.conftest import Open, Shown

WAY = ".way"


class Cable:
    """The way to the socket, which can be cut and mended."""

    def __init__(self) -> None:
        self.whole = True
        self._plugged: list[WebSocketRoute] = []

    async def connect(self, socket: WebSocketRoute) -> None:
        if not self.whole:
            await socket.close(code=1013, reason="cut")
            return
        socket.connect_to_server()
        self._plugged.append(socket)

    async def cut(self) -> None:
        self.whole = False
        for socket in self._plugged:
            await socket.close(code=1013, reason="cut")
        self._plugged.clear()


async def shows(page: Page, shown: Shown, recipient: str) -> None:
    """What is sent now shows up as sent."""
    shown.post(recipient)
    mine = page.get_by_role("row").filter(has_text=recipient)
    await expect(mine.get_by_text("sent", exact=True)).to_be_visible()


async def test_it_falls_back_to_the_stream_then_to_asking_and_comes_back(
    context: BrowserContext, open_page: Open, shown: Shown
) -> None:
    cable = Cable()
    await context.route_web_socket("**/ws", cable.connect)
    page = await open_page()
    await shows(page, shown, "by-socket@example.org")
    await cable.cut()
    await expect(page.locator(WAY)).to_contain_text("Live (stream)")
    await shows(page, shown, "by-stream@example.org")
    await context.route("**/api/notifications/stream", lambda route: route.abort())
    await page.reload()
    await expect(page.locator(WAY)).to_contain_text("Every 3 s")
    await shows(page, shown, "by-asking@example.org")
    cable.whole = True
    await expect(page.locator(WAY)).to_have_attribute("data-way", "socket")
    await shows(page, shown, "by-socket-again@example.org")


async def test_a_killed_gateway_is_told_and_what_was_missed_is_caught_up(open_page: Open, shown: Shown) -> None:
    page = await open_page()
    pid = shown.stack.kill("web")
    await expect(page.locator(WAY)).to_contain_text("Connecting")
    shown.stack.wait_for("web", "running", not_pid=pid)
    await expect(page.locator(WAY)).to_have_attribute("data-way", "socket", timeout=60_000)
    await shows(page, shown, "after-the-kill@example.org")

"""The other pages: dead letters, policies, the mailbox, the flow; and all of them for who can't see or point."""

import asyncio
import re
from typing import Literal

import pika
import pytest
from playwright.async_api import Page, expect

from streams import clock
from tests.browser.conftest import POSING, Open, Picture, Shown, pose

GRAVE = {"serious", "critical"}
PATHS = (
    "/",
    "/flow",
    "/dead-letters",
    "/policies",
    "/preferences",
    "/preferences?recipient=user2",
    "/replays",
    "/read-models",
    "/mailbox",
)


def publish(shown: Shown, body: bytes, name: str) -> None:
    """Straight onto the queue, past the API."""
    with pika.BlockingConnection(pika.URLParameters(shown.stack.settings.rabbitmq_url)) as connection:
        properties = pika.BasicProperties(message_id=name, delivery_mode=2)
        connection.channel().basic_publish("", "notification-jobs", body, properties)


async def test_a_dead_letter_is_redriven_and_another_dropped(open_page: Open, shown: Shown, picture: Picture) -> None:
    publish(shown, b'{"type": "pigeon", "recipient": "ada", "message": "hello"}', "pigeon")
    publish(shown, b"no JSON at all", "garbage")
    page = await open_page("/dead-letters")
    letters = page.get_by_role("list", name="Dead letters").get_by_role("listitem")
    await expect(letters).to_have_count(2)
    await picture(page, "dead-letters")
    await letters.filter(has_text="undecodable").get_by_role("checkbox").check()
    await page.get_by_role("button", name="Drop 1").click()
    await page.get_by_label("Who you are").fill("ada")
    await page.get_by_label("Why", exact=True).fill("nobody needs it")
    await page.get_by_role("button", name="Drop for good").click()
    await expect(letters).to_have_count(1)
    await letters.get_by_role("checkbox").check()
    await page.get_by_role("button", name="Redrive 1").click()
    await expect(page.get_by_label("Who you are")).to_have_value("ada")
    await page.get_by_label("Why", exact=True).fill("mended in 1.2")
    await page.get_by_role("dialog").get_by_role("button", name="Redrive").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await page.get_by_label("state").select_option("dropped")
    await expect(letters.filter(has_text="undecodable")).to_have_count(1)
    await letters.get_by_text("what was done").click()
    await expect(letters).to_contain_text("by ada: nobody needs it")


async def test_a_policy_is_set_shown_and_lifted(open_page: Open) -> None:
    page = await open_page("/policies")
    await page.get_by_label("Which").fill("user1")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("must set rateLimit")
    await page.get_by_label("Events").fill("20")
    await page.get_by_label("Why").fill("a partner's import")
    await page.get_by_role("button", name="Set", exact=True).click()
    held = page.get_by_role("row").filter(has_text="user1")
    await expect(held).to_contain_text("20 events")
    await held.get_by_role("button", name="Lift").click()
    await expect(held).to_be_hidden()


async def test_a_recipient_hears_acknowledges_and_resumes_after_a_cut(open_page: Open, picture: Picture) -> None:
    page = await open_page("/mailbox?user=user2")
    messages = page.get_by_label("Messages").get_by_role("listitem")
    await page.get_by_role("button", name="Connect").click()
    await expect(page.get_by_text("Connected as user2")).to_be_visible()
    await page.get_by_role("button", name="Do it").click()
    await expect(messages).to_have_count(1)
    await messages.get_by_role("button", name="Acknowledge").click()
    await expect(messages).to_contain_text("acknowledged")
    await page.get_by_role("button", name="Cut").click()
    await page.get_by_label("Does what").select_option("COMMENT")
    await page.get_by_role("button", name="Do it").click()
    await expect(page.get_by_text("COMMENT of user1 was accepted")).to_be_visible()
    await page.get_by_role("button", name="Resume").click()
    await expect(page.get_by_text("only what was missed came")).to_be_visible()
    await expect(messages).to_have_count(2)
    await expect(messages.first).to_contain_text("commented on your post")
    await picture(page, "mailbox")


async def test_the_flow_shows_lanes_stages_and_their_workers(open_page: Open, shown: Shown, picture: Picture) -> None:
    shown.post("flow@example.org")
    page = await open_page("/flow")
    stages = page.get_by_role("region", name="Stages").get_by_role("row")
    await expect(stages.filter(has_text="Lifecycle")).to_contain_text("notification-events")
    await expect(stages.filter(has_text="Lifecycle").get_by_role("cell").nth(1)).to_have_text("1")
    await expect(stages.filter(has_text="Histories")).to_contain_text("notification-events")
    await expect(page.get_by_role("region", name="Lanes").get_by_role("row")).to_have_count(5)
    await expect(page.get_by_role("img", name="Throughput")).to_be_visible()
    await show(page, "dark")
    if POSING:
        await asyncio.to_thread(pose, shown)
    await picture(page, "flow")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_serious_fault_for_who_cannot_see_or_point(
    open_page: Open, shown: Shown, axe: str, picture: Picture, scheme: Literal["light", "dark"]
) -> None:
    story = shown.post("axe@example.org")
    told = f"/notifications/{story}"
    for path in (*PATHS, told, f"{told}?view=Causes", f"/?at={clock.iso(clock.now())}"):
        page = await open_page(path)
        await show(page, scheme)
        await picture(page, f"{name_of(path)}-{scheme}")
        assert await faults(page, axe) == [], path
        await page.close()
    for path, button in (("/", "New notification"), ("/replays", "New replay"), (told, "Deliver once more")):
        page = await open_page(path)
        await show(page, scheme)
        await page.get_by_role("button", name=button).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        await picture(page, f"{button.split()[-1]}-{scheme}")
        assert await faults(page, axe) == [], button
        await page.close()


async def test_every_page_fits_a_phone(open_page: Open, shown: Shown, picture: Picture) -> None:
    story = shown.post("narrow@example.org")
    for path in (*PATHS, f"/notifications/{story}", f"/notifications/{story}?view=Causes"):
        page = await open_page(path)
        await page.set_viewport_size({"width": 390, "height": 800})
        await show(page, "light")
        await picture(page, f"{name_of(path)}-narrow")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390, path
        await expect(page.locator("nav [aria-current]")).to_be_in_viewport(ratio=1)
        await page.close()


async def show(page: Page, scheme: Literal["light", "dark"]) -> None:
    """In these colours, with what it had to read."""
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    await expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    await expect(page.locator(".skeleton")).to_have_count(0)


def name_of(path: str) -> str:
    return re.split(r"[/?]", path.strip("/"))[0] + ("-more" if "?" in path else "") or "list"


async def faults(page: Page, axe: str) -> list[str]:
    await page.evaluate(axe)  # as no script that the page's own policy would refuse
    found = await page.evaluate("axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'] })")
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]

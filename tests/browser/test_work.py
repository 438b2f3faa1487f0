"""What an operator does beyond dead letters and policies: redeliveries, preferences, replays, rebuilds."""

import asyncio
import re

import pytest
import requests
from playwright.async_api import Page, expect
from pymongo import MongoClient

from tests.browser.conftest import Open, Picture, Shown
from tests.support.stack import wait_until


async def say(page: Page, button: str, why: str) -> None:
    """Who and why, in the dialog that asks for it."""
    await page.get_by_label("Who you are").fill("ada")
    await page.get_by_label("Why", exact=True).fill(why)
    await page.get_by_role("dialog").get_by_role("button", name=button, exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_hidden()


async def test_one_that_was_sent_is_delivered_once_more(open_page: Open, shown: Shown) -> None:
    name = shown.post("again@example.org")
    page = await open_page(f"/notifications/{name}")
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Deliver once more").click()
    await say(page, "Deliver", "she never got it")
    await expect(page.get_by_role("heading", name="To be delivered once more")).to_be_visible()
    await expect(page.get_by_text("Asked for by ada: she never got it.")).to_be_visible()
    await expect(page.get_by_role("heading", name="Attempt 2", exact=True)).to_be_visible()
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_have_count(2)


async def test_what_the_api_says_of_a_redelivery_is_told_where_it_was_asked_for(open_page: Open, shown: Shown) -> None:
    name = shown.post("twice@example.org")
    page = await open_page(f"/notifications/{name}")
    await page.get_by_role("button", name="Deliver once more").click()
    refusal = '{"message": "not redelivered: it is still under way: queued", "obstacle": "under-way"}'
    await page.route("**/redeliver", lambda route: route.fulfill(status=409, body=refusal))
    await page.get_by_label("Who you are").fill("ada")
    await page.get_by_label("Why", exact=True).fill("to see it refused")
    await page.get_by_role("dialog").get_by_role("button", name="Deliver", exact=True).click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("still under way: queued")


async def test_preferences_are_set_kept_and_lifted(open_page: Open, picture: Picture) -> None:
    page = await open_page("/preferences")
    await expect(page.get_by_role("heading", name="Whose?")).to_be_visible()
    await page.get_by_label("Recipient").fill("user3")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"\?recipient=user3"))
    await expect(page.get_by_text("nothing was ever set")).to_be_visible()
    await page.get_by_role("checkbox", name="sms").uncheck()
    await page.get_by_role("checkbox", name="Follow").uncheck()
    await page.get_by_label("An actor to mute").fill("user7")
    await page.keyboard.press("Enter")
    await page.get_by_role("checkbox", name="Every day").check()
    await page.get_by_label("Time zone").fill("Europe/Atlantis")
    await page.get_by_label("Who you are").fill("ada")
    await page.get_by_label("Why", exact=True).fill("too many at night")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("can't be found")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_text("by ada: too many at night")).to_be_visible()
    await picture(page, "preferences")
    await until_kept(page, "user7")
    await expect(page.get_by_role("checkbox", name="sms")).not_to_be_checked()
    await expect(page.get_by_role("checkbox", name="email")).to_be_checked()
    await expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    await page.get_by_role("button", name="Everything on").click()
    await page.get_by_label("Why", exact=True).fill("it was a test")
    await page.get_by_role("button", name="Set", exact=True).click()
    await expect(page.get_by_text("by ada: it was a test")).to_be_visible()
    await expect(page.get_by_role("checkbox", name="sms")).to_be_checked()
    await expect(page.get_by_text("Nobody is muted.")).to_be_visible()


async def test_a_recipients_preferences_are_reached_from_a_notification_and_from_those_notified_lately(
    open_page: Open, shown: Shown
) -> None:
    told = await open_page(f"/notifications/{shown.post('lately@example.org')}")
    await told.get_by_role("link", name="lately@example.org").click()
    page = await open_page("/preferences")
    await page.get_by_role("list", name="Lately notified").get_by_role("link", name="lately@example.org").click()
    for one in (told, page):
        await expect(one).to_have_url(re.compile(r"/preferences\?recipient=lately%40example.org"))
        await expect(one.get_by_label("Recipient")).to_have_value("lately@example.org")
        await expect(one.get_by_text("nothing was ever set")).to_be_visible()


async def until_kept(page: Page, muted: str) -> None:
    """The read model has it a moment later: it is asked until it does, and then shows it to who comes anew."""

    def kept() -> bool:
        found = requests.get(page.url.replace("/preferences?recipient=", "/api/preferences/"), timeout=10).json()
        return muted in found["mutedActors"]

    await asyncio.to_thread(wait_until, kept, 30, lambda: f"{muted} is not muted")
    await page.reload()
    await expect(page.get_by_role("list", name="Muted")).to_contain_text(muted)


async def test_a_replay_is_counted_begun_paused_and_ended(open_page: Open, shown: Shown, picture: Picture) -> None:
    name = shown.post("told@example.org")
    page = await open_page(f"/notifications/{name}")
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_be_visible()
    await page.goto(f"{shown.url}/replays")
    await page.get_by_role("button", name="New replay").click()
    await page.get_by_label("Into").fill("topic:notification-mine")
    await page.get_by_label("Events a second").fill("1")
    await page.get_by_label("Notification", exact=True).fill(name)
    await page.get_by_label("Who you are").fill("ada")
    await page.get_by_label("Why", exact=True).fill("to look at them")
    await page.get_by_role("button", name="Ask for it").click()
    await expect(page.get_by_role("alert")).to_contain_text("notification-")
    await page.get_by_label("Into").fill("collection:looked_at")
    await page.get_by_role("button", name="Ask for it").click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    replay = page.get_by_role("article").filter(has_text="collection:looked_at")
    await expect(replay.get_by_text("ready", exact=True)).to_be_visible()
    await expect(replay.get_by_role("list", name="Events by type")).to_contain_text("sent 1")
    await replay.get_by_role("button", name="Begin").click()
    await say(page, "Begin", "the count is right")
    await expect(replay.get_by_text("running", exact=True)).to_be_visible()
    await replay.get_by_role("button", name="Pause").click()
    await say(page, "Pause", "lunch")
    await expect(replay.get_by_text("paused", exact=True)).to_be_visible()
    await picture(page, "replays")
    await replay.get_by_role("button", name="End").click()
    await say(page, "End", "seen enough")
    await expect(replay.get_by_text("cancelled", exact=True)).to_be_visible()
    await expect(replay.get_by_role("button")).to_have_count(0)


@pytest.fixture
def forged(shown: Shown) -> str:
    """A notification of which somebody has written something else into the database."""
    name = shown.post("forged@example.org", "As it was asked for")
    settings = shown.stack.settings
    with MongoClient[dict[str, object]](settings.mongo_url) as client:
        jobs = client[settings.mongo_database]["NotificationJob"]
        sent = {"_id": name, "status": "sent"}
        wait_until(lambda: jobs.find_one(sent) is not None, 30, lambda: f"{name} is not sent")
        jobs.update_one({"_id": name}, {"$set": {"message": "As somebody else wrote it"}})
    return name


async def test_a_rebuild_is_shown_with_what_differs_and_then_with_its_copies(
    open_page: Open, shown: Shown, picture: Picture, forged: str
) -> None:
    page = await open_page("/read-models")
    model = page.get_by_role("region", name="NotificationJob")
    await expect(model.get_by_role("row").filter(has_text="live")).to_contain_text("up to date")
    done = shown.stack.run("rebuild", "NotificationJob", "--yes", "--by", "ada", "--why", "to compare", check=False)
    assert done.returncode == 1, done.stdout
    await expect(model.get_by_text("refused by its gate")).to_be_visible()
    await expect(model.get_by_role("alert")).to_contain_text("1 difference that nothing explains")
    await expect(model.get_by_role("table").filter(has_text=forged)).to_contain_text("As somebody else wrote it")
    await expect(model.get_by_role("row").filter(has_text="not read yet")).to_contain_text("NotificationJob_2")
    await picture(page, "rebuild")
    wanted = ("rebuild", "NotificationJob", "--yes", "--accept-differences", "--by", "ada", "--why", "the log is right")
    shown.stack.run(*wanted)
    await expect(model.get_by_text("Readers went over.")).to_be_visible()
    await expect(model.get_by_role("row").filter(has_text="kept for roll-back")).to_be_visible()
    shown.stack.run("rebuild", "NotificationJob", "--drop", "--yes")
    await expect(model.get_by_role("row").filter(has_text="kept for roll-back")).to_be_hidden()

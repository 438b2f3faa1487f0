"""The list and the story of notifications, in a real browser against a whole stack."""

import re

from playwright.async_api import expect

from tests.browser.conftest import Open, Picture, Shown


async def test_a_notification_is_asked_for_and_watched_live_until_it_is_sent(open_page: Open) -> None:
    page = await open_page()
    await page.keyboard.press("n")
    await page.get_by_label("Recipient", exact=True).fill("grace@example.org")
    await page.get_by_label("Message", exact=True).fill("Dinner is at eight")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_role("dialog")).to_be_hidden()
    mine = page.get_by_role("row").filter(has_text="grace@example.org")
    await expect(mine.get_by_text("sent", exact=True)).to_be_visible()
    await mine.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Dinner is at eight")).to_be_visible()
    for step in ("Accepted", "Queued", "Attempt 1", "Sent"):
        await expect(page.get_by_role("heading", name=step, exact=True)).to_be_visible()


async def test_a_failing_one_is_shown_through_its_retries(open_page: Open, shown: Shown, picture: Picture) -> None:
    shown.outage.touch()
    name = shown.post("mary@example.org", "Your table is booked")
    page = await open_page(f"/notifications/{name}")
    await expect(page.get_by_text("retrying", exact=True)).to_be_visible()
    await expect(page.get_by_role("heading", name="Attempt 2 failed")).to_be_visible()
    await expect(page.get_by_text("Mock provider is down").first).to_be_visible()
    shown.outage.unlink()
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_be_visible()
    await expect(page.get_by_text("To be continued")).to_be_hidden()
    await picture(page, "story")


async def test_one_that_fails_for_good_says_why(open_page: Open, shown: Shown) -> None:
    shown.outage.touch()
    try:
        page = await open_page()
        shown.post("joan@example.org")
        mine = page.get_by_role("row").filter(has_text="joan@example.org")
        await expect(mine.get_by_text("failed", exact=True)).to_be_visible()
        await expect(mine).to_contain_text("5 of 5 failed")
    finally:
        shown.outage.unlink()


async def test_filters_are_in_the_address_and_survive_a_reload(open_page: Open, shown: Shown) -> None:
    shown.post("filtered@example.org")
    shown.post("filtered@example.org", type="sms")
    page = await open_page()
    await page.get_by_label("type", exact=True).select_option("sms")
    await page.get_by_label("A recipient or an id").fill("filtered@example.org")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(r"type=sms&recipient=filtered%40example.org"))
    cells = page.get_by_role("row").filter(has_text="filtered@example.org")
    await expect(cells).to_have_count(1)
    await page.reload()
    await expect(cells).to_have_count(1)
    await expect(page.get_by_label("type", exact=True)).to_have_value("sms")


async def test_an_id_is_found(open_page: Open, shown: Shown) -> None:
    name = shown.post("found@example.org", "Found by its id")
    page = await open_page()
    await page.get_by_label("A recipient or an id").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Found by its id")).to_be_visible()


async def test_what_the_api_finds_wrong_is_told_at_the_field(open_page: Open) -> None:
    page = await open_page()
    await page.get_by_role("button", name="New notification").click()
    await page.get_by_label("Message", exact=True).fill("To nobody")
    await page.get_by_role("button", name="Send", exact=True).click()
    recipient = page.get_by_label("Recipient", exact=True)
    await expect(recipient).to_have_attribute("aria-invalid", "true")
    await expect(recipient).to_be_focused()
    await page.get_by_label("Metadata").fill("no object")
    await page.get_by_role("button", name="Send", exact=True).click()
    await expect(page.get_by_text("must be a JSON object")).to_be_visible()


async def test_arrows_go_from_row_to_row_and_enter_opens(open_page: Open, shown: Shown) -> None:
    for number in range(3):
        shown.post(f"row{number}@example.org")
    page = await open_page()
    await expect(page.get_by_role("row").filter(has_text="row2@example.org")).to_be_visible()
    await page.get_by_role("row").nth(1).get_by_role("link").focus()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_role("row").nth(2).get_by_role("link")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("/notifications/"))


async def test_a_database_that_is_away_is_told_and_tried_again(open_page: Open) -> None:
    page = await open_page()
    body = '{"message": "the database does not answer, try again"}'
    await page.route("**/api/notifications?*", lambda route: route.fulfill(status=503, body=body))
    await page.reload()
    await expect(page.get_by_role("alert")).to_contain_text("The database does not answer")
    await page.unroute("**/api/notifications?*")
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("table")).to_be_visible()

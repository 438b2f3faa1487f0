"""What was at another time, and what led to it: the slider, the list as it was, the tree of causes."""

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import Open, Picture, Shown

SLIDER = "As it is now"


async def told_as_sent(page: Page) -> None:
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_be_visible()


async def test_a_story_is_gone_through_event_by_event(open_page: Open, shown: Shown, picture: Picture) -> None:
    shown.outage.touch()
    name = shown.post("rosa@example.org", "The doors open at seven")
    page = await open_page(f"/notifications/{name}")
    await expect(page.get_by_role("heading", name="Attempt 1 failed")).to_be_visible()
    shown.outage.unlink()
    await told_as_sent(page)
    await page.get_by_role("button", name="Event before").click()
    await expect(page).to_have_url(re.compile(r"\?at=20\d\d-"))
    await expect(page.get_by_text("As it was at")).to_be_visible()
    await expect(page.locator(".head").get_by_text("sending", exact=True)).to_be_visible()
    await expect(page.get_by_role("heading", name="Sent", exact=True)).to_be_hidden()
    await expect(page.get_by_text("One event came later.")).to_be_visible()
    await page.get_by_role("button", name="Event before").click()
    await expect(page.locator(".head").get_by_text("retrying", exact=True)).to_be_visible()
    await picture(page, "as-of")
    await page.reload()
    await expect(page.locator(".head").get_by_text("retrying", exact=True)).to_be_visible()
    for _ in range(2):
        await page.get_by_role("button", name="Event after").click()
    await expect(page).to_have_url(f"{shown.url}/notifications/{name}")
    await told_as_sent(page)


async def test_the_slider_is_moved_by_keys_and_says_its_time(open_page: Open, shown: Shown) -> None:
    name = shown.post("slid@example.org")
    page = await open_page(f"/notifications/{name}")
    await told_as_sent(page)
    slider = page.get_by_role("slider", name=SLIDER)
    await expect(slider).to_have_attribute("aria-valuetext", "now")
    await slider.focus()
    await page.keyboard.press("Home")
    await expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile(r"20\d\d"))
    await expect(page).to_have_url(re.compile(r"\?at="))
    await expect(page.locator(".head").get_by_text(re.compile("^(pending|queued)$"))).to_be_visible()
    await page.keyboard.press("End")
    await expect(page).to_have_url(f"{shown.url}/notifications/{name}")


async def test_the_list_is_shown_as_it_was_with_its_filters(open_page: Open, shown: Shown) -> None:
    first = shown.post("then@example.org", "The first")
    page = await open_page(f"/notifications/{first}")
    await told_as_sent(page)
    last = await page.locator(".story time").last.get_attribute("datetime")
    await page.goto(f"{shown.url}/?recipient=then@example.org&at={last}")
    rows = page.get_by_role("row").filter(has_text="then@example.org")
    await expect(rows.get_by_text("sent", exact=True)).to_be_visible()
    shown.post("then@example.org", "The second")
    await expect(page.get_by_role("list", name="Then, by status").get_by_role("listitem")).to_have_count(7)
    await page.reload()
    await expect(rows).to_have_count(1)
    await rows.get_by_role("link").click()
    await expect(page).to_have_url(re.compile(rf"/notifications/{first}\?at="))
    await page.go_back()
    await page.get_by_role("button", name="Back to now").click()
    await expect(rows).to_have_count(2)
    await expect(page).to_have_url(f"{shown.url}/?recipient=then%40example.org")


async def test_looking_back_from_the_list_shows_counts_and_filters_by_them(
    open_page: Open, shown: Shown, picture: Picture
) -> None:
    shown.post("counted@example.org")
    page = await open_page("/?recipient=counted@example.org")
    await expect(page.get_by_role("row").get_by_text("sent", exact=True)).to_be_visible()
    await page.goto(shown.url)
    await page.get_by_role("button", name="Look back").click()
    await page.get_by_role("slider", name=SLIDER).focus()
    await page.keyboard.press("ArrowLeft")
    sent = page.get_by_role("list", name="Then, by status").get_by_role("button", name="sent")
    await sent.click()
    await expect(page).to_have_url(re.compile(r"at=.*&status=sent|status=sent&at="))
    await expect(sent).to_have_attribute("aria-pressed", "true")
    await picture(page, "look-back")
    await page.get_by_role("button", name="Look back").click()
    await expect(page).to_have_url(f"{shown.url}/?status=sent")


async def test_a_time_before_the_log_and_one_to_come_are_told(open_page: Open) -> None:
    page = await open_page("/?at=2001-01-01T00:00:00Z")
    await expect(page.get_by_role("heading", name="Nothing is known of that time")).to_be_visible()
    await page.goto(f"{page.url.partition('?')[0]}?at=2101-01-01T00:00:00Z")
    await expect(page.get_by_role("alert").first).to_contain_text("must not be in the future")


async def test_causes_are_shown_as_a_tree_with_where_the_time_went(
    open_page: Open, shown: Shown, picture: Picture
) -> None:
    shown.outage.touch()
    name = shown.post("sophie@example.org", "The doors open at eight")
    page = await open_page(f"/notifications/{name}")
    await expect(page.get_by_role("heading", name="Attempt 1 failed")).to_be_visible()
    shown.outage.unlink()
    await told_as_sent(page)
    await page.get_by_role("radio", name="Causes").click()
    await expect(page).to_have_url(f"{shown.url}/notifications/{name}?view=Causes")
    tree = page.get_by_role("list", name="Causes and effects")
    await expect(tree.get_by_role("listitem").filter(has_text="came due 1")).to_contain_text("until the next attempt")
    await expect(tree.get_by_role("listitem").filter(has_text="send failed 1")).to_contain_text("Mock provider is down")
    await expect(tree.get_by_role("listitem").filter(has_text="sending 1")).to_contain_text("MockProvider")
    await expect(tree.get_by_role("listitem").filter(has_text=re.compile(r"sent \d"))).to_be_visible()
    await picture(page, "causes")
    await page.reload()
    await expect(tree.get_by_role("listitem").filter(has_text="requested")).to_be_visible()

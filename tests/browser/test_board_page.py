"""The supervisor's floor and the customer's phone in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import company
from tests.browser.fake_desk import FakeDesk
from tests.ports import free_ports

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_board(page: Page, desk: FakeDesk) -> None:
    await page.goto(f"{desk.base}/board")
    await expect(page.locator(".live tbody tr").first).to_be_visible()


async def test_queues_agents_and_calls_are_there(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    support = page.locator(".live tr", has=page.get_by_role("rowheader", name="Support"))
    await expect(support).to_contain_text("77 %")
    await expect(support).to_contain_text("late")
    await expect(page.locator(".agents li")).to_have_count(8)
    await expect(page.locator(".agents li").first).to_contain_text("Ringing")
    await expect(page.get_by_role("link", name="C-2026-004711")).to_have_attribute(
        "href", "/cases/C-2026-004711"
    )


async def test_a_queue_has_the_readers_title(page: Page, desk: FakeDesk) -> None:
    """In Chinese where there is one; also beside the calls, and after a switch without a reload."""
    desk.boots["board"] = company.boot("board", live=desk.live, lang="zh")
    await open_board(page, desk)
    for title in ("售后服务", "Operator"):
        await expect(page.get_by_role("rowheader", name=title, exact=True)).to_be_visible()
    waiting = page.get_by_role("row").filter(has=page.get_by_role("cell", name="售后服务"))
    await expect(waiting.first).to_be_visible()
    await page.get_by_role("button", name="Switch to English").click()
    await expect(page.get_by_role("rowheader", name="Support", exact=True)).to_be_visible()
    await expect(page.get_by_text("售后服务")).to_have_count(0)


async def test_the_service_level_leads_to_its_definition(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    link = page.get_by_role("link", name="78 of 94 in time")
    await expect(link).to_have_attribute("href", "/figures#service-level")


async def test_a_delta_moves_the_floor(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    await desk.change("board", remove={"calls": ["b1"]})
    await expect(page.get_by_role("link", name="C-2026-004711")).to_have_count(0)


async def test_times_tick(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    clock = page.locator(".agents li").first.locator("time")
    before = await clock.inner_text()
    await expect(clock).not_to_have_text(before)


async def test_a_hostile_name_on_the_floor_is_text(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    await expect(page.get_by_role("cell", name=company.HOSTILE)).to_be_visible()
    assert await page.locator("img").count() == 0
    assert await page.evaluate("window.hacked") is None


async def test_a_stale_floor_says_since_when(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    await desk.change("board", put={"link": {"link": {"stale_since": company.at(minutes=1)}}})
    await expect(page.locator(".stale")).to_contain_text("has not been heard since")


@pytest.mark.parametrize("screen", ["desk", "board"])
async def test_a_page_that_lost_its_server_says_since_when(
    page: Page, desk: FakeDesk, screen: str
) -> None:
    """Every screen of what is live; what was known stays readable. The link with the telephone
    system, which the server tells of, is said the same way."""
    await page.goto(f"{desk.base}/{screen}")
    shown = page.locator(".agents li" if screen == "board" else "rd-agent-menu")
    await expect(shown.first).to_be_visible()
    await expect(page.locator(".stale")).to_have_count(0)
    await desk.close()
    banner = page.locator(".stale[role=status]")
    await expect(banner).to_contain_text("Not connected since")
    await expect(banner).to_contain_text("connecting again by itself")
    await expect(shown.first).to_be_visible()


async def test_the_phone_says_that_it_is_not_connected(page: Page, desk: FakeDesk) -> None:
    """It shows the state of its own line, and of nothing else."""
    (port,) = free_ports(1)
    account = {"ws": f"ws://127.0.0.1:{port}/ws", "uri": "sip:customer@127.0.0.1"}
    desk.boots["phone"]["softphone"] = account | {"user": "customer", "password": "x", "ice": []}
    await page.goto(f"{desk.base}/phone")
    await expect(page.locator(".screen")).to_contain_text("Connecting the telephone…")
    await expect(page.locator("#call")).to_be_disabled()


async def test_a_pause_longer_than_agreed_stands_out_and_nobody_is_made_available(
    page: Page, desk: FakeDesk
) -> None:
    await open_board(page, desk)
    carla = page.locator(".agents li", has_text="Carla Reyes")
    await expect(carla).to_contain_text("Lunch")
    await expect(page.locator(".agents .overdue")).to_be_empty()
    carla_now = company.board()["agents"]["carla"]
    long_ago = {**carla_now, "since": company.at(minutes=42, seconds=5)}
    await desk.change("board", put={"agents": {"carla": long_ago}})
    over = carla.locator("[data-state=breach]")
    await expect(over).to_have_text("12 min too long")
    await expect(page.locator(".agents .overdue")).to_have_text("1 pause is longer than agreed")
    colours = [
        await place.evaluate("element => getComputedStyle(element).color")
        for place in (over, carla.locator(".agent-name"))
    ]
    assert colours[0] != colours[1]
    endless = {**carla_now, "since": company.at(hours=3), "reason": "training"}
    await desk.change("board", put={"agents": {"carla": endless}})
    await expect(page.locator(".agents .overdue")).to_be_empty()


async def test_sounds_are_off_until_asked_for(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    await expect(page.get_by_role("button", name="Sound on breach")).to_have_attribute(
        "aria-pressed", "false"
    )


async def test_the_phone_has_the_hotline_and_the_first_customer_filled_in(
    page: Page, desk: FakeDesk
) -> None:
    await page.goto(f"{desk.base}/phone")
    await expect(page.locator("input.dialled")).to_have_value("1000")
    await expect(page.locator("#from")).to_have_value("+862155550142")
    await page.get_by_role("button", name="Maria Vogel").click()
    await expect(page.locator("#from")).to_have_value("+493055501977")
    await page.locator("h1").click()
    await page.keyboard.press("5")
    await expect(page.locator("input.dialled")).to_have_value("10005")


async def test_the_floor_leads_where_every_page_leads(page: Page, desk: FakeDesk) -> None:
    await open_board(page, desk)
    places = page.locator(".page-bar nav a")
    await expect(places).to_have_text(["Desk", "Floor", "Cases", "Search", "Figures", "Jobs"])
    await expect(page.locator(".page-bar nav a[aria-current=page]")).to_have_text("Floor")
    await page.get_by_role("button", name="切换到中文").click()
    await expect(places.first).to_have_text("工作台")


async def test_an_alarm_comes_says_what_to_do_and_goes(page: Page, desk: FakeDesk) -> None:
    """Without a reload; heard by those who do not see it; with its case one click away."""
    await open_board(page, desk)
    strip, said = page.locator(".alarms"), page.locator("#app [role=status]").first
    await expect(strip).to_have_count(0)
    await expect(said).to_be_empty()
    missing = company.alarm(
        "recording_missing", 3, case_number="C-2026-004711", last=company.at(minutes=2)
    )
    await desk.change("board", put={"alarms": {"recording_missing": missing}})
    await expect(said).to_have_text("1 alarm: Recording missing × 3")
    await expect(strip).to_contain_text("since today")
    await expect(strip).to_contain_text(", last today")
    await expect(strip).to_contain_text("A call was recorded and there is no file.")
    link = strip.get_by_role("link", name="C-2026-004711").first
    await expect(link).to_have_attribute("href", "/cases/C-2026-004711")
    await page.get_by_role("button", name="切换到中文").click()
    await expect(strip).to_contain_text("录音缺失")
    await expect(strip).to_contain_text("通话已录音，但没有文件。")
    await desk.change("board", remove={"alarms": ["recording_missing"]})
    await expect(strip).to_have_count(0)
    await expect(said).to_be_empty()


async def test_many_alarms_do_not_push_the_floor_away(page: Page, desk: FakeDesk) -> None:
    """Two are told, the newest first; the rest unfolds by keyboard, and scrolls."""
    await open_board(page, desk)
    await desk.change("board", put={"alarms": company.alarms()})
    strip = page.locator(".alarms")
    await expect(strip.locator("li")).to_have_count(2)
    await expect(strip.locator("li").first).to_contain_text("Disk full")
    await expect(strip.locator("li").first).to_contain_text("recordings")
    more = strip.get_by_role("button", name="6 more alarms")
    await expect(more).to_have_attribute("aria-expanded", "false")
    await more.focus()
    await page.keyboard.press("Enter")
    await expect(strip.locator("li")).to_have_count(8)
    few = strip.locator("li", has_text="Open files nearly used up")
    await expect(few).to_contain_text("live, web (desk-1)")
    await expect(few).to_contain_text("raises the limit")
    heights = await page.evaluate(
        "[document.querySelector('.alarms').offsetHeight,"
        " document.querySelector('.figures').getBoundingClientRect().bottom]"
    )
    assert heights[0] < 180
    assert heights[1] < 360  # of 720
    await strip.locator("ul").focus()
    await page.keyboard.press("End")
    await expect(strip.locator("li").last).to_be_in_viewport()
    await strip.get_by_role("button", name="Show fewer").click()
    await expect(strip.locator("li")).to_have_count(2)


async def test_a_hostile_alarm_is_text(page: Page, desk: FakeDesk) -> None:
    """What it is about came from outside; a kind that is newer than the page is shown too."""
    await open_board(page, desk)
    hostile = company.alarm("brand_new", about=company.HOSTILE)
    await desk.change("board", put={"alarms": {"brand_new": hostile}})
    await expect(page.locator(".alarms")).to_contain_text(company.HOSTILE)
    assert await page.locator("img").count() == 0


@pytest.mark.parametrize(
    ("lang", "expected"),
    [
        (
            "en",
            {
                "c1": ("Parked", "place 701"),
                "c2": ("Talking outside", "+4930111222"),
                "c3": ("Reconnecting", "Ava Lindqvist"),
                "c4": ("Calling", "+4930111333"),
                "c5": ("Being connected", ""),
            },
        ),
        ("zh", {"c1": ("已驻留", "驻留位 701"), "c2": ("与外线通话中", "+4930111222")}),
    ],
)
async def test_who_is_with_nobody_of_the_house_is_not_in_the_menu(
    page: Page, desk: FakeDesk, lang: str, expected: dict[str, tuple[str, str]]
) -> None:
    desk.boots["board"] = company.boot("board", live=desk.live, lang=lang)
    more = {
        "c1": {"state": "parked", "place": "701"},
        "c2": {"state": "outside", "outside": ["+4930111222"]},
        "c3": {"state": "reconnecting", "kept_for": ["ava"]},
        "c4": {"state": "calling", "outside": ["+4930111333"]},
        "c5": {"state": "handed_on"},
    }
    calls = {
        name: company.call(name, **changes, caller_number="+49305550" + name[1:])
        for name, changes in more.items()
    }
    await open_board(page, desk)
    await desk.change("board", put={"calls": calls})
    for name, (state, beside) in expected.items():
        row = page.locator(".live tr", has_text="+49305550" + name[1:])
        await expect(row.locator(".state")).to_have_text(state)
        await expect(row).to_contain_text(beside)

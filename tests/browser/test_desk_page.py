"""The agent's page in a real browser, led by a fake desk: what is in the DOM, and what it sends."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser import company
from tests.browser.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def open_desk(page: Page, desk: FakeDesk) -> None:
    await page.goto(f"{desk.base}/desk")
    await expect(page.locator(".state-block .state")).to_be_visible()


async def is_now(page: Page, desk: FakeDesk, status: str, **more: object) -> None:
    """The agent is so, and the page shows it."""
    await desk.change("desk", put={"me": {"me": company.me(status, **more)}})
    await expect(page.locator(".agent-button")).to_have_attribute("data-state", status)


async def ring(desk: FakeDesk, call_id: str = "c1", **card: object) -> None:
    """What the desk sends when a call rings here."""
    await desk.change(
        "desk",
        put={
            "me": {"me": company.me("ringing", call_id=call_id)},
            "call": {call_id: company.call(call_id)},
            "card": {call_id: company.card(call_id, **card)},
        },
    )


async def test_a_number_that_no_carrier_vouches_for_says_so(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, number_vouched=False)
    await expect(page.locator(".call-who .badge")).to_have_text("unverified")
    await ring(desk, number_vouched=True)
    await expect(page.locator(".call-who .badge")).to_have_count(0)


async def test_no_call_shows_my_agenda_and_my_cases(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await expect(page.locator(".agenda > li")).to_have_count(3)
    await expect(page.locator(".cases tr")).to_have_count(4)
    await expect(page.locator(".agenda > li").first).to_contain_text("late")


async def test_the_card_is_there_while_it_rings_and_is_announced(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator("#who-name")).to_have_text("Chen Wei 陈伟")
    await expect(page.locator(".call-bar")).to_have_attribute("data-state", "ringing")
    await expect(page.locator("#answer")).to_be_visible()
    await expect(page.locator("[role=alert]")).to_contain_text("Chen Wei 陈伟 is calling")
    await expect(page.locator(".why-line")).to_contain_text("4711")
    await expect(page.locator("rd-who-panel .notice")).to_contain_text("credit note")
    await expect(page.locator(".offer.in-hand .reason")).to_contain_text("212 of 1,040")


async def test_nothing_moves_when_a_call_arrives(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    boxes = ".call-bar, .panes .left, .panes .middle, .panes .right, .bottom-bar"

    async def places() -> list[object]:
        return await page.eval_on_selector_all(
            boxes,
            "all => all.filter(e => !e.parentElement.matches('.left, .middle, .right'))"
            ".map(e => e.getBoundingClientRect()).map(r => [r.x, r.y, r.width, r.height])",
        )

    before = await places()
    await ring(desk)
    await expect(page.locator("#who-name")).to_be_visible()
    assert await places() == before


async def test_the_second_call_replaces_the_first_ones_card(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator("#who-name")).to_have_text("Chen Wei 陈伟")
    await desk.change("desk", remove={"call": ["c1"], "card": ["c1"]})
    await ring(desk, "c2", customer=company.customer("Maria Vogel", id=7), candidates=[])
    await expect(page.locator("#who-name")).to_have_text("Maria Vogel")
    await expect(page.locator("body")).not_to_contain_text("陈伟 is calling")


async def test_two_calls_at_once_can_be_switched_and_nothing_moves(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await desk.change("desk", put={"call": {"c1": company.call(state="talking")}})
    await expect(page.locator(".call-bar")).to_have_attribute("data-state", "talking")
    before = await page.locator(".panes").bounding_box()
    await ring(desk, "c2", customer=company.customer("Maria Vogel", id=7), candidates=[])
    await expect(page.locator(".switcher button")).to_have_count(2)
    await expect(page.locator("#who-name")).to_have_text("Chen Wei 陈伟")
    assert await page.locator(".panes").bounding_box() == before
    await page.locator(".switcher button", has_text="Ringing").click()
    await expect(page.locator("#who-name")).to_have_text("Maria Vogel")


async def test_a_transferred_call_leaves_the_desk(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await desk.change("desk", put={"call": {"c1": company.call(state="talking")}})
    await expect(page.locator(".call-bar")).to_have_attribute("data-state", "talking")
    await page.keyboard.press("F8")
    await expect(page.locator(".sheet.transfer input")).to_be_focused()
    await page.keyboard.type("ben")
    await page.keyboard.press("Enter")
    assert (await desk.command("transfer"))["to"] == "102"
    await desk.change(
        "desk", put={"me": {"me": company.me()}}, remove={"call": ["c1"], "card": ["c1"]}
    )
    await expect(page.locator("rd-idle")).to_be_attached()
    await expect(page.locator("rd-who-panel")).to_have_count(0)
    assert "Chen Wei" not in await page.locator(".call-bar").inner_text()


async def test_a_hostile_name_is_text(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(
        desk,
        customer=company.customer(company.HOSTILE),
        timeline=[
            company.entry(1, "note", company.HOSTILE, company.HOSTILE, company.at(minutes=1))
        ],
    )
    await expect(page.locator("#who-name")).to_have_text(company.HOSTILE)
    await expect(page.locator(".entry-words")).to_have_text(company.HOSTILE)
    assert await page.locator("img").count() == 0
    assert await page.evaluate("window.hacked") is None


async def test_a_refusals_text_is_text_too(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    desk.refuse["pause"] = company.HOSTILE
    await page.keyboard.press("F10")
    await desk.command("pause")
    await expect(page.locator(".toast")).to_contain_text("onerror")
    assert await page.evaluate("window.hacked") is None


async def test_a_lost_delta_is_noticed_and_the_page_equals_a_fresh_one(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await desk.command("subscribe")
    await desk.change("desk", put={"today": {"today": {**company.TODAY, "calls": 32}}}, lost=True)
    await ring(desk)
    await desk.command("subscribe", 2)
    await expect(page.locator("#who-name")).to_have_text("Chen Wei 陈伟")
    await expect(page.locator(".bottom-bar")).to_contain_text("32 calls today")


async def test_a_frame_that_comes_again_changes_nothing(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await desk.command("subscribe")
    await ring(desk)
    await desk.change("desk", remove={"call": ["c1"], "card": ["c1"]})
    await expect(page.locator("rd-idle")).to_be_attached()
    await desk.repeat(
        {"topic": "desk", "seq": 2, "delta": {"set": {"call": {"c1": company.call()}}}}
    )
    await desk.change("desk", put={"today": {"today": {**company.TODAY, "calls": 33}}})
    await expect(page.locator(".bottom-bar")).to_contain_text("33 calls today")
    await expect(page.locator("rd-idle")).to_be_attached()
    assert len([one for one in desk.sent if one["do"] == "subscribe"]) == 1


async def test_a_cut_socket_comes_back_with_what_happened_meanwhile(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await desk.command("subscribe")
    desk.topics["desk"] = company.desk("talking", [company.call(state="talking")], [company.card()])
    await desk.drop()
    await desk.command("subscribe", 2)
    await expect(page.locator(".call-bar")).to_have_attribute("data-state", "talking")
    await expect(page.locator(".stale")).to_have_count(0)


async def test_a_lost_telephone_link_says_since_when(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await desk.change("desk", put={"me": {"me": company.me(stale_since=company.at(minutes=2))}})
    await expect(page.locator(".stale")).to_contain_text("has not been heard since")
    await desk.change("desk", put={"me": {"me": company.me()}})
    await expect(page.locator(".stale")).to_have_count(0)


async def test_a_number_chooses_among_several(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, customer=None)
    await expect(page.locator(".candidate:not(.none)")).to_have_count(3)
    await page.keyboard.press("2")
    sent = await desk.command("choose_customer")
    assert (sent["call_id"], sent["customer_id"]) == ("c1", 2)


async def test_none_of_them_makes_a_new_customer_and_the_form_survives(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await ring(desk, customer=None)
    await expect(page.locator(".candidate.none")).to_be_visible()
    await page.keyboard.press("0")
    await expect(page.locator("rd-new-customer input[name=name]")).to_be_focused()
    await page.keyboard.type("Zhang San 张三")
    await page.reload()
    await expect(page.locator(".candidate.none")).to_be_visible()
    await page.keyboard.press("Alt+0")
    await expect(page.locator("rd-new-customer input[name=name]")).to_have_value("Zhang San 张三")
    await page.keyboard.press("Enter")
    sent = await desk.command("new_customer")
    assert (sent["name"], sent["phone"], sent["language"]) == (
        "Zhang San 张三",
        "+862155550142",
        "zh",
    )


@pytest.mark.parametrize(
    ("kind", "title"),
    [
        ("unknown", "Unknown caller"),
        ("withheld", "Withheld number"),
        ("malformed", "Not a telephone number"),
    ],
)
async def test_who_is_not_known_is_called_so(
    page: Page, desk: FakeDesk, kind: str, title: str
) -> None:
    await open_desk(page, desk)
    await ring(desk, customer=None, candidates=[], number_kind=kind, number_shown="x<b>y")
    await expect(page.locator("#who-name")).to_have_text(title)


async def test_a_note_survives_a_refresh_and_a_refusal(page: Page, desk: FakeDesk) -> None:
    desk.refuse["note"] = "The case was merged meanwhile."
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator("#note")).to_be_visible()
    await page.keyboard.press("n")
    await expect(page.locator("#note")).to_be_focused()
    await page.keyboard.type("Promised 12% off")
    await page.reload()
    await expect(page.locator("#note")).to_have_value("Promised 12% off")
    await page.keyboard.press("n")
    await page.keyboard.press("Control+s")
    await desk.command("note")
    await expect(page.locator(".toast")).to_contain_text("merged meanwhile")
    await expect(page.locator("#note")).to_have_value("Promised 12% off")
    desk.refuse.clear()
    await page.keyboard.press("Control+s")
    assert (await desk.command("note", 2))["case_id"] == 4711
    await expect(page.locator("#note")).to_have_value("")


async def test_offers_are_answered_by_the_keys_one_to_four(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator(".offer.in-hand")).to_be_visible()
    await page.keyboard.press("3")
    sent = await desk.command("offer_outcome")
    assert (sent["product_id"], sent["presentation_id"], sent["outcome"]) == (12, 5, "later")


async def test_no_offer_says_why(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, suggestion={"offers": [], "none_because": "an open complaint comes first"})
    await expect(page.locator(".no-offer")).to_have_text("None: an open complaint comes first")


async def test_wrap_up_counts_down_and_asks_how_it_ended(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    wrapping = company.desk("wrap_up", [company.call(state="wrap_up")], [company.card()])
    await desk.show("desk", wrapping)
    await expect(page.locator("#disposition")).to_be_focused()
    await expect(page.locator(".state-block .big")).to_contain_text("0:4")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".toast")).to_contain_text("how it ended")
    await page.select_option("#disposition", "solved")
    assert (await desk.command("disposition"))["code"] == "solved"
    await desk.change("desk", put={"card": {"c1": company.card(disposition="solved")}})
    await expect(page.locator(".case-meta .chip")).to_have_text("Solved")
    await page.keyboard.press("Control+Enter")
    assert (await desk.command("resolve"))["case_id"] == 4711
    await page.keyboard.press("F10")
    await desk.command("end_wrap_up")


async def test_a_follow_up_is_promised_in_place(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator("#note")).to_be_visible()
    await page.keyboard.press("f")
    await expect(page.locator("#promise")).to_be_focused()
    await page.keyboard.type("Send the credit note")
    await page.get_by_role("button", name="tomorrow 9:00").click()
    await page.get_by_role("button", name="Promise", exact=True).click()
    sent = await desk.command("follow_up")
    assert sent["text"] == "Send the credit note"
    assert sent["due_at"].endswith("Z")


async def test_the_palette_finds_and_never_covers_the_bar(page: Page, desk: FakeDesk) -> None:
    desk.found = {
        "people": [
            {
                "id": 9,
                "name": company.HOSTILE,
                "city": "Lyon",
                "number": "+33",
                "url": "/customers/9",
            }
        ],
        "cases": [],
    }
    await open_desk(page, desk)
    await ring(desk, customer=None, candidates=[], number_kind="unknown")
    await expect(page.locator("#who-name")).to_be_visible()
    await page.keyboard.press("Control+k")
    await expect(page.locator(".palette input")).to_be_focused()
    await page.keyboard.type("img")
    await expect(page.locator(".palette [role=option]").first).to_contain_text("onerror")
    bar = await page.locator(".call-bar").bounding_box()
    sheet = await page.locator(".palette").bounding_box()
    assert bar is not None
    assert sheet is not None
    assert sheet["y"] >= bar["y"] + bar["height"]
    await page.keyboard.press("Enter")
    assert (await desk.command("choose_customer"))["customer_id"] == 9


async def test_a_call_is_handed_on_to_a_queue_by_its_title_in_chinese(
    page: Page, desk: FakeDesk
) -> None:
    desk.boots["desk"] = company.boot("desk", live=desk.live, lang="zh")
    await open_desk(page, desk)
    await desk.change("desk", put={"call": {"c1": company.call(state="talking")}})
    await expect(page.locator(".call-bar")).to_have_attribute("data-state", "talking")
    await page.keyboard.press("F8")
    await page.locator(".sheet.transfer input").fill("售后")
    await page.keyboard.press("Enter")
    assert (await desk.command("transfer"))["to"] == "q-support"


async def test_the_language_changes_without_a_reload(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await page.evaluate("window.same = true")
    await page.locator("#language").click()
    await expect(page.locator(".state-block .state")).to_have_text("空闲")
    assert await page.evaluate("window.same") is True
    assert await page.evaluate("document.documentElement.lang") == "zh-Hans"


async def test_a_session_that_ended_says_so_and_keeps_the_page(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await desk.drop(code=4401)
    await expect(page.locator(".stale")).to_contain_text("Your session ended")
    await expect(page.locator(".agenda > li")).to_have_count(3)


async def test_signing_in_again_elsewhere_brings_the_page_back(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await desk.command("subscribe")
    desk.signed_out = True
    await desk.drop()
    await expect(page.locator(".stale")).to_contain_text("Your session ended")
    desk.signed_out = False
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await desk.command("subscribe", 2)
    await expect(page.locator(".stale")).to_have_count(0)


async def test_an_agent_whose_pause_is_longer_than_agreed_is_told(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    away = company.me("paused", reason="lunch", since=company.at(minutes=31, seconds=10))
    await desk.change("desk", put={"me": {"me": away}})
    await expect(page.locator(".toast")).to_contain_text("longer than agreed")
    state = page.locator(".agent-button [data-state=breach]")
    await expect(state).to_have_text("1 min too long")
    await expect(page.locator(".agent-button")).to_have_attribute("data-state", "paused")
    await desk.change("desk", put={"me": {"me": company.me()}})
    await expect(state).to_have_count(0)
    await expect(page.locator(".toast")).to_have_count(0, timeout=3_000)  # it is back: taken back


async def test_the_call_just_had_takes_a_note_and_goes_by_a_click(
    page: Page, desk: FakeDesk
) -> None:
    """After a transfer the card is gone; what one still knows of the call has its place."""
    await open_desk(page, desk)
    case = company.case("C-2026-004711", "Sales", id=4711, subject_zh="产品与购买")
    last = {"call_id": "c1", "at": company.at(minutes=1), "handed_on": True}
    await desk.change("desk", put={"last": {"last": {**last, "who": "Chen Wei", "case": case}}})
    line = page.locator(".last-call")
    await expect(line).to_contain_text("Handed on")
    link = line.get_by_role("link", name="C-2026-004711")
    await expect(link).to_have_attribute("href", "/cases/C-2026-004711")
    await page.keyboard.press("n")
    await page.keyboard.type("Asks for Friday")
    await page.keyboard.press("Control+s")
    sent = await desk.command("note")
    assert (sent["case_id"], sent["text"]) == (4711, "Asks for Friday")
    await expect(page.locator("#note")).to_have_value("")
    await line.get_by_role("button", name="Done with it").click()
    await desk.command("forget_last")
    await desk.change("desk", remove={"last": ["last"]})
    await expect(line).to_have_count(0)


async def test_the_subject_is_written_in_place(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, case=company.case("C-2026-004711", "Sales", id=4711))
    subject = page.locator("rd-subject")
    await subject.get_by_role("button").click()
    field = subject.get_by_role("textbox", name="Subject")
    await expect(field).to_be_focused()
    await page.keyboard.type("Ten phones")
    await page.keyboard.press("Escape")
    await expect(subject).to_contain_text("Sales")
    await subject.get_by_role("button").click()
    await page.keyboard.type("Ten phones")
    await page.keyboard.press("Enter")
    sent = await desk.command("subject")
    assert (sent["case_id"], sent["subject"]) == (4711, "Ten phones")
    await expect(field).to_have_count(0)


async def test_way_and_subject_are_said_in_the_language_of_the_page(
    page: Page, desk: FakeDesk
) -> None:
    """Also when it is changed in the middle of a call."""
    path = [{"label": "Main menu", "entered": "1", "label_zh": "主菜单"}, {"label": "Old step"}]
    case = company.case("C-2026-004711", "Sales", id=4711, subject_zh="产品与购买")
    await open_desk(page, desk)
    await ring(desk, case=case, path=path)
    await expect(page.locator(".why-line")).to_contain_text("Main menu")
    await expect(page.locator("rd-subject")).to_contain_text("Sales")
    await page.locator("#language").click()
    await expect(page.locator(".why-line")).to_contain_text("主菜单")
    await expect(page.locator(".why-line")).to_contain_text("Old step")
    await expect(page.locator("rd-subject")).to_contain_text("产品与购买")


async def test_only_the_moves_a_case_can_make_can_be_chosen(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, case=company.case("C-2026-004711", "Sales", status="resolved"))
    options = page.locator("select[data-what=status] option")
    await expect(options).to_have_text(["resolved", "open"])


async def test_who_bought_nothing_is_in_no_percentile(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, customer=company.customer(bought=False, value_percentile=1))
    await expect(page.locator("rd-who-panel .facts")).to_contain_text("no purchases yet")
    await expect(page.locator("rd-who-panel .segment")).to_have_count(0)
    await expect(page.locator("rd-who-panel")).not_to_contain_text("%")


async def test_another_language_is_what_the_desk_writes_in_too(page: Page, desk: FakeDesk) -> None:
    """The card and what happened are the server's words: it is asked again, in the new language."""
    await open_desk(page, desk)
    await desk.command("subscribe")
    assert "ringdesk_lang=zh" not in desk.cookies[-1]
    await page.locator("#language").click()
    await desk.command("subscribe", 2)
    assert "ringdesk_lang=zh" in desk.cookies[-1]
    await expect(page.locator(".stale")).to_have_count(0)


async def test_a_panel_that_could_not_be_read_says_so_and_takes_nothing(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    nothing = {"offers": [], "none_because": ""}
    await ring(desk, suggestion=nothing, conversations=[], missing=["offers", "conversations"])
    absent = page.get_by_text("This cannot be shown right now.")
    await expect(absent).to_have_count(2)
    await expect(page.locator("#who-name")).to_be_visible()
    await expect(page.get_by_text("No conversation before")).to_have_count(0)
    # The key has it read again: the desk is asked anew, and this time it is there.
    [shown] = desk.topics["desk"]["card"].values()
    shown["missing"] = []
    await page.get_by_role("button", name="Try again").first.click()
    await desk.command("subscribe", 2)
    await expect(absent).to_have_count(0)


async def test_a_card_says_how_many_there_are_of_what_it_lists(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk, totals={"conversations": 84, "timeline": 200})
    await expect(page.get_by_text("84 conversations before")).to_be_visible()
    shown = await page.locator("ol.conversations > li").count()
    await expect(page.get_by_text(f"{84 - shown} more")).to_be_visible()
    entries = await page.locator("ol.timeline > li.entry").count()
    await expect(page.get_by_text(f"{200 - entries} more")).to_have_count(1)


async def test_what_a_stranger_left_comes_along_by_one_key(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    loose = [company.case("C-2026-000077", "Kettle", id=77)]
    await ring(desk, loose_cases=loose)
    await expect(page.locator("#take-along")).to_be_visible()
    await page.keyboard.press("a")
    assert (await desk.command("take_along"))["call_id"] == "c1"


@pytest.mark.parametrize("ends", ["Enter", "Shift+Tab"])
async def test_by_keys_how_it_ended_is_said_once(page: Page, desk: FakeDesk, ends: str) -> None:
    """A list that is not open changes with each arrow: nothing is chosen before Enter or Tab."""
    await open_desk(page, desk)
    await ring(desk)
    await expect(page.locator("#disposition")).to_be_enabled()
    await page.locator("#disposition").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    chosen = await page.locator("#disposition").input_value()
    assert [one for one in desk.sent if one["do"] == "disposition"] == []
    await page.keyboard.press(ends)
    assert (await desk.command("disposition"))["code"] == chosen
    assert len([one for one in desk.sent if one["do"] == "disposition"]) == 1


async def test_ready_saves_the_note_before_the_next_call_comes(page: Page, desk: FakeDesk) -> None:
    await open_desk(page, desk)
    await ring(desk)
    wrapping = company.desk("wrap_up", [company.call(state="wrap_up")], [company.card()])
    await desk.show("desk", wrapping)
    await page.locator("#note").fill("He sends the invoice again")
    await page.keyboard.press("F10")
    await desk.command("end_wrap_up")
    done = [one["do"] for one in desk.sent if one["do"] in {"note", "end_wrap_up"}]
    assert done == ["note", "end_wrap_up"]
    assert (await desk.command("note"))["text"] == "He sends the invoice again"


async def test_who_cannot_be_reached_is_told_so_instead_of_pausing(
    page: Page, desk: FakeDesk
) -> None:
    await open_desk(page, desk)
    await is_now(page, desk, "unreachable")
    await page.keyboard.press("F10")
    await expect(page.locator(".toast[data-kind=error]")).to_contain_text("no calls come to you")
    await is_now(page, desk, "talking")
    await page.keyboard.press("F10")
    await desk.command("pause")
    await expect(page.locator(".toast").last).to_contain_text("After this call you make a pause")
    assert len([one for one in desk.sent if one["do"] == "pause"]) == 1


@pytest.mark.parametrize("reason", ["missed", "rejected"])
async def test_who_is_not_answering_is_told_why(page: Page, desk: FakeDesk, reason: str) -> None:
    await open_desk(page, desk)
    await is_now(page, desk, "not_answering", reason=reason)
    # The desk says why in its bar, where one has a telephone in the page; the menu's button always.
    words = {"missed": "missed a call", "rejected": "rejected the same call three times"}
    await expect(page.locator(".agent-button")).to_contain_text(words[reason])
    await page.keyboard.press("F10")
    await desk.command("unpause")


async def test_a_colleague_who_calls_is_named(page: Page, desk: FakeDesk) -> None:
    """Not by one's own number, which is what they dialled."""
    await open_desk(page, desk)
    call = company.call(
        "c1", direction="internal", caller_number="102", caller_name="Ben", dialed="101"
    )
    me = company.me("ringing", call_id="c1")
    await desk.change("desk", put={"me": {"me": me}, "call": {"c1": call}})
    await expect(page.locator(".call-who")).to_contain_text("102")
    await expect(page.locator(".call-who")).not_to_contain_text("101")

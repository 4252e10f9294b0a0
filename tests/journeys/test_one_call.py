"""Whole calls: sipp outside, a real Asterisk, our program, an agent's real browser."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.agent import Agent
from tests.journeys.caller import Caller
from tests.journeys.conftest import Dial, SignIn
from tests.journeys.house import House

# All journeys run in one worker and one event loop: they share a house.
pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
HOSTILE = "><img src=x onerror=alert(1)>"


def number() -> str:
    """A caller's number that no other test uses."""
    return f"+49301{uuid.uuid4().int % 10**7:07d}"


async def new_customer(house: House, name: str, phone: str) -> int:
    """A customer who has chosen English before; the id."""
    made = await house.api(
        "POST", "/customers", {"name": name, "phone": phone, "language": "en"}, expect=201
    )
    return int(made["id"])


async def only_call(house: House, caller: str, **wanted: Any) -> Any:
    """The one conversation of this caller, once it is as wanted."""

    def mine(answer: Any) -> list[Any]:
        return [c for c in answer["items"] if c["number"].replace(" ", "") == caller]

    answer = await house.until(
        "/conversations?limit=200",
        lambda a: any(all(c[k] == v for k, v in wanted.items()) for c in mine(a)),
    )
    found = mine(answer)
    assert len(found) == 1, found
    return found[0]


async def press_until_ringing(phone: Caller, key: str, agent: Agent) -> None:
    """As an impatient caller does: the same key again until something happens."""
    for _ in range(30):
        await phone.press(key)
        if await agent.page.locator(".call-bar[data-state=ringing]").count():
            return
    raise AssertionError("the call never came through the menu")


async def test_from_the_menu_to_a_closed_case(house: House, call: Dial, agent: SignIn) -> None:
    """Menu, queue, card while it rings, talk in both directions, wrap-up, case closed."""
    caller = number()
    customer = await new_customer(house, "Chen Wei 陈伟", caller)
    ava = await agent("ava")
    await ava.take_calls()
    page = ava.page

    phone = await call("1000", caller=caller)
    await press_until_ringing(phone, "2", ava)
    await expect(page.locator("#who-name")).to_contain_text("Chen Wei 陈伟")
    await expect(page.locator(".why-line")).to_contain_text("Main menu")
    await ava.answer()

    before = await ava.packets()
    after = await ava.heard(before["received"] + 50)
    assert after["sent"] > before["sent"] + 20
    assert after["energy"] > before["energy"]  # it hears the caller, not only silence
    trunk = await house.rtp_of("carrier")
    assert trunk["received"] > 50
    assert trunk["sent"] > 50

    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")
    await page.fill("#note", "He wants the invoice again.")
    await page.keyboard.press("Control+s")
    await page.locator("#disposition").select_option(index=1)
    await page.keyboard.press("Control+Enter")
    conversation = await only_call(house, caller, outcome="answered")
    case = await house.until(
        f"/cases/{conversation['case_number']}", lambda c: c["case"]["status"] == "resolved"
    )
    assert case["customer"]["id"] == customer
    assert case["disposition"]
    # What the caller chose in the menu, for readers of both languages.
    assert (case["case"]["subject"], case["case"]["subject_zh"]) == ("Service", "售后服务")
    assert "He wants the invoice again." in [entry["text"] for entry in case["timeline"]]
    assert conversation["recordings"]
    assert conversation["agents"] == ["ava"]
    await page.keyboard.press("F10")
    await ava.in_state("available")


async def test_a_caller_who_gives_up_is_a_case_too(house: House, call: Dial) -> None:
    """Nobody is in the queue: the caller waits, hangs up, and is on record."""
    caller = number()
    phone = await call("4000", caller=caller)
    await phone.answered()
    await only_call(house, caller, queue="sales")
    assert await phone.hang_up() == 0
    conversation = await only_call(house, caller, outcome="abandoned")
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    assert len(case["conversations"]) == 1
    assert conversation["waited"] > 0


async def test_a_message_outside_opening_hours_is_a_case(house: House, call: Dial) -> None:
    """Closed: the caller speaks after the tone, presses a key, and the case has the recording."""
    caller = number()
    recordings = house.folder / "data" / "recordings" / "messages"
    before = set(recordings.glob("*"))
    phone = await call("3000", caller=caller)
    await phone.answered()
    await house.until(
        "/conversations?limit=1",
        lambda _: any(f.stat().st_size > 30_000 for f in set(recordings.glob("*")) - before),
    )
    await phone.press("1")
    assert await phone.ended() == 0
    conversation = await only_call(house, caller, outcome="message")
    assert conversation["recordings"]
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    assert "message" in [entry["kind"] for entry in case["timeline"]]


async def test_two_customers_on_one_number(house: House, call: Dial, agent: SignIn) -> None:
    """Both are shown, none is guessed; one key says who it is."""
    caller = number()
    names = {"Maria Vogel", HOSTILE}
    ids = {name: await new_customer(house, name, caller) for name in sorted(names)}
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("2000", caller=caller, name=HOSTILE)
    await ava.in_state("ringing")
    shown = ava.page.locator("ol.candidates")
    for name in names:
        await expect(shown).to_contain_text(name)
    await ava.answer()
    await ava.page.locator("button.candidate", has_text="Maria Vogel").click()
    await expect(ava.page.locator("#who-name")).to_have_text("Maria Vogel")
    conversation = await only_call(house, caller)
    await house.until(
        f"/cases/{conversation['case_number']}",
        lambda c: c["customer"] and c["customer"]["id"] == ids["Maria Vogel"],
    )
    assert await phone.hang_up() == 0
    await ava.in_state("wrap_up")


async def test_a_transfer_moves_the_card(house: House, call: Dial, agent: SignIn) -> None:
    """The second agent's browser gets the card while it rings there, the first one's is cleared."""
    caller = number()
    await new_customer(house, "Lin Fang 林芳", caller)
    ava, ben = await agent("ava"), await agent("ben")
    await ava.take_calls()
    await ben.take_calls()
    phone = await call("2000", caller=caller)
    await ava.answer()
    await expect(ben.page.locator("#who-name")).to_have_count(0)
    await ava.transfer("102")
    await ben.in_state("ringing")
    await expect(ben.page.locator("#who-name")).to_have_text("Lin Fang 林芳")
    await ben.page.keyboard.press("F2")  # an impatient finger: twice is once
    await ben.page.keyboard.press("F2")
    await ben.in_state("talking")
    await ava.in_state("wrap_up")
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")
    await expect(ava.page.locator("#who-name")).to_have_count(0)
    # She still knows something of that call: its case is at hand.
    await expect(ava.page.locator(".last-call")).to_contain_text("Lin Fang 林芳")
    await ava.page.fill("#note", "Asks for Friday.")
    await ava.page.keyboard.press("Control+s")
    await expect(ava.page.locator("#note")).to_have_value("")
    assert await phone.hang_up() == 0
    await ben.in_state("wrap_up")
    conversation = await only_call(house, caller, outcome="answered")
    assert set(conversation["agents"]) == {"ava", "ben"}
    case = await house.api("GET", f"/cases/{conversation['case_number']}")
    assert "Asks for Friday." in [entry["text"] for entry in case["timeline"]]
    await ava.page.get_by_role("button", name="Done with it").click()
    await expect(ava.page.locator(".last-call")).to_have_count(0)


async def test_the_supervisor_sees_it_live(house: House, call: Dial, agent: SignIn) -> None:
    """Queue, call and agent appear on the board without a reload."""
    caller = number()
    sam = await agent("sam", "/board")
    phone = await call("4000", caller=caller)
    await phone.answered()
    calls = sam.page.locator("main")
    await expect(calls).to_contain_text(caller[-7:])
    assert await phone.hang_up() == 0
    await expect(calls).not_to_contain_text(caller[-7:])

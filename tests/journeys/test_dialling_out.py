"""An agent dials: one key, the card from the first ring, "calling" until the other side answers.

Ava has the telephone in her page, Ben a desk phone at an address of its own, and a carrier answers
for everybody outside.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from config.settings import load
from service_desk.actions.staff import create_staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk, connect
from tests.journeys.agent import Agent, sign_in
from tests.journeys.house import PASSWORD, TRUNK, House, settings
from tests.journeys.test_one_call import new_customer, number, only_call
from tests.polling import until
from tests.ports import free_ports
from tests.recordings.phone import Call, Phone

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
NAME = "Greta Hahn"
# Every tone that the page makes, by its frequency.
KEEP_TONES = """
window.tones = [];
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  const made = make.call(this);
  window.tones.push(made);
  return made;
};
"""
RINGS, LINE = 587.33, 425  # Hz: a call comes in; what a line sounds like at the other side
WITHIN = 10.0  # seconds


@dataclass
class Office:
    """The house, the telephones around it, and who has a page open."""

    house: House
    carrier: Phone
    desk_phone: Phone
    browser: Browser
    opened: list[Agent]

    async def page(self, name: str, path: str = "/desk") -> Agent:
        """Somebody signs in and has a page."""
        made = await sign_in(self.browser, self.house, name, path)
        await made.page.add_init_script(KEEP_TONES)
        await made.page.reload()
        self.opened.append(made)
        if name == "ava" and path == "/desk":
            await expect(made.page.locator("#audio")).to_have_attribute(
                "aria-label", "Sound: Telephone ready"
            )
        return made

    async def nobody_calls(self) -> None:
        """No channel is there any more."""
        await until(
            lambda: self.house.asterisk_says("core show channels count"),
            lambda said: "0 active calls" in said and "0 active channels" in said,
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def here(
    tmp_path_factory: pytest.TempPathFactory,
    prompts: Path,
    browser: Browser,
    asterisk: object,
    espeak: str,
) -> AsyncIterator[Office]:
    """A house with a carrier that can be dialled."""
    folder = tmp_path_factory.mktemp("dialling")
    config = settings(folder)
    carrier, desk = free_ports(2)
    config["company"]["country"] = "DE"
    config["trunks"]["carrier"]["dial"] = f"sip:{TRUNK}:{carrier}"
    config["agents"]["ben"]["device"] = {"kind": "contact", "uri": f"sip:ben@127.0.0.13:{desk}"}
    config["agents"]["cat"] = {"extension": "103", "device": {"kind": "phone"}}
    house = House(folder, config)
    await house.furnish(prompts)
    desk_of = Desk(connect(load(house.file).database.url))
    await create_staff(desk_of, name="cat", shown="cat", role="agent", password=PASSWORD, by=SYSTEM)
    await desk_of.close()
    await house.start()
    phones = [
        await Phone("carrier", (TRUNK, carrier), house.sip).plug_in(),
        await Phone("ben", ("127.0.0.13", desk), house.sip).plug_in(),
    ]
    yield Office(house, phones[0], phones[1], browser, [])
    for phone in phones:
        phone.unplug()
    await house.stop()


@pytest_asyncio.fixture(loop_scope="session")
async def office(here: Office) -> AsyncIterator[Office]:
    """The same, with nobody on the telephone before and after."""
    yield here
    for phone in (here.carrier, here.desk_phone):
        phone.drop_all()
    await here.nobody_calls()
    for each in here.opened:
        if each.name != "sam":
            await each.leave_queues()
        await each.close()
    here.opened.clear()


async def dial(agent: Agent, to: str) -> None:
    """F9, the number, Enter: one action."""
    await agent.page.keyboard.press("F9")
    field = agent.page.locator("rd-keypad input")
    await field.fill(to)
    await field.press("Enter")


async def tones(agent: Agent) -> list[float]:
    made: list[float] = await agent.page.evaluate(
        "window.tones.map((one) => Math.round(one.frequency.value * 100) / 100)"
    )
    return made


def on_board(supervisor: Agent, agent: str) -> Any:
    return expect(supervisor.page.locator(f'.agents li:has(.agent-name:text-is("{agent}"))'))


def bar(agent: Agent, state: str) -> Any:
    return expect(agent.page.locator(f".call-bar[data-state={state}]"))


async def reached(office: Office, agent: Agent, to: str) -> Call:
    """It rings at the other side, and at nobody's else."""
    rings = await office.carrier.rings()
    assert rings.invite is not None
    assert to in rings.invite.first
    await agent.in_state("calling")
    return rings


async def test_one_key_dials_and_the_card_is_there_while_it_rings(office: Office) -> None:
    """From the key to the end of the wrap-up: one call of one case, and nothing typed is lost."""
    to = number()
    await new_customer(office.house, NAME, to)
    ava, sam = await office.page("ava"), await office.page("sam", "/board")
    await ava.take_calls()
    queues = await office.house.api("GET", "/queues")
    await dial(ava, to)
    out = await reached(office, ava, to)
    await bar(ava, "calling").to_contain_text("Calling")
    await bar(ava, "calling").to_contain_text(NAME)
    await expect(ava.page.locator("#who-name")).to_have_text(NAME)
    await expect(ava.page.locator("rd-case-panel .case-number")).to_have_count(1)
    await expect(ava.page.locator("button.answer")).to_have_count(0)
    await expect(ava.page.locator("#hang-up")).to_contain_text("F4")
    row = on_board(sam, "ava")
    await row.to_have_attribute("data-state", "calling")
    await expect(sam.page.locator("tr[data-state=calling]")).to_contain_text(NAME)
    # She hears it ring there; nothing rang here.
    heard = await tones(ava)
    assert LINE in heard
    assert RINGS not in heard
    await ava.page.fill("#note", "Half a sent")
    out.answer()
    await ava.in_state("talking")
    await row.to_have_attribute("data-state", "talking")
    before = await ava.packets()
    assert (await ava.heard(before["received"] + 30))["energy"] > before["energy"]
    await ava.page.locator("#note").press_sequentially("ence")
    out.hang_up()
    await ava.in_state("wrap_up")
    await expect(ava.page.locator("#who-name")).to_have_text(NAME)
    await expect(ava.page.locator("#note")).to_have_value("Half a sentence")
    await expect(ava.page.locator("#note")).to_be_focused()
    await ava.page.keyboard.press("F10")
    await ava.in_state("available")
    # Whoever is ready has written what there was to write: the next call may come at once.
    await expect(ava.page.locator(".last-call #note")).to_have_value("")
    conversation = await only_call(office.house, to, outcome="answered")
    assert (conversation["direction"], conversation["agents"]) == ("outbound", ["ava"])
    case = await office.house.api("GET", f"/cases/{conversation['case_number']}")
    assert len(case["conversations"]) == 1
    assert "Half a sentence" in [entry["text"] for entry in case["timeline"]]
    assert await office.house.api("GET", "/queues") == queues


FAILS = (
    ("486 Busy Here", "It is busy there."),
    ("480 Temporarily Unavailable", "Nobody answered."),
    ("503 Service Unavailable", "Not reachable there."),
    ("404 Not Found", "There is nobody at this number."),
)


@pytest.mark.parametrize(("status", "said"), FAILS)
async def test_whom_it_does_not_reach_is_said_and_the_card_stays(
    office: Office, status: str, said: str
) -> None:
    """Until it is closed; no wrap-up, and calls may come meanwhile."""
    to = number()
    await new_customer(office.house, NAME, to)
    ava = await office.page("ava")
    await ava.take_calls()
    await dial(ava, to)
    out = await reached(office, ava, to)
    await ava.page.fill("#note", "Half a sentence")
    out.refuse(status)
    await ava.in_state("available")
    await bar(ava, "ended").to_contain_text(said)
    assert len(await tones(ava)) >= 4  # it rang, and then three of "busy"
    await expect(ava.page.locator("#who-name")).to_have_text(NAME)
    await expect(ava.page.locator("#note")).to_have_value("Half a sentence")
    await ava.page.keyboard.press("Escape")
    await expect(ava.page.locator("#who-name")).to_have_count(0)
    await only_call(office.house, to, outcome="failed")


async def test_a_refresh_in_mid_call_gives_whom_she_called_back(office: Office) -> None:
    """It goes on where it was, and there is one wrap-up, at its end."""
    to = number()
    ava = await office.page("ava")
    await ava.take_calls()
    await dial(ava, to)
    (await reached(office, ava, to)).answer()
    await ava.in_state("talking")
    await ava.page.fill("#note", "Half a sentence")
    await ava.page.reload(wait_until="commit")
    await ava.in_state("talking")
    await expect(ava.page.locator("#note")).to_have_value("Half a sentence")
    before = await ava.packets()
    await ava.heard(before["received"] + 30)
    await ava.page.keyboard.press("F4")
    await ava.in_state("wrap_up")
    await only_call(office.house, to, outcome="answered")


async def test_who_hangs_up_before_anybody_answers_has_cancelled_it(office: Office) -> None:
    to = number()
    ava = await office.page("ava")
    await dial(ava, to)
    out = await reached(office, ava, to)
    await bar(ava, "calling").to_contain_text("Unknown number")
    await expect(ava.page.locator("rd-timeline")).to_contain_text("Call to +49")
    await expect(ava.page.locator("rd-who-panel")).not_to_contain_text("The network says")
    await ava.page.keyboard.press("F4")
    await out.until_over()
    await ava.in_state("signed_out")
    await bar(ava, "ended").to_contain_text("You hung up before anybody answered.")
    await ava.page.locator("#close-call").click()
    await bar(ava, "ended").to_have_count(0)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("0900123456", "Calls to 0900123456 are not allowed here."),
        ("199", "There is nobody at this number."),
        ("101", "That is you."),
        ("q-none", "There is no such queue."),
    ],
)
async def test_what_may_not_be_dialled_is_said_at_once_and_nothing_rings(
    office: Office, to: str, said: str
) -> None:
    """The number stays in its field, to be put right."""
    ava = await office.page("ava")
    await dial(ava, to)
    await expect(ava.page.locator(".toast[data-kind=error]")).to_have_text(said)
    await expect(ava.page.locator("rd-keypad input")).to_have_value(to)
    await ava.in_state("signed_out")
    assert await tones(ava) == []
    assert office.carrier.unexpected == 0
    assert "0 active calls" in await office.house.asterisk_says("core show channels")


async def test_two_at_once_are_one(office: Office) -> None:
    """A double press, and another number while it rings and while they talk."""
    to, other = number(), number()
    ava = await office.page("ava")
    await ava.page.keyboard.press("F9")
    field = ava.page.locator("rd-keypad input")
    await field.fill(to)
    await asyncio.gather(field.press("Enter"), field.press("Enter", timeout=2_000))
    out = await reached(office, ava, to)
    for state, said in (
        ("calling", "You are calling somebody already."),
        ("talking", "You are on a call already."),
    ):
        if state == "talking":
            out.answer()
        await ava.in_state(state)
        refused = await ava.page.evaluate(
            """async (to) => {
              const desk = document.querySelector("rd-desk").desk;
              await desk.dial(to);
              return [...document.querySelectorAll(".toast[data-kind=error]")].at(-1)?.textContent;
            }""",
            other,
        )
        assert refused == said
    assert office.carrier.unexpected == 0
    out.hang_up()


async def test_a_colleague_is_called_and_nobody_wraps_up(office: Office) -> None:
    ava, sam = await office.page("ava"), await office.page("sam", "/board")
    await ava.take_calls()
    await ava.page.locator("rd-idle li", has_text="102").get_by_role("button").click()
    rings = await office.desk_phone.rings()
    await ava.in_state("calling")
    await bar(ava, "calling").to_contain_text("ben")
    row = on_board(sam, "ben")
    await row.to_have_attribute("data-state", "ringing")
    await expect(sam.page.locator("tr[data-state=ringing]")).to_contain_text("ava → 102")
    await expect(ava.page.locator("rd-idle")).to_have_count(1)  # no customer, no card
    rings.answer()
    await ava.in_state("talking")
    await row.to_have_attribute("data-state", "talking")
    rings.hang_up()
    await ava.in_state("available")
    await row.to_have_attribute("data-state", "signed_out")


async def test_a_colleague_who_is_busy(office: Office) -> None:
    ava = await office.page("ava")
    await dial(ava, "102")
    (await office.desk_phone.rings()).refuse("486 Busy Here")
    await bar(ava, "ended").to_contain_text("It is busy there.")
    await bar(ava, "ended").to_contain_text("ben")


async def test_a_queue_is_called_until_somebody_takes_it(office: Office) -> None:
    """It answers at once, and nobody talks yet; who called does not wrap up."""
    ava, ben = await office.page("ava"), await office.page("ben")
    await ben.take_calls()
    await dial(ava, "q-support")
    rings = await office.desk_phone.rings()
    await ava.in_state("calling")
    await bar(ava, "calling").to_have_count(1)
    await ben.in_state("ringing")
    rings.answer()
    await ava.in_state("talking")
    rings.hang_up()
    await ava.in_state("signed_out")
    await ben.in_state("wrap_up")


async def test_a_desk_phone_that_dials_by_itself_is_calling_too(office: Office) -> None:
    to = number()
    await new_customer(office.house, NAME, to)
    ben = await office.page("ben")
    await ben.take_calls()
    phone = office.desk_phone.dial(to.replace("+", "%2B"))
    out = await reached(office, ben, to)
    await expect(ben.page.locator("#who-name")).to_have_text(NAME)
    out.answer()
    await ben.in_state("talking")
    phone.hang_up()
    await ben.in_state("wrap_up")
    await expect(ben.page.locator("#who-name")).to_have_text(NAME)


async def test_a_desk_phone_shows_whom_the_page_calls(office: Office) -> None:
    """It rings first, by the number and the name of whom it is to reach; then it rings there."""
    to = number()
    await new_customer(office.house, NAME, to)
    ben = await office.page("ben")
    await ben.take_calls()
    await dial(ben, to)
    own = await office.desk_phone.rings()
    assert own.invite is not None
    assert own.invite.get("From").startswith(f'"{NAME}" <sip:{to}@')
    await ben.in_state("calling")
    await expect(ben.page.locator("#who-name")).to_have_text(NAME)
    own.answer()
    out = await reached(office, ben, to)
    assert out.invite is not None
    assert "<sip:102@" in out.invite.get("From")  # to others it is Ben who calls
    out.refuse("486 Busy Here")
    await bar(ben, "calling").to_contain_text("It is busy there.")  # while he hears it
    await own.until_over()
    await ben.in_state("available")
    await bar(ben, "ended").to_contain_text("It is busy there.")
    await expect(ben.page.locator("#who-name")).to_have_text(NAME)


async def test_a_desk_phone_that_is_away_is_said_to_be(office: Office) -> None:
    """It never registered, and no queue knows of it: only that nothing rings tells."""
    cat = await office.page("cat")
    await dial(cat, number())
    await expect(cat.page.locator(".toast[data-kind=error]")).to_have_text(
        "Your own telephone cannot be reached right now."
    )
    assert office.carrier.unexpected == 0


async def test_a_desk_phone_that_is_not_taken_up_dials_nobody(office: Office) -> None:
    to = number()
    ben = await office.page("ben")
    await dial(ben, to)
    own = await office.desk_phone.rings()
    await ben.in_state("calling")
    await ben.page.keyboard.press("F4")
    await own.until_over()
    await ben.in_state("signed_out")
    assert office.carrier.unexpected == 0

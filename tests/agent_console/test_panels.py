"""A panel that cannot be read says so on its page, in the reader's language, and takes nothing."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import insert, text
from structlog.testing import capture_logs

from agent_console import panels as aside_panels
from agent_console import reading
from agent_console.i18n import load
from agent_console.live.alarms import Alarms
from agent_console.live.cards import Cards
from agent_console.live.hub import Hub
from agent_console.live.screens import Screens
from agent_console.live.today import Today
from agent_console.tasks import Tasks
from service_desk.actor import SYSTEM
from service_desk.model import Conversation
from service_desk.sales.products import create_product
from service_desk.sales.purchases import create_purchase
from service_desk.views import CustomerCard
from tests.agent_console.conftest import Open, context_for
from tests.agent_console.office import Office, a_call
from tests.agent_console.test_live_cards import card
from tests.polling import until

SAID = "This cannot be shown right now."


async def away(office: Office, table: str) -> None:
    async with office.desk.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO away_{table}"))


@pytest.mark.parametrize(
    ("table", "heading"),
    [
        ("pair_count", "Offer"),
        ("customer_worth", "Value"),
        ("follow_up", "Promised"),
        ("purchase", "Products"),
        ("recording", "Conversations"),
    ],
)
async def test_a_customers_page_says_what_is_not_there(
    office: Office, door: Open, table: str, heading: str
) -> None:
    await office.take(*a_call())
    if table == "pair_count":
        await buy(office)
    await away(office, table)
    browser = await door("ava")
    answer = await browser.get(f"/customers/{office.customer_id}")
    page = await answer.text()
    assert answer.status == 200
    assert SAID in page.split(heading, 1)[1][:200]


async def buy(office: Office) -> None:
    """Else there are no pairs to be asked for."""
    made = await create_product(office.desk, sku="K", name_en="Kettle", price=1, by=SYSTEM)
    assert made
    await create_purchase(
        office.desk, customer_id=office.customer_id, sku="K", bought_at=datetime.now(UTC), by=SYSTEM
    )


@pytest.mark.parametrize("table", ["leg", "case_entry", "follow_up", "draft", "disposition"])
async def test_a_cases_page_says_what_is_not_there(office: Office, door: Open, table: str) -> None:
    await office.take(*a_call())
    await away(office, table)
    answer = await (await door("ava")).get("/cases/1")
    page = await answer.text()
    assert answer.status == 200
    assert SAID in page or "What you typed here before" in page


async def test_the_desk_opens_without_its_words_for_how_calls_end(
    office: Office, door: Open
) -> None:
    await away(office, "disposition")
    answer = await (await door("ava")).get("/desk")
    assert answer.status == 200
    assert '"missing": ["dispositions"]' in await answer.text()


async def test_a_day_without_its_promises_still_counts_calls(office: Office, tmp_path: Any) -> None:
    await away(office, "follow_up")
    day = await reading.today(context_for(tmp_path, desk=office.desk), "ava")
    assert set(day["missing"]) == {"today", "agenda"}


def test_it_is_said_in_chinese_too() -> None:
    assert load("zh").say(SAID) == "此内容暂时无法显示。"


class Broken:
    """Something that fails as nobody foresaw, and then does not."""

    def __init__(self, times: int, answer: Any) -> None:
        self.left, self.answer = times, answer

    async def read(self, *_asked: Any) -> Any:
        if self.left:
            self.left -= 1
            raise KeyError("a caller's words")
        return self.answer


async def test_a_card_that_failed_for_whatever_reason_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent_console.live.cards.PAUSE", 0.0)
    tasks, source = Tasks(), Broken(2, card("a", "en"))
    cards = Cards(source.read, lambda _call: None, tasks)
    with capture_logs() as logs:
        cards.want("a", "en")
        await tasks.idle()
    assert isinstance(cards.get("a", "en"), CustomerCard)
    assert "caller's words" not in str(logs)


async def test_a_day_that_failed_for_whatever_reason_is_read_when_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent_console.live.today.GATHER", 0.0)
    tasks, source = Tasks(), Broken(1, {"calls": 3})
    today = Today(source.read)
    today.listen(lambda _agent: None, tasks)
    for _ in range(2):
        today.want("ava")
        await tasks.idle()
    assert today.of("ava") == {"calls": 3}


async def test_a_board_without_its_alarms_says_so_until_they_are_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agent_console.live.alarms.RETRY", 0.0)
    monkeypatch.setattr("agent_console.live.alarms.GATHER", 0.0)
    tasks, source = Tasks(), Broken(2, {"disk_full": {}})
    seen: list[bool] = []
    alarms = Alarms(source.read, lambda: seen.append(alarms.missing), tasks)
    alarms.want()
    await tasks.idle()
    assert seen == [True, False]
    assert alarms.on == {"disk_full": {}}


async def test_a_page_says_how_many_there_are_and_leads_to_the_rest(
    office: Office, door: Open
) -> None:
    async with office.desk.write(by=SYSTEM) as uow:
        at = office.desk.clock.now()
        row = {"customer_id": office.customer_id, "arrived_at": at, "direction": "inbound"}
        await uow.execute(insert(Conversation), [{**row, "call_id": f"c{n}"} for n in range(103)])
    browser = await door("ava")
    page = await (await browser.get(f"/customers/{office.customer_id}")).text()
    assert "100 of 103 are shown." in page
    assert 'href="?show=2"' in page
    page = await (await browser.get(f"/customers/{office.customer_id}?show=2")).text()
    assert "are shown." not in page
    for wrong in ("0", "x", "9" * 30, "-1"):
        answer = await browser.get(f"/customers/{office.customer_id}?show={wrong}")
        assert answer.status == 200


async def test_a_page_comes_without_a_panel_that_hangs_and_has_a_key_to_try_again(
    office: Office, door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.take(*a_call())
    hangs = asyncio.Event()

    async def endless(*_asked: object, **_more: object) -> Any:
        await hangs.wait()

    monkeypatch.setattr(aside_panels, "PANEL_SECONDS", 0.2)
    monkeypatch.setattr(reading, "dispositions", endless)
    browser = await door("ava")
    async with asyncio.timeout(8):
        page = await (await browser.get("/cases/1")).text()
    assert re.search(rf'{re.escape(SAID)} <a href="">Try again</a>', page)
    monkeypatch.undo()
    assert SAID not in await (await browser.get("/cases/1")).text()


async def test_a_desk_that_asks_anew_has_a_card_read_again_that_lacks_something(
    office: Office, tmp_path: Any
) -> None:
    """The key on the desk: it subscribes once more. A whole card is not read for it."""
    whole = card("call-1", "en")
    answers = iter([structs.replace(whole, missing=("products",)), whole])
    built: asyncio.Queue[str] = asyncio.Queue()

    async def build(call_id: str, _language: str) -> CustomerCard:
        built.put_nowait(call_id)
        return next(answers)

    async def day(_agent: str) -> dict[str, Any]:
        return {}

    async def names() -> dict[str, str]:
        return {}

    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    screens = Screens(context, Hub(), build_card=build, today=Today(day), names=names)
    for fact in a_call()[:-1]:
        screens.on_fact(fact)
    async with asyncio.timeout(8):
        screens.cards.want("call-1", "en")
        for _ in range(2):
            assert await built.get() == "call-1"
            await until(lambda: _shown(screens), lambda shown: shown is not None)
            screens.watch_desk("ava", "en")
    assert built.empty()
    await screens.close()


async def _shown(screens: Screens) -> CustomerCard | None:
    return screens.cards.any("call-1")

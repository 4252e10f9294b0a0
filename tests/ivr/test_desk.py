"""The menu's questions and notes, on a real desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from ivr.desk import Desk
from ivr.desk_port import CallerIdentity, DeskPort, Step, Words
from service_desk.actions import case, customer
from service_desk.actor import SYSTEM
from service_desk.clock import SystemClock
from service_desk.desk import Desk as ServiceDesk
from service_desk.desk import connect
from service_desk.migrations import migrate
from service_desk.model import Case, Conversation, QueueVisit, Recording
from service_desk.settings import DeskSettings

NUMBER = "+49 30 5555 0142"


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[ServiceDesk]:
    """An empty desk on SQLite; service_desk's own tests run on both databases."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = ServiceDesk(connect(url), settings=DeskSettings(region="DE"))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def menu(business: ServiceDesk) -> Desk:
    return Desk(business, limits={"support": 2}, system="pbx")


async def chen(business: ServiceDesk) -> int:
    return await customer.create_customer(
        business, name="Chen Wei", language="zh", phones=[NUMBER], by=SYSTEM
    )


async def test_a_known_number(business: ServiceDesk, menu: DeskPort) -> None:
    who = await chen(business)
    assert await menu.identify("c1", "030 55550142") == CallerIdentity(
        customer_id=who, language="zh", name="Chen Wei", matches=1
    )


async def test_several_and_none(business: ServiceDesk, menu: Desk) -> None:
    await chen(business)
    await chen(business)
    assert await menu.identify("c1", NUMBER) == CallerIdentity(matches=2)
    for number in ("+4930999", "", "anonymous", '"><img>', "x" * 10_000):
        assert await menu.identify("c1", number) == CallerIdentity()


async def test_the_status_of_ones_own_case_only(business: ServiceDesk, menu: Desk) -> None:
    who = await chen(business)
    number = await case.open_case(business, subject="Invoice", customer_id=who, by=SYSTEM)
    found = await menu.case_status(str(number), NUMBER)
    assert found is not None
    assert found.number.endswith(f"{number:06d}")
    assert found.status in ("new", "open")
    assert await menu.case_status(str(number), "+4930999") is None
    assert await menu.case_status(str(number + 1), NUMBER) is None
    assert await menu.case_status("9" * 30, NUMBER) is None


async def test_a_language_is_remembered(business: ServiceDesk, menu: Desk) -> None:
    who = await chen(business)
    await menu.remember_language("c1", who, "en")
    assert (await menu.identify("c1", NUMBER)).language == "en"
    await menu.remember_language("c1", who + 1, "en")  # nobody: logged, not raised
    await menu.remember_language("c1", who, "tlh")
    assert (await menu.identify("c1", NUMBER)).language == "en"


async def test_a_path_and_a_message_make_one_case(business: ServiceDesk, menu: Desk) -> None:
    await menu.note_path("c1", "zh", [Step("Menu", "1", "菜单")], Words("Sales", "销售"))
    await menu.note_path("c1", "zh", [Step("Menu", "1", "菜单"), Step("Message", "4 s")])
    for _ in range(2):  # told again after a time-out: the same message
        await menu.leave_message("c1", "messages/c1.wav", 4.2)

    rows = await business.fetch(
        lambda connection: (
            connection.execute(select(Conversation.path, Conversation.language)).all(),
            connection.execute(select(Case.kind, Case.subject, Case.subject_zh)).all(),
            connection.execute(select(Recording.file, Recording.seconds)).all(),
        )
    )
    assert [tuple(row) for row in rows[0]] == [
        (
            [["Menu", "1", "菜单"], ["Message", "4 s", ""]],
            "zh",
        )
    ]
    assert [tuple(row) for row in rows[1]] == [("message", "Sales", "销售")]
    assert [tuple(row) for row in rows[2]] == [("messages/c1.wav", 4.2)]


async def test_a_queue_is_full_by_its_live_callers(business: ServiceDesk, menu: Desk) -> None:
    now = SystemClock().now()
    async with business.write(by=SYSTEM) as uow:
        for name, outcome in (("a", "live"), ("b", "abandoned"), ("c", "live")):
            row = {"call_id": name, "arrived_at": now, "outcome": outcome}
            await uow.execute(Conversation.__table__.insert(), row)
        for name, left in (("a", None), ("b", None), ("c", now)):
            row = {"call_id": name, "queue": "support", "entered_at": now, "left_at": left}
            await uow.execute(QueueVisit.__table__.insert(), row)
    assert not await menu.queue_is_full("support")
    async with business.write(by=SYSTEM) as uow:
        row = {"call_id": "c", "queue": "support", "entered_at": now + timedelta(seconds=1)}
        await uow.execute(QueueVisit.__table__.insert(), row)
    assert await menu.queue_is_full("support")
    assert not await menu.queue_is_full("sales")

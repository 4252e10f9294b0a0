"""Dialling from the desk: what is asked of the telephone, and what is shown until it is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from agent_console.live.socket import LiveServer
from cti import events as e
from cti.wishes import BoardWanted, CommandDone, MayDial, Originate, Reply, Wish
from service_desk.actions import customer
from service_desk.actor import SYSTEM
from tests.agent_console.conftest import context_for
from tests.agent_console.office import HOSTILE, Office
from tests.agent_console.test_live_desk import Tab, tab

NUMBER = "+4930901820"


@pytest.fixture
async def wishes(office: Office) -> list[Wish]:
    """What the bridge is asked for, the board apart; it says yes."""
    asked: list[Wish] = []

    async def answer(wish: Wish) -> Reply:
        if not isinstance(wish, BoardWanted):
            asked.append(wish)
        return CommandDone(detail=getattr(wish, "to", ""))

    office.bus.serve(answer)
    return asked


@pytest.fixture
async def ava(office: Office, tmp_path: Path, wishes: list[Wish]) -> AsyncIterator[Tab]:
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    async with (
        await LiveServer(context).start("127.0.0.1", 0) as live,
        await tab(office, live) as socket,
    ):
        yield Tab(socket)


async def test_the_page_asks_and_dials_by_itself(ava: Tab, wishes: list[Wish]) -> None:
    answer = await ava.do("dial", to=NUMBER, here=True)
    assert answer["result"] == {"detail": NUMBER}
    assert wishes == [MayDial(agent="ava", to=NUMBER)]


@pytest.mark.parametrize(
    ("to", "name"),
    [(NUMBER, HOSTILE), ("+493055550100", ""), ("102", "ben"), ("q-support", "Support")],
)
async def test_a_desk_phone_is_told_whom_it_is_to_reach(
    ava: Tab, wishes: list[Wish], to: str, name: str
) -> None:
    """A customer, nobody we know, a colleague, a queue."""
    assert (await ava.do("dial", to=to))["ok"] is True
    assert wishes == [Originate(agent="ava", to=to, name=name)]


async def test_a_number_of_several_people_has_no_name(
    ava: Tab, office: Office, wishes: list[Wish]
) -> None:
    await customer.create_customer(office.desk, name="Another", phones=[NUMBER], by=SYSTEM)
    assert (await ava.do("dial", to=NUMBER))["ok"] is True
    assert wishes == [Originate(agent="ava", to=NUMBER)]


def placed(kind: type[Any], **more: Any) -> e.Fact:
    fact: e.Fact = kind(at=datetime.now(UTC), system="s", call_id="call-1", **more)
    return fact


async def test_who_is_called_is_on_the_desk_while_it_rings_and_until_it_is_closed(
    ava: Tab, office: Office
) -> None:
    await ava.do("subscribe", topic="desk")
    await office.take(
        placed(
            e.CallArrived, leg_id="own", channel="PJSIP/ava-1", direction="outbound",
            caller_number="101", caller_name="Ava", dialed=NUMBER, agent="ava",
        )
    )  # fmt: skip
    await ava.until(lambda desk: desk.get("card", {}).get("call-1", {}).get("case"))
    call, card = ava.desk["call"]["call-1"], ava.card()
    assert (call["state"], call["why"], call["dialed"]) == ("calling", "", NUMBER)
    assert (card["customer"]["name"], card["caller_name"]) == (HOSTILE, "")
    office.bus.publish(placed(e.CallNotReached, agent="ava", why="busy"))
    await ava.until(lambda desk: desk["call"]["call-1"]["why"] == "busy")
    await office.take(
        placed(e.LegEnded, leg_id="own", cause=17), placed(e.CallEnded, cause=17, by="system")
    )
    await ava.until(lambda desk: desk["call"]["call-1"]["state"] == "ended")
    case = ava.card()["case"]["id"]
    assert (await ava.do("note", case_id=case, text="Busy, tries again at three"))["ok"] is True
    assert (await ava.do("forget_last"))["ok"] is True
    await ava.until(lambda desk: not desk["call"] and not desk["card"])

"""The screen pop on a real desk: signed in by the form, cards read from the database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect

from agent_console.live.socket import LiveServer
from cti import events as e
from cti.wishes import BoardWanted, CommandDone, Reply, Wish
from service_desk.actions import sessions, staff
from service_desk.queries.agenda import last_call
from tests.agent_console.conftest import context_for
from tests.agent_console.office import HOSTILE, PASSWORD, Office, a_call


class Tab:
    """One browser's tab on the live side."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.desk: dict[str, dict[str, Any]] = {}
        self.number = 0

    async def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 10))
        if "snapshot" in frame:
            self.desk = frame["snapshot"]
        elif "delta" in frame:
            for section, objects in frame["delta"]["set"].items():
                self.desk.setdefault(section, {}).update(objects)
            for section, keys in frame["delta"]["del"].items():
                for key in keys:
                    del self.desk[section][key]
        return frame

    async def do(self, name: str, /, **fields: Any) -> dict[str, Any]:
        self.number += 1
        await self.socket.send(json.dumps({"id": self.number, "do": name, **fields}))
        while (frame := await self.hear()).get("re") != self.number:
            pass
        return frame

    async def until(self, true: Any) -> None:
        while not true(self.desk):
            await self.hear()

    def card(self) -> dict[str, Any]:
        found: dict[str, Any] = self.desk.get("card", {}).get("call-1", {})
        return found


@pytest.fixture
async def live(office: Office, tmp_path: Path) -> AsyncIterator[LiveServer]:
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    async with await LiveServer(context).start("127.0.0.1", 0) as server:
        yield server


async def tab(office: Office, live: LiveServer, name: str = "ava") -> connect:
    session = await staff.sign_in(office.desk, name=name, password=PASSWORD, address="")
    return connect(
        f"ws://127.0.0.1:{live.port}/live",
        additional_headers={"Cookie": f"ringdesk_session={session.token}"},
        origin=f"http://127.0.0.1:{live.port}",  # a plain string serves
        proxy=None,
    )


async def test_who_calls_and_what_happened_before_is_there_while_it_rings(
    office: Office, live: LiveServer
) -> None:
    async with await tab(office, live) as socket:
        ava = Tab(socket)
        assert (await ava.do("subscribe", topic="desk"))["ok"] is True
        await office.take(*a_call()[:4])
        await ava.until(lambda desk: desk.get("card", {}).get("call-1", {}).get("case"))
        assert ava.desk["call"]["call-1"]["state"] == "ringing"
        assert ava.card()["candidates"][0]["name"] == HOSTILE
        assert ava.card()["case"]["status"] == "new"


async def test_everything_an_agent_does_with_a_call_comes_back_on_the_card(
    office: Office, live: LiveServer
) -> None:
    async with await tab(office, live) as socket:
        ava = Tab(socket)
        await ava.do("subscribe", topic="desk")
        await office.take(*a_call())
        await ava.until(lambda desk: desk.get("card", {}).get("call-1", {}).get("case"))
        case_id = ava.card()["case"]["id"]
        call = {"call_id": "call-1"}
        made = await ava.do("new_customer", **call, name="Li Na", city="Xi'an", language="zh")
        customer_id = made["result"]["customer_id"]
        for name, fields in (
            ("note", {"case_id": case_id, "text": HOSTILE}),
            ("priority", {"case_id": case_id, "priority": "high"}),
            ("subject", {"case_id": case_id, "subject": "Ten phones"}),
            ("follow_up", {"case_id": case_id, "text": "call", "due_at": "2030-01-01T10:00:00Z"}),
            ("choose_customer", {**call, "customer_id": office.customer_id}),
            ("choose_customer", {**call, "customer_id": customer_id}),
            ("take_along", call),
            ("choose_customer", {**call, "customer_id": None}),
            ("status", {"case_id": case_id, "status": "waiting"}),
            ("resolve", {"case_id": case_id}),
        ):
            assert (await ava.do(name, **fields))["ok"] is True, name
        await ava.until(
            lambda _: (
                ava.card()["case"]["status"] == "resolved"
                and ava.card()["customer"] is None
                and ava.card()["case"]["priority"] == "high"
                and ava.card()["case"]["subject"] == "Ten phones"
            )
        )
        assert customer_id in [one["customer_id"] for one in ava.card()["candidates"]]
        told = [entry["text"] for entry in ava.card()["timeline"]]
        assert HOSTILE in told
        assert "It is none of the customers we know" in told
        await ava.until(lambda desk: desk["today"]["today"].get("next"))
        assert ava.desk["today"]["today"]["next"]["text"] == "call"


async def test_a_draft_follows_the_agent_to_another_tab_and_goes_with_the_note(
    office: Office, live: LiveServer
) -> None:
    await office.take(*a_call())
    async with await tab(office, live) as one, await tab(office, live) as two:
        first, second = Tab(one), Tab(two)
        await first.do("draft", key="note:1", text="half a sent")
        await second.do("subscribe", topic="desk")
        assert second.desk["draft"]["note:1"]["text"] == "half a sent"
        await first.do("note", case_id=1, text="half a sentence")
        await second.do("subscribe", topic="desk")
        assert second.desk["draft"] == {}


async def test_a_call_can_be_filed_under_an_open_case(office: Office, live: LiveServer) -> None:
    await office.take(*a_call(call_id="old")[:1])
    async with await tab(office, live) as socket:
        ava = Tab(socket)
        await ava.do("subscribe", topic="desk")
        await office.take(*a_call())
        await ava.until(lambda desk: desk.get("card", {}).get("call-1", {}).get("case"))
        answer = await ava.do("file_under", call_id="call-1", case_id=1)
        assert answer["ok"] is True
        await ava.until(lambda _: ava.card()["case"]["id"] == 1)
        wrong = await ava.do("file_under", call_id="call-1", case_id=999)
        assert wrong["error"]["code"] == "not_found"


async def test_nobody_acts_on_a_colleagues_call(office: Office, live: LiveServer) -> None:
    async with await tab(office, live, "ben") as socket:
        ben = Tab(socket)
        await ben.do("subscribe", topic="desk")
        await office.take(*a_call())
        for name, fields in (
            ("hang_up", {}),
            ("transfer", {"to": "102"}),
            ("choose_customer", {"customer_id": office.customer_id}),
            ("new_customer", {"name": "x"}),
            ("file_under", {"case_id": 1}),
            ("offer_outcome", {"product_id": 1, "outcome": "accepted"}),
        ):
            answer = await ben.do(name, call_id="call-1", **fields)
            assert answer["error"]["code"] == "forbidden", name
        assert ben.desk["call"] == {}
        assert ben.desk["card"] == {}


async def test_ending_the_session_on_the_server_ends_the_next_handshake(
    office: Office, live: LiveServer
) -> None:
    session = await staff.sign_in(office.desk, name="ava", password=PASSWORD, address="")
    await sessions.sign_out(office.desk, token=session.token)
    with pytest.raises(Exception, match="403"):
        await connect(
            f"ws://127.0.0.1:{live.port}/live",
            additional_headers={"Cookie": f"ringdesk_session={session.token}"},
            origin=f"http://127.0.0.1:{live.port}",  # a string serves
            proxy=None,
        )


async def test_the_bridges_board_is_asked_for_at_the_start(office: Office, tmp_path: Path) -> None:
    asked = asyncio.Event()
    now = office.desk.clock.now()
    ava = e.LiveAgent(agent="ava", status="paused", since=now, reason="lunch")

    async def bridge(wish: Wish) -> Reply:
        assert isinstance(wish, BoardWanted)
        asked.set()
        return CommandDone(board=msgspec.json.encode(e.BoardSnapshot(agents={"ava": ava})))

    office.bus.serve(bridge)
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    async with await LiveServer(context).start("127.0.0.1", 0) as live:
        await asyncio.wait_for(asked.wait(), 5)
        async with await tab(office, live) as socket:
            page = Tab(socket)
            await page.do("subscribe", topic="desk")
            await page.until(lambda desk: desk["me"]["me"]["status"] == "paused")


async def test_after_a_transfer_a_note_finds_the_call_just_had(
    office: Office, live: LiveServer
) -> None:
    """The case stays at hand, moves with what others do, and goes by a click; the call is not
    theirs any more."""
    async with await tab(office, live) as socket:
        ava = Tab(socket)
        await ava.do("subscribe", topic="desk")
        await office.take(*a_call())
        await ava.until(lambda desk: desk.get("card", {}).get("call-1", {}).get("case"))
        case = ava.card()["case"]
        same = {"at": datetime.now(UTC), "system": "s", "call_id": "call-1"}
        await office.take(
            e.CallTransferred(**same, kind="blind", by="ava", to="102"),
            e.CallReleased(**same, agent="ava", leg_id="call-1-ava", talked=9.0),
        )
        await ava.until(lambda desk: desk.get("last", {}).get("last"))
        assert ava.card() == {}
        shown = ava.desk["last"]["last"]
        assert (shown["handed_on"], shown["who"]) == (True, HOSTILE)
        assert shown["case"]["number"] == case["number"]
        note = {"case_id": shown["case"]["id"], "text": "she wants it by Friday"}
        assert (await ava.do("note", **note))["ok"] is True
        refused = await ava.do("hang_up", call_id="call-1")
        assert refused["error"]["code"] == "forbidden"
        assert (await ava.do("subject", case_id=case["id"], subject="By Friday"))["ok"] is True
        await ava.until(lambda desk: desk["last"]["last"]["case"]["subject"] == "By Friday")
        assert (await ava.do("forget_last"))["ok"] is True
        await ava.until(lambda desk: not desk["last"])


async def test_the_last_call_is_there_again_after_a_restart_until_it_is_noted(
    office: Office, tmp_path: Path
) -> None:
    """Another live process never heard of the call: the database knows it."""
    call = a_call()
    now = call[0].at + timedelta(seconds=3)
    mine = {"at": now, "system": "s", "call_id": "call-1"}
    transfer = e.CallTransferred(**mine, kind="blind", by="ava", to="102")
    over = e.CallReleased(**mine, agent="ava", leg_id="call-1-ava", talked=3.0)
    gone = e.LegEnded(**mine, leg_id="call-1-ava", cause=16, by="transferred")
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    await office.take(*call, transfer, over, gone)
    async with (
        await LiveServer(context).start("127.0.0.1", 0) as live,
        await tab(office, live) as socket,
    ):
        ava = Tab(socket)
        await ava.do("subscribe", topic="desk")
        await ava.until(lambda desk: desk.get("last", {}).get("last"))
        shown = ava.desk["last"]["last"]
        assert (shown["call_id"], shown["handed_on"]) == ("call-1", True)
        assert datetime.fromisoformat(shown["at"]) == now
        case_id = shown["case"]["id"]
        assert await last_call(office.desk, "ben") is None
        await ava.do("note", case_id=case_id, text="sends the papers on Friday")
    assert await last_call(office.desk, "ava") is None


async def test_a_call_that_goes_on_is_nobodys_last(office: Office) -> None:
    await office.take(*a_call())
    assert await last_call(office.desk, "ava") is None

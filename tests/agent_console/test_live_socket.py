"""The live side from outside: handshake, topics, screen pop, commands, clients that misbehave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent_console import reading, sessions, writing
from agent_console.access import Viewer
from agent_console.context import AgentDevice, ConsoleContext, PauseReason, QueueInfo
from agent_console.live import alarms as live_alarms
from agent_console.live import reads, watch
from agent_console.live import socket as live_socket
from cti import events as e
from cti.bus import InProcessBus
from cti.wishes import CommandDone, CommandRefused, Pause, Reply, Wish
from service_desk.actor import Actor
from service_desk.clock import SystemClock
from service_desk.errors import ConversationNotFound, DatabaseAway
from service_desk.events import AlarmsChanged, CardChanged
from service_desk.settings import Title
from service_desk.views import CustomerCard, Suggestion

WHO = {
    "ava-cookie": Viewer(staff_id=1, user="ava", name="Ava", role="agent"),
    "ben-cookie": Viewer(staff_id=2, user="ben", name="Ben", role="agent"),
    "sue-cookie": Viewer(staff_id=3, user="sue", name="Sue", role="supervisor"),
    "root-cookie": Viewer(staff_id=4, user="root", name="Root", role="administrator"),
}


class StillDesk:
    """A desk of which the live side needs only the clock here."""

    clock = SystemClock()


class World:
    """A live server, its bus, and cards that are written down instead of read."""

    def __init__(self, live: live_socket.LiveServer, bus: InProcessBus) -> None:
        self.live = live
        self.bus = bus
        self.now = datetime.now(UTC)
        self.wishes: list[Wish] = []
        self.reply: Reply = CommandDone()
        self.alarms: dict[str, Any] | Exception = {}
        self.watched: list[str] = []
        bus.serve(self._answer)

    async def _answer(self, wish: Wish) -> Reply:
        self.wishes.append(wish)
        return self.reply

    def tell(self, kind: type[e.Fact], /, **fields: Any) -> None:
        self.now += timedelta(milliseconds=5)
        self.bus.publish(kind(at=self.now, system="s", **fields))

    def call(self, call_id: str, agent: str) -> None:
        """A call arrives, waits, and rings this agent."""
        self.tell(
            e.CallArrived, call_id=call_id, leg_id=f"{call_id}-in", channel="PJSIP/t-1",
            direction="inbound", caller_number="+4930123", caller_name="<b>\udcff", dialed="2000",
        )  # fmt: skip
        self.tell(
            e.CallQueued, call_id=call_id, queue="support", position=1, leg_id=f"{call_id}-in"
        )
        self.ring(call_id, agent)

    def ring(self, call_id: str, agent: str) -> None:
        self.tell(
            e.CallOffered, call_id=call_id, agent=agent, leg_id=f"{call_id}-{agent}",
            queue="support",
        )  # fmt: skip


class Page:
    """What a browser's tab does with the frames it gets."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.state: dict[str, dict[str, dict[str, Any]]] = {}
        self.seq: dict[str, int] = {}
        self.number = 0

    async def hear(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        topic = frame.get("topic")
        if topic is None:
            return frame
        if "snapshot" in frame:
            self.state[topic] = frame["snapshot"]
        else:
            assert frame["seq"] == self.seq[topic] + 1
            for section, objects in frame["delta"]["set"].items():
                self.state[topic].setdefault(section, {}).update(objects)
            for section, keys in frame["delta"]["del"].items():
                for key in keys:
                    del self.state[topic][section][key]
        self.seq[topic] = frame["seq"]
        return frame

    async def do(self, name: str, /, **fields: Any) -> dict[str, Any]:
        self.number += 1
        await self.socket.send(json.dumps({"id": self.number, "do": name, **fields}))
        while True:
            frame = await self.hear()
            if frame.get("re") == self.number:
                return frame

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(5):
            while not true(self.state):
                await self.hear()


def card(call_id: str, language: str = "en", note: str = "") -> CustomerCard:
    return CustomerCard(
        call_id=call_id, number_kind="unknown", number="+4930123", number_shown="+49 30 123",
        caller_name=note, language=language, dialed="2000", queue="support", waited=None, path=(),
        candidates=(), customer=None, case=None, open_cases=(), timeline=(), conversations=(),
        products=(), promises=(), suggestion=Suggestion(none_because="unknown caller"),
    )  # fmt: skip


@pytest.fixture
def cards() -> dict[str, Any]:
    """Call id -> what building its card gives (or raises); built cards are counted."""
    return {"built": 0, "there": asyncio.Event()}


@pytest.fixture
async def world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cards: dict[str, Any]
) -> AsyncIterator[World]:
    async def by_session(_context: ConsoleContext, token: str, **_more: Any) -> Viewer | None:
        return WHO.get(token)

    async def roles_of(_context: ConsoleContext, tokens: set[str]) -> dict[str, str]:
        return {token: WHO[token].role for token in tokens if token in WHO}

    async def keep_alive(*_args: Any) -> None:
        return None

    def builder(_context: ConsoleContext) -> Any:
        async def build(call_id: str, language: str) -> CustomerCard:
            cards["built"] += 1
            found = cards.get(call_id, card(call_id, language))
            if isinstance(found, Exception):
                raise found
            asyncio.get_running_loop().call_soon(cards["there"].set)
            return found

        return build

    def today(_context: ConsoleContext) -> Any:
        async def read(_agent: str) -> dict[str, Any]:
            return {"calls": 0, "open_cases": 0, "next": None, "agenda": [], "cases": []}

        return read

    monkeypatch.setattr(sessions, "by_session", by_session)
    monkeypatch.setattr(sessions, "roles_of", roles_of)
    monkeypatch.setattr(sessions, "keep_alive", keep_alive)

    async def no_last(_agent: str) -> None:
        return None

    async def no_drafts(*_args: Any) -> dict[str, Any]:
        return {}

    async def watched(_context: ConsoleContext, _what: str, *, by: Actor) -> None:
        if isinstance(alarms[0].alarms, Exception):
            raise alarms[0].alarms
        alarms[0].watched.append(by.name)

    monkeypatch.setattr(writing, "board_watched", watched)
    monkeypatch.setattr(reading, "drafts", no_drafts)
    monkeypatch.setattr(reads, "card_builder", builder)
    monkeypatch.setattr(reads, "today_reader", today)
    monkeypatch.setattr(reads, "names_reader", lambda _context: _names)
    monkeypatch.setattr(reads, "last_reader", lambda _context: no_last)
    alarms: list[World] = []

    async def read_alarms(_context: ConsoleContext) -> dict[str, Any]:
        found = alarms[0].alarms if alarms else {}
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(reading, "alarms", read_alarms)
    monkeypatch.setattr(live_alarms, "GATHER", 0.01)
    monkeypatch.setattr(live_alarms, "RETRY", 0.05)
    bus = InProcessBus()
    context = ConsoleContext(
        desk=StillDesk(),  # only the clock is asked
        bus=bus,
        company="Test",
        sip_secret=lambda _name, _generation: "secret",
        ticket=lambda _name, _until: "ticket",
        recordings=tmp_path,
        origins=("http://{host}:8080",),
        agents={
            "ava": AgentDevice(name="ava", extension="101", queues=("support",)),
            "ben": AgentDevice(name="ben", extension="102", queues=("support",)),
        },
        queues={"support": QueueInfo(name="support", title=Title(en="Support", zh="售后服务"))},
        pause_reasons={"lunch": PauseReason(code="lunch", labels={"en": "Lunch"})},
    )
    async with await live_socket.LiveServer(context).start("127.0.0.1", 0) as live:
        made = World(live, bus)
        alarms.append(made)
        yield made
    await bus.close()


async def _names() -> dict[str, str]:
    return {"ava": "Ava", "ben": "Ben"}


async def to_the_end(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


def dial(
    world: World,
    cookie: str | None,
    origin: str | None = "http://127.0.0.1:8080",
    forwarded: str = "",
) -> connect:
    headers = {"Cookie": f"ringdesk_session={cookie}"} if cookie else {}
    if forwarded:
        headers["X-Forwarded-For"] = forwarded
    return connect(
        f"ws://127.0.0.1:{world.live.port}/live",
        additional_headers=headers,
        origin=origin,  # hostile ones too
        compression=None,
        proxy=None,
    )


@pytest.mark.parametrize(
    ("cookie", "origin"),
    [
        (None, "http://127.0.0.1:8080"),
        ("nobody", "http://127.0.0.1:8080"),
        ("ava-cookie", "http://evil.example"),
        ("ava-cookie", "http://127.0.0.1:8080.evil.example"),
        ("ava-cookie", "null"),
        ("ava-cookie", None),
    ],
)
async def test_the_handshake_refuses_strangers_and_foreign_pages(
    world: World, cookie: str | None, origin: str | None
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await dial(world, cookie, origin)
    assert refused.value.response.status_code == 403


async def test_a_page_of_the_same_host_and_port_may_connect(world: World) -> None:
    async with dial(world, "ava-cookie", f"http://127.0.0.1:{world.live.port}") as socket:
        assert (await Page(socket).do("ping"))["ok"] is True


@pytest.mark.parametrize(
    ("proxies", "address"), [((), "127.0.0.1"), (("127.0.0.0/8",), "192.0.2.7")]
)
async def test_the_audit_names_the_browsers_address_and_not_the_proxys(
    world: World, monkeypatch: pytest.MonkeyPatch, proxies: tuple[str, ...], address: str
) -> None:
    seen: list[str] = []

    async def draft(*_args: Any, by: Actor) -> None:
        seen.append(by.address)

    monkeypatch.setattr(writing, "draft", draft)
    world.live.context = replace(world.live.context, proxies=proxies)
    async with dial(world, "ava-cookie", forwarded="1.1.1.1, 192.0.2.7") as socket:
        assert (await Page(socket).do("draft", key="note:1", text="x"))["ok"] is True
    assert seen == [address]


async def test_the_card_is_on_the_agents_screen_while_it_rings_and_on_no_other(
    world: World,
) -> None:
    async with dial(world, "ava-cookie") as one, dial(world, "ben-cookie") as two:
        ava, ben = Page(one), Page(two)
        await ava.do("subscribe", topic="desk")
        await ben.do("subscribe", topic="desk")
        world.call("c1", "ava")
        await ava.until(lambda s: "c1" in s["desk"]["card"] and "c1" in s["desk"]["call"])
        assert ava.state["desk"]["call"]["c1"]["state"] == "ringing"
        assert ava.state["desk"]["call"]["c1"]["caller_name"] == "<b>\ufffd"
        world.tell(e.CallOfferEnded, call_id="c1", agent="ava", leg_id="c1-ava", reason="no_answer")
        world.ring("c1", "ben")
        await ava.until(lambda s: not s["desk"]["card"] and not s["desk"]["call"])
        await ben.until(lambda s: "c1" in s["desk"]["card"])
        assert ben.state["desk"]["me"]["me"]["name"] == "Ben"


async def test_after_a_transfer_the_second_agent_has_the_card_and_the_first_has_not(
    world: World,
) -> None:
    async with dial(world, "ava-cookie") as one, dial(world, "ben-cookie") as two:
        ava, ben = Page(one), Page(two)
        await ava.do("subscribe", topic="desk")
        await ben.do("subscribe", topic="desk")
        world.call("c1", "ava")
        world.tell(e.CallAnswered, call_id="c1", agent="ava", leg_id="c1-ava", queue="support")
        await ava.until(lambda s: s["desk"]["call"].get("c1", {}).get("state") == "talking")
        world.tell(e.CallTransferred, call_id="c1", kind="blind", by="ava", to="102")
        world.tell(e.CallReleased, call_id="c1", agent="ava", leg_id="c1-ava", talked=3.0)
        world.ring("c1", "ben")
        await ben.until(lambda s: "c1" in s["desk"]["card"])
        await ava.until(lambda s: "c1" not in s["desk"]["card"])


async def test_a_changed_card_is_read_again(world: World, cards: dict[str, Any]) -> None:
    async with dial(world, "ava-cookie") as one:
        ava = Page(one)
        await ava.do("subscribe", topic="desk")
        world.call("c1", "ava")
        await ava.until(lambda s: "c1" in s["desk"]["card"])
        cards["c1"] = card("c1", note="renewed")
        world.bus.publish(CardChanged(at=world.now, call_id="c1"))
        await ava.until(lambda s: s["desk"]["card"]["c1"]["caller_name"] == "renewed")


async def test_a_card_read_before_the_call_is_written_comes_with_card_changed(
    world: World, cards: dict[str, Any]
) -> None:
    cards["c1"] = ConversationNotFound("not yet")
    async with dial(world, "ava-cookie") as one:
        ava = Page(one)
        await ava.do("subscribe", topic="desk")
        world.call("c1", "ava")
        await ava.until(lambda s: "c1" in s["desk"]["call"])
        assert "c1" not in ava.state["desk"]["card"]
        cards["c1"] = card("c1")
        world.bus.publish(CardChanged(at=world.now, call_id="c1"))
        await ava.until(lambda s: "c1" in s["desk"]["card"])


async def test_a_database_that_is_away_delays_the_card_and_nothing_else(
    world: World, cards: dict[str, Any]
) -> None:
    cards["c1"] = DatabaseAway("locked")
    async with dial(world, "ava-cookie") as one:
        ava = Page(one)
        await ava.do("subscribe", topic="desk")
        world.call("c1", "ava")
        await ava.until(lambda s: "c1" in s["desk"]["call"])
        cards["c1"] = card("c1")
        await ava.until(lambda s: "c1" in s["desk"]["card"])


async def test_the_card_is_ready_before_it_rings(world: World, cards: dict[str, Any]) -> None:
    async with dial(world, "ava-cookie") as one:
        ava = Page(one)
        await ava.do("subscribe", topic="desk")
        world.tell(
            e.CallArrived, call_id="c1", leg_id="in", channel="PJSIP/t-1", direction="inbound",
            caller_number="1", caller_name="", dialed="2000",
        )  # fmt: skip
        world.tell(e.CallQueued, call_id="c1", queue="support", position=1, leg_id="in")
        await asyncio.wait_for(cards["there"].wait(), 5)
        world.ring("c1", "ava")
        frame = await ava.hear()
        while "call" not in frame["delta"]["set"]:
            frame = await ava.hear()
        assert "c1" in frame["delta"]["set"]["card"]
        assert cards["built"] == 1


async def test_deltas_equal_a_fresh_snapshot_on_both_topics(world: World) -> None:
    async with dial(world, "sue-cookie") as one, dial(world, "ava-cookie") as two:
        sue, ava = Page(one), Page(two)
        await sue.do("subscribe", topic="board")
        await ava.do("subscribe", topic="desk")
        world.call("c1", "ava")
        world.tell(e.CallAnswered, call_id="c1", agent="ava", leg_id="c1-ava", queue="support")
        world.call("c2", "ben")
        world.tell(e.AgentChanged, agent="ava", status="talking", since=world.now, call_id="c1")
        await sue.until(
            lambda s: (
                s["board"]["agents"]["ava"]["status"] == "talking" and "c2" in s["board"]["calls"]
            )
        )
        await ava.until(lambda s: "c1" in s["desk"]["card"])
        async with dial(world, "sue-cookie") as three, dial(world, "ava-cookie") as four:
            fresh_sue, fresh_ava = Page(three), Page(four)
            await fresh_sue.do("subscribe", topic="board")
            await fresh_ava.do("subscribe", topic="desk")
            await sue.do("ping")
            await ava.do("ping")
            assert sue.state["board"] == fresh_sue.state["board"]
            fresh_ava.state["desk"].pop("draft", None)
            ava.state["desk"].pop("draft", None)
            assert ava.state["desk"] == fresh_ava.state["desk"]


async def test_the_board_tells_queues_agents_calls_and_a_lost_link(world: World) -> None:
    async with dial(world, "sue-cookie") as one:
        sue = Page(one)
        await sue.do("subscribe", topic="board")
        assert sue.state["board"]["queues"]["support"]["label"] == {
            "en": "Support",
            "zh": "售后服务",
        }
        world.call("c1", "ava")
        await sue.until(lambda s: "c1" in s["board"]["calls"])
        assert sue.state["board"]["queues"]["support"]["longest_since"] is not None
        world.tell(e.LinkLost, why="gone")
        await sue.until(lambda s: s["board"]["link"]["link"]["stale_since"] is not None)


async def test_who_watches_the_floor_is_kept_and_sees_it_also_without_a_database(
    world: World,
) -> None:
    async with dial(world, "sue-cookie") as one, dial(world, "ava-cookie") as two:
        assert (await Page(one).do("subscribe", topic="board"))["ok"] is True
        assert (await Page(two).do("subscribe", topic="desk"))["ok"] is True
        assert world.watched == ["sue"]
        world.alarms = DatabaseAway("away")
        assert (await Page(one).do("subscribe", topic="board"))["ok"] is True


async def test_an_agent_is_refused_the_board(world: World) -> None:
    async with dial(world, "ava-cookie") as one:
        answer = await Page(one).do("subscribe", topic="board")
    assert answer["error"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("fly", {}, "bad_request"),
        ("subscribe", {"topic": "others"}, "bad_request"),
        ("subscribe", {}, "bad_request"),
        ("pause", {"reason": "because"}, "bad_request"),
        ("dial", {"to": "1&2\r\n"}, "bad_request"),
        ("hang_up", {"call_id": "not-mine"}, "forbidden"),
        ("transfer", {"call_id": "not-mine", "to": "102"}, "forbidden"),
        ("note", {"case_id": "1; drop", "text": "x"}, "bad_request"),
        ("hold_phone", {"browser": ""}, "bad_request"),
        ("hold_phone", {"browser": "two\nlines"}, "bad_request"),
    ],
)
async def test_wrong_commands_get_an_answer_and_the_socket_lives_on(
    world: World, name: str, fields: dict[str, Any], code: str
) -> None:
    async with dial(world, "ava-cookie") as one:
        page = Page(one)
        answer = await page.do(name, **fields)
        assert (answer["ok"], answer["error"]["code"]) == (False, code)
        assert (await page.do("ping"))["ok"] is True
    assert world.wishes == [] or not isinstance(world.wishes[-1], Pause)


DEEP = '{"id": 1, "do": "ping", "x": ' + "[" * 30_000 + "]" * 30_000 + "}"


@pytest.mark.parametrize(
    "message", ["", "{", "[]", '{"do": 1}', b"\xff\xfe", '{"id": -1}', DEEP, "[" * 60_000]
)
async def test_garbage_is_answered_and_the_socket_lives_on(
    world: World, message: str | bytes
) -> None:
    async with dial(world, "ava-cookie") as one:
        await one.send(message)
        page = Page(one)
        assert (await page.hear())["error"]["code"] == "bad_request"
        assert (await page.do("ping"))["ok"] is True


async def test_a_wish_goes_to_the_bridge_and_its_refusal_comes_back(world: World) -> None:
    async with dial(world, "ava-cookie") as one:
        page = Page(one)
        assert (await page.do("pause", reason="lunch"))["ok"] is True
        assert world.wishes[-1] == Pause(agent="ava", reason="lunch")
        world.reply = CommandRefused(reason="not now")
        answer = await page.do("unpause")
        assert answer["error"] == {"code": "refused", "message": "not now"}
        world.reply = CommandRefused(
            reason="The settings keep you in {queue} for good.", values={"queue": "support"}
        )
        answer = await page.do("sign_out")
        assert answer["error"]["message"] == "The settings keep you in Support for good."


async def test_a_call_of_ones_own_can_be_hung_up_a_colleagues_cannot(world: World) -> None:
    world.call("c1", "ava")
    async with dial(world, "ava-cookie") as one, dial(world, "ben-cookie") as two:
        assert (await Page(one).do("hang_up", call_id="c1"))["ok"] is True
        assert (await Page(two).do("hang_up", call_id="c1"))["error"]["code"] == "forbidden"


async def test_a_socket_whose_session_ended_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "RECHECK", 0.01)
    async with dial(world, "ava-cookie") as one:
        assert (await Page(one).do("ping"))["ok"] is True
        monkeypatch.delitem(WHO, "ava-cookie")
        with pytest.raises(ConnectionClosed) as closed:
            await asyncio.wait_for(one.recv(), 5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == live_socket.SIGN_IN_AGAIN


@pytest.mark.parametrize("cookie", [None, "sue-cookie"])
async def test_each_command_asks_whether_its_sender_may_still(
    world: World, monkeypatch: pytest.MonkeyPatch, cookie: str | None
) -> None:
    """A session that is over, or has another role, writes nothing more, though nobody told us."""
    monkeypatch.setattr(watch, "RECHECK", 60.0)
    async with dial(world, "ava-cookie") as one:
        page = Page(one)
        assert (await page.do("unpause"))["ok"] is True
        if cookie is None:
            monkeypatch.delitem(WHO, "ava-cookie")
        else:
            monkeypatch.setitem(WHO, "ava-cookie", WHO[cookie])
        before = list(world.wishes)
        with pytest.raises(ConnectionClosed) as closed:
            await page.do("pause", reason="lunch")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == live_socket.SIGN_IN_AGAIN
        assert world.wishes == before


async def test_a_database_that_is_away_signs_nobody_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The telephone is served, and is not kept waiting at each command."""
    asked: list[str] = []

    async def away(_context: ConsoleContext, token: str, **_more: Any) -> Viewer | None:
        asked.append(token)
        raise DatabaseAway("away")

    async with dial(world, "ava-cookie") as one:
        page = Page(one)
        assert (await page.do("ping"))["ok"] is True
        monkeypatch.setattr(sessions, "by_session", away)
        for _ in range(3):
            assert (await page.do("unpause"))["ok"] is True
    assert asked == ["ava-cookie"]


async def test_a_page_that_never_says_what_it_wants_is_let_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_socket, "FIRST", 0.05)
    async with dial(world, "ava-cookie") as one:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(one.recv(), 5)


async def test_a_client_that_is_cut_loses_its_socket_and_its_place(world: World) -> None:
    """And is counted: among those that are there, then among those that were cut."""
    async with dial(world, "ava-cookie") as one, dial(world, "ben-cookie") as other:
        await Page(one).do("subscribe", topic="desk")
        await Page(other).do("ping")
        assert (world.live.clients, world.live.cut) == (2, 0)
        (client,) = world.live.hub._clients[next(iter(world.live.hub._clients))]
        client.close("too slow")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(to_the_end(one), 5)
        assert (world.live.clients, world.live.cut) == (1, 1)
    assert world.live.hub.owners("desk") == []


async def test_alarms_come_and_go_on_the_board_and_on_no_desk(world: World) -> None:
    """A supervisor and an administrator see them; a database that is away takes none away."""
    disk = {"kind": "disk_full", "count": 1, "since": "2026-11-22T10:00:00Z", "newest": []}

    def changed(on: dict[str, Any] | Exception) -> None:
        world.alarms = on
        world.bus.publish(AlarmsChanged(at=world.now, system="s"))

    async with (
        dial(world, "sue-cookie") as of_sue,
        dial(world, "root-cookie") as of_root,
        dial(world, "ava-cookie") as of_ava,
    ):
        sue, root, ava = Page(of_sue), Page(of_root), Page(of_ava)
        await sue.do("subscribe", topic="board")
        await root.do("subscribe", topic="board")
        await ava.do("subscribe", topic="desk")
        assert sue.state["board"]["alarms"] == {}
        changed({"disk_full": disk})
        for page in (sue, root):
            await page.until(lambda s: s["board"]["alarms"] == {"disk_full": disk})
        assert (await ava.do("subscribe", topic="board"))["error"]["code"] == "forbidden"
        assert "alarms" not in ava.state["desk"]
        changed(DatabaseAway("away"))
        world.call("c1", "ava")
        await sue.until(lambda s: "c1" in s["board"]["calls"])
        assert sue.state["board"]["alarms"] == {"disk_full": disk}
        world.alarms = {}  # nobody tells; it is asked again until it answers
        await sue.until(lambda s: s["board"]["alarms"] == {})


async def test_a_desk_is_told_which_browser_holds_the_telephone(world: World) -> None:
    """Every page of the agent, and nobody else's; it is free again when the page is closed."""

    def held_by(who: str) -> Any:
        return lambda state: state["desk"]["phone"]["phone"]["browser"] == who

    async with (
        dial(world, "ava-cookie") as one,
        dial(world, "ava-cookie") as two,
        dial(world, "ben-cookie") as three,
    ):
        first, second, ben = Page(one), Page(two), Page(three)
        for page in (first, second, ben):
            await page.do("subscribe", topic="desk")
        assert (await first.do("hold_phone", browser="office-1"))["result"] == {
            "browser": "office-1"
        }
        await second.until(held_by("office-1"))
        assert (await second.do("hold_phone", browser="home-345"))["result"] == {
            "browser": "office-1"
        }
        await second.do("hold_phone", browser="home-345", take=True)
        await first.until(held_by("home-345"))
        await two.close()
        await first.until(held_by(""))
        assert held_by("")(ben.state)

"""One definition, one number: board, API, figures page and database say the same of a day, also
after what shows it was started anew in the middle of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent_console import reading
from agent_console.context import ConsoleContext
from agent_console.live import reads
from agent_console.live.hub import Hub
from agent_console.live.screens import Screens
from agent_console.live.today import Today
from agent_console.queue_days import longest_since
from cti import events as e
from cti.board import Board
from cti.wishes import CommandDone, Reply, Wish
from service_desk.queries.figures import QueueFigures, queue_figures
from tests.agent_console.conftest import Open, Program, context_for
from tests.agent_console.office import Office
from tests.polling import until

COUNTED = ("offered", "answered", "abandoned", "abandoned_late", "turned_away", "in_time")


def visit(name: str, reason: str, waited: float) -> list[e.Fact]:
    """A caller's visit to support, as the telephone tells it."""
    at = datetime.now(UTC)
    same: dict[str, Any] = {"system": "s", "call_id": name}
    left = at + timedelta(seconds=waited)
    facts: list[e.Fact] = [
        e.CallArrived(
            **same, at=at, leg_id=f"{name}-in", channel="PJSIP/t-1", direction="inbound",
            caller_number="+4930901820", caller_name="", dialed="2000",
        ),
        e.CallQueued(**same, at=at, queue="support", position=1, leg_id=f"{name}-in"),
        e.CallLeftQueue(**same, at=left, queue="support", reason=reason, waited=waited),
    ]  # fmt: skip
    if reason == "answered":
        leg: dict[str, Any] = {"agent": "ava", "leg_id": f"{name}-a"}
        facts.append(e.CallAnswered(**same, **leg, at=left, queue="support", waited=waited))
    facts.append(e.CallEnded(**same, at=left + timedelta(seconds=9), cause=16, by="caller"))
    return facts


MORNING = [("answered", 4.0), ("answered", 30.0), ("abandoned", 3.0), ("abandoned", 50.0)]
AFTERNOON = [
    *[("answered", 9.0), ("timeout", 60.0), ("answered", 20.0), ("abandoned", 21.0)],
    # One too many, and one who came when nobody was there.
    *[("full", 0.0), ("closed", 0.0)],
]


class Bridge:
    """What the telephone's process knows: nothing of before it was started."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.board = Board({"support": 20}, now=datetime.now(UTC), agents=("ava",))
        office.bus.serve(self.answer)

    async def answer(self, _wish: Wish) -> Reply:
        return CommandDone(board=msgspec.json.encode(self.board.snapshot()))

    async def play(self, part: str, visits: list[tuple[str, float]]) -> None:
        for number, (reason, waited) in enumerate(visits):
            facts = visit(f"{part}-{number}", reason, waited)
            for fact in facts:
                self.board.apply(fact)
            await self.office.take(*facts)

    def restart(self) -> None:
        self.board = Board({"support": 20}, now=datetime.now(UTC), agents=("ava",))


async def opened(context: ConsoleContext) -> Screens:
    async def today(_agent: str) -> dict[str, Any]:
        return {}

    async def names() -> dict[str, str]:
        return {}

    screens = Screens(
        context,
        Hub(),
        build_card=reads.card_builder(context),
        today=Today(today),
        names=names,
        days=reads.days_reader(context),
    )
    await screens.start()
    return screens


async def on_board(screens: Screens, offered: int) -> dict[str, Any]:
    """The queue as the board shows it once it has been told of so many visits."""

    async def shown() -> dict[str, Any]:
        queue: dict[str, Any] = screens.board()["queues"]["support"]
        return queue

    def whole(queue: dict[str, Any]) -> bool:
        return bool(queue["offered"] == offered)

    return await until(shown, whole)


async def on_page(door: Open) -> list[str]:
    page = " ".join((await (await (await door("sue")).get("/figures")).text()).split())
    today = re.findall(r"<tbody>(.*?)</tbody>", page)[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", re.sub(r"</?(?:strong|span)[^>]*>", "", today))
    return [cell.strip() for cell in cells]


async def in_database(office: Office) -> QueueFigures:
    [row] = await queue_figures(office.desk, thresholds={"support": 20})
    return row


async def test_board_page_api_and_database_say_the_same_all_day(
    office: Office, door: Open, program: Program, tmp_path: Path
) -> None:
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    bridge = Bridge(office)
    screens = await opened(context)
    try:
        for part, visits in (("am", MORNING), ("pm", AFTERNOON)):
            await bridge.play(part, visits)
            row = await in_database(office)
            board = await on_board(screens, row.offered)
            [api] = (await program.ask("GET", "/queues"))["items"]
            told = {name: getattr(row, name) for name in COUNTED}
            assert {name: board[name] for name in COUNTED} == told
            assert {name: api[name] for name in COUNTED} == told
            assert board["counted_since"] == api["counted_since"]
            *counts, level = (await on_page(door))[:5]
            assert list(map(int, counts)) == [
                row.offered,
                row.answered,
                row.abandoned,
                row.turned_away,
            ]
            share = board["in_time"] / (board["answered"] + board["abandoned_late"])
            assert level.startswith(f"{share * 100:.0f} %")
            assert round(share, 4) == row.service_level
            # At midday everything that keeps something in its memory is started anew.
            await screens.close()
            bridge.restart()
            screens = await opened(context)
            again = await on_board(screens, row.offered)
            assert again == board
            [api] = (await program.ask("GET", "/queues"))["items"]
            assert {name: api[name] for name in COUNTED} == told
    finally:
        await screens.close()
    assert told == {
        "offered": 10,
        "answered": 4,
        "abandoned": 3,
        "abandoned_late": 2,
        "turned_away": 2,
        "in_time": 3,
    }


async def test_a_board_whose_day_cannot_be_read_says_so(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_context: ConsoleContext) -> None:
        raise KeyError("figures")

    monkeypatch.setattr(reading, "queue_day", broken)
    Bridge(office)
    screens = await opened(context_for(tmp_path, desk=office.desk, bus=office.bus))
    try:

        async def missing() -> list[str]:
            found: list[str] = screens.board()["link"]["link"]["missing"]
            return found

        assert await until(missing, bool) == ["figures"]
    finally:
        await screens.close()


def test_the_longest_wait_is_of_who_has_waited_longest() -> None:
    """Not of who is next: who has priority goes before others."""
    now = datetime(2026, 3, 2, 9, tzinfo=UTC)
    board = Board({"support": 20}, now=now)
    for name, place, wait in (("old", 1, 90), ("new", 1, 5)):
        at = now - timedelta(seconds=wait)
        for fact in visit(name, "answered", 1.0)[:2]:
            more = {"position": place} if isinstance(fact, e.CallQueued) else {}
            board.apply(msgspec.structs.replace(fact, at=at, **more))
    seen = board.snapshot()
    assert seen.queues["support"].waiting == ("new", "old")
    since = longest_since(seen.queues["support"], seen.calls)
    assert since == now - timedelta(seconds=90)

"""INVARIANTS 6: the phone menu refuses, is silent, stops or ends in the middle; callers are queued.

Ringdesk runs without its menu; in its place stands whoever misbehaves.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from signal import SIGKILL

import pytest
import pytest_asyncio

from tests.faults.conftest import Check, length
from tests.faults.floor import Floor

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
MENU = "1000"
RATE = 4.0
QUEUED_SECONDS = 3.0
SLACK = 0.5  # until Asterisk has come to the line that sets the clock, and from it to the queue
STEP = 2.0  # seconds the menu said that its step takes, at most

Menu = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes the call and says nothing."""
    await reader.read()


async def half_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins as the menu does, and dies in the middle of a command."""
    await _renew(reader, writer, 60)
    writer.write(b'SET VARIABLE RINGDESK_QUEUE "sa')
    await writer.drain()


async def stopped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begins a step as the menu does, and stands still."""
    await _renew(reader, writer, STEP + QUEUED_SECONDS)
    await reader.read()


async def _renew(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float
) -> None:
    await reader.readuntil(b"\n\n")
    writer.write(f"SET VARIABLE TIMEOUT(absolute) {seconds:g}\n".encode())
    await reader.readline()


@contextlib.asynccontextmanager
async def in_its_place(port: int, menu: Menu | None) -> AsyncIterator[None]:
    """Who answers at the menu's port; nobody: refused."""
    if menu is None:
        yield
        return

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await menu(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


@pytest_asyncio.fixture(loop_scope="session")
async def without_menu(floor: Floor) -> AsyncIterator[Floor]:
    """The floor as it is when the menu's process is not there."""
    await floor.stop_by(SIGKILL)
    await floor.house.start("serve", "--without", "ivr")
    yield floor
    await floor.stop_by(SIGKILL)
    await floor.start_again()


async def test_callers_reach_the_queue_without_the_menu(without_menu: Floor, check: Check) -> None:
    """Refused, silent, ended or stopped in the middle: in the queue in time, answered, one case."""
    check.of(6, "FastAGI refused, silent, EOF half-way, stopped in a step")
    floor = without_menu
    port = int(floor.house.config["asterisk"]["agi"]["port"])
    in_time: dict[str, float] = {"refused": QUEUED_SECONDS, "silent": QUEUED_SECONDS}
    in_time |= {"half_way": QUEUED_SECONDS, "stopped": STEP + QUEUED_SECONDS}
    menus: dict[str, Menu | None] = {"refused": None, "silent": silent}
    menus |= {"half_way": half_way, "stopped": stopped}
    latest: dict[str, float] = {}
    for name, menu in menus.items():
        async with in_its_place(port, menu):
            floor.call(length(8, 200), RATE, talk=0.5, dialed=MENU)
            callers = set(floor.flows[-1].numbers)
            await floor.counted()
        latest[name] = max(waits(floor, callers))
    tally = await floor.tally(await floor.counted())
    check.count(tally)
    told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in latest.items())
    check.note(f"in the queue after at most: {told}")
    for name, seconds in latest.items():
        assert seconds < in_time[name] + SLACK, latest
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    await floor.agents_agree()


def waits(floor: Floor, callers: set[str]) -> list[float]:
    """Seconds from each caller's arrival to the queue, by Asterisk's records; all are there."""
    arrived: dict[str, float] = {}
    queued: dict[str, float] = {}
    for record in floor.records():
        channel, at = record.get("uniqueid", ""), float(record.get("eventtime") or 0)
        if record.get("eventtype") == "CHAN_START" and record.get("num") in callers:
            arrived[channel] = at
        elif record.get("eventtype") == "APP_START" and record.get("appname") == "Queue":
            queued.setdefault(channel, at)
    assert len(arrived) == len(callers)
    assert arrived.keys() <= queued.keys()
    return [queued[channel] - at for channel, at in arrived.items()]

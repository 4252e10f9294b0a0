"""The card: from the bytes of AgentCalled on the AMI socket to the card in the agent's websocket.

The whole program (`ringdesk serve`) with 100,000 customers and 1,000,000 past calls in SQLite; in
Asterisk's place a peer that plays recorded calls, since only it knows the moment an event is
written. Two cases. *Through the menu*: the caller is there for a second before the queue has a free
agent. *Straight*: a call goes to a free agent at once, so that everything from its first channel to
AgentCalled arrives in one piece, and nothing can be read ahead. Beside both, from the same frames,
the bare path: AgentCalled to the ringing call in the same websocket, which asks no database.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from bench.fake_asterisk import SYSTEM, Call, FakeAsterisk
from bench.harness import Figure, RunFailedError
from bench.installation import free_ports, running
from cti.conversation import call_id_of
from service_desk import bulk
from service_desk.actions import staff
from service_desk.actor import SYSTEM as BY_US
from service_desk.desk import Desk
from service_desk.desk import connect as connect_to
from service_desk.migrations import migrate

CUSTOMERS, CONVERSATIONS = 100_000, 1_000_000
AGENTS = [f"agent{number}" for number in range(1, 51)]
WARM_UP = 30  # calls
# Calls a second, for so many seconds, with so many in the menu; the target holds at 10 calls/s.
RUNS = ((10, 30, 1.0), (10, 30, 0.0), (40, 10, 0.0))
TARGET_RATE = 10
RINGS, TALKS = 0.3, 0.7  # seconds
LOST_AFTER = 5.0
PASSWORD = "a long pass phrase for benches"


def run() -> list[Figure]:
    """Fill, start, and play calls at each rate."""
    with tempfile.TemporaryDirectory(prefix="ringdesk-bench-") as name:
        return asyncio.run(_run(Path(name)))


async def _run(folder: Path) -> list[Figure]:
    started = time.monotonic()
    cookies = await furnish(folder)
    filled = time.monotonic() - started
    ami, agi, http, sip, web, live = free_ports(6)
    fake = FakeAsterisk(AGENTS)
    await fake.start(ami)
    figures: list[Figure] = []
    config = settings(folder, ami=ami, agi=agi, http=http, sip=sip, web=web, live=live)
    async with AsyncExitStack() as stack:
        house = running(folder, config)
        await asyncio.to_thread(house.__enter__)
        stack.push_async_callback(asyncio.to_thread, house.__exit__, None, None, None)
        stack.push_async_callback(fake.close)
        watch = Watch()
        for agent, cookie in cookies.items():
            await stack.enter_async_context(Page(live, agent, cookie, watch))
        play = Play(fake, watch)
        await play.calls(WARM_UP, 10, menu=0.0)
        for rate, seconds, menu in RUNS:
            load = os.getloadavg()[0]
            taken = await play.calls(rate * seconds, rate, menu=menu)
            way = "through the menu" if menu else "straight"
            figures += _figures(rate, way, taken, filled, load)
    return figures


def _figures(rate: int, way: str, taken: list[Taken], filled: float, load: float) -> list[Figure]:
    cards = sorted(each.card for each in taken if each.card is not None)
    bare = sorted(each.bare for each in taken if each.bare is not None)
    missing = len(taken) - len(cards)
    note = f"{len(taken)} calls, {missing} without a card; load before {load:.2f}"
    if rate == TARGET_RATE:
        note += f"; {CUSTOMERS:,} customers, {CONVERSATIONS:,} calls filled in {filled:.0f} s"
    print(f"  {rate}/s {way}: {note}", flush=True)
    return [
        Figure(
            name=f"card at {rate} calls/s, {way}: AgentCalled to the agent's websocket, {what}",
            unit="ms",
            better="lower",
            ours=_at(cards, part) if not missing else None,
            peers={"without the card": _at(bare, part)},
            target=30.0 if what == "p99" and rate == TARGET_RATE else None,
            note=note,
        )
        for what, part in (("median", 0.5), ("p99", 0.99))
    ]


def _at(values: list[float], part: float) -> float | None:
    """A quantile, the next value above: no better than it was."""
    if not values:
        return None
    return values[min(int(len(values) * part), len(values) - 1)] * 1e3


async def furnish(folder: Path) -> dict[str, str]:
    """A full database, and everybody signed in: the session's cookie by agent."""
    data = folder / "data"
    data.mkdir()
    url = f"sqlite+aiosqlite:///{data / 'ringdesk.db'}"
    await migrate(url)
    desk = Desk(connect_to(url))
    await bulk.fill(desk.engine, customers=CUSTOMERS, conversations=CONVERSATIONS)
    cookies = {}
    for agent in AGENTS:
        await staff.create_staff(
            desk, name=agent, role="agent", shown=agent, password=PASSWORD, by=BY_US
        )
        signed_in = await staff.sign_in(desk, name=agent, password=PASSWORD, address="127.0.0.1")
        cookies[agent] = signed_in.token
    await desk.close()
    # Half a gigabyte just written would else go to the disk under the first calls' commits.
    await asyncio.to_thread(os.sync)
    return cookies


def settings(folder: Path, **ports: int) -> dict[str, Any]:
    """Everything of ours, with somebody else's Asterisk."""
    return {
        "system": SYSTEM,
        "company": {"name": "Bench", "time_zone": "UTC", "languages": ["en"]},
        "data": {"folder": str(folder / "data")},
        "asterisk": {
            "mode": "external",
            "ami": {"port": ports["ami"]},
            "agi": {"port": ports["agi"]},
            "http": {"port": ports["http"]},
            "sip": {"port": ports["sip"]},
        },
        "web": {"port": ports["web"]},
        "live": {"port": ports["live"]},
        "dids": {"2000": {"queue": "support"}},
        "queues": {"support": {"wrap_up": 0}, "sales": {}},
        "agent_ranges": [
            {
                "prefix": "agent",
                "count": len(AGENTS),
                "contact": "sip:{name}@127.0.0.1:9",
                "extension_from": 1001,
                "queues": {"support": 0},
            }
        ],
    }


class Taken:
    """One call: seconds from AgentCalled to the ringing call and to the card; None: never."""

    def __init__(self) -> None:
        self.started = 0.0
        self.bare: float | None = None
        self.card: float | None = None
        self.done = asyncio.Event()


class Watch:
    """What all pages have seen, by call id."""

    def __init__(self) -> None:
        self.calls: dict[str, Taken] = {}

    def frame(self, text: str | bytes) -> None:
        """A frame came, now."""
        now = time.perf_counter()
        delta = json.loads(text).get("delta", {}).get("set", {})
        for call_id in delta.get("call", {}):
            taken = self.calls.get(call_id)
            if taken is not None and taken.bare is None:
                taken.bare = now - taken.started
        for call_id in delta.get("card", {}):
            taken = self.calls.get(call_id)
            if taken is not None and taken.card is None:
                taken.card = now - taken.started
                taken.done.set()


class Page:
    """An agent's open page: its websocket, subscribed to the desk."""

    def __init__(self, port: int, agent: str, cookie: str, watch: Watch) -> None:
        self._port = port
        self._cookie = cookie
        self._agent = agent
        self._watch = watch
        self._socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Page:
        self._socket = await connect(
            f"ws://127.0.0.1:{self._port}/live",
            origin=Origin(f"http://127.0.0.1:{self._port}"),
            additional_headers={"Cookie": f"ringdesk_session={self._cookie}"},
            compression=None,
        )
        await self._socket.send(json.dumps({"id": 1, "do": "subscribe", "topic": "desk"}))
        async with asyncio.timeout(10):
            while "snapshot" not in json.loads(await self._socket.recv()):
                pass
        self._task = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()

    async def _read(self, socket: ClientConnection) -> None:
        async for frame in socket:
            self._watch.frame(frame)


class Play:
    """Plays calls to free agents in turn."""

    def __init__(self, fake: FakeAsterisk, watch: Watch) -> None:
        self._fake = fake
        self._watch = watch
        self._made = 0
        self._chance = random.Random(1)

    async def calls(self, count: int, rate: int, *, menu: float) -> list[Taken]:
        """So many calls, evenly, each `menu` seconds before its queue; returns after the last."""
        begun = time.monotonic()
        tasks = []
        for number in range(count):
            await asyncio.sleep(max(begun + number / rate - time.monotonic(), 0.0))
            tasks.append(asyncio.create_task(self._call(menu)))
        taken = await asyncio.gather(*tasks)
        if not any(each.bare is not None for each in taken):
            raise RunFailedError("no call reached a page")
        return taken

    async def _call(self, menu: float) -> Taken:
        self._made += 1
        agent = AGENTS[self._made % len(AGENTS)]
        caller = bulk.number_of(self._chance.randrange(1, CUSTOMERS + 1))
        call = Call(self._made, agent, caller)
        taken = self._watch.calls[call_id_of(SYSTEM, call.linkedid)] = Taken()
        self._fake.arrive(call)
        if menu:
            await asyncio.sleep(menu)
        taken.started = time.perf_counter()
        self._fake.ring(call)
        await asyncio.sleep(RINGS)
        self._fake.talk(call)
        await asyncio.sleep(TALKS)
        self._fake.end(call)
        with suppress(TimeoutError):
            async with asyncio.timeout(LOST_AFTER):
                await taken.done.wait()
        return taken

"""Ready to ring: from an agent's Ready until Asterisk rings them for a caller who waits.

So many queues with a caller and an agent each, all told their place as soon as they wait. The
agents are ready at some moment of that announcement or after it, drawn from a fixed seed. The peer
is the same queue in the same Asterisk with nobody of ours beside it, in turns.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import yaml

from bench.harness import Figure, RunFailedError, silence
from bench.installation import alone, free_ports
from bench.sipp import Agents, Callers
from config.own_asterisk import OwnAsterisk
from config.parts_of import bridge_to
from config.secrets import Secrets, open_secrets
from config.settings import Settings, load
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.bus import InProcessBus

PLACES = 32  # queues, agents and callers
ROUNDS = 3  # of each
EARLIEST, LATEST = 0.5, 9.5  # seconds after the last caller waits
STAY = 22.0  # seconds a caller is on the line
WAIT = 40.0
SEED = 20261201
TARGET = 1.5  # seconds


def run() -> list[Figure]:
    """Rounds with the bridge and without, in turns, on one Asterisk."""
    silence()
    with tempfile.TemporaryDirectory(prefix="ringdesk-bench-") as name:
        ours, alone = asyncio.run(_measure(Path(name)))
    note = (
        f"{len(ours)} agents each; alone: median {_at(alone, 50):.2f} s, ours {_at(ours, 50):.2f} s"
    )
    print(f"  {note}", flush=True)
    shared: dict[str, Any] = {
        "unit": "s",
        "better": "lower",
        "ours": _at(ours, 99),
        "peers": {"queue alone": _at(alone, 99)},
        "note": note,
    }
    return [
        Figure(name="ready to ring: p99", target=TARGET, **shared),
        Figure(
            name="ready to ring: p99 beside the queue", against="queue alone", target=0.5, **shared
        ),
    ]


def _at(times: list[float], percent: int) -> float:
    return sorted(times)[min(len(times) * percent // 100, len(times) - 1)]


async def _measure(folder: Path) -> tuple[list[float], list[float]]:
    sip, agents, *callers = free_ports(2 + PLACES)
    file = folder / "ringdesk.yaml"
    file.write_text(yaml.safe_dump(_settings(folder, sip, agents)))
    settings = load(file, {})
    secrets = open_secrets(settings.data_folder, {})
    drawn = random.Random(SEED)
    own = OwnAsterisk(settings, secrets)
    times: dict[bool, list[float]] = {True: [], False: []}
    await own.start()
    try:
        with ExitStack() as phones:
            phones.enter_context(Agents(folder, agents))
            for number in range(2 * ROUNDS):
                ours = number % 2 == 0
                async with AsyncExitStack() as beside:
                    if ours:
                        bus = await beside.enter_async_context(InProcessBus())
                        bridge = bridge_to(settings, secrets, bus)
                        await beside.enter_async_context(bridge)
                        await asyncio.wait_for(bridge.synced(), WAIT)
                    floor = await beside.enter_async_context(Floor(settings, secrets))
                    when = [drawn.uniform(EARLIEST, LATEST) for _ in range(PLACES)]
                    times[ours] += await _round(folder, floor, sip, callers, when)
    finally:
        await own.stop()
    return times[True], times[False]


async def _round(
    folder: Path, floor: Floor, sip: int, ports: list[int], when: list[float]
) -> list[float]:
    """Everybody waits, then each agent is ready in their time; how long each took to ring."""
    for place in range(PLACES):
        await floor.pause(place, yes=True)
    with ExitStack() as stack:
        for place, port in enumerate(ports):
            stack.enter_context(
                Callers(
                    folder,
                    f"place{place}",
                    sip,
                    port,
                    count=1,
                    rate=1,
                    first=place,
                    talk=STAY,
                    patience=WAIT,
                    dialed=str(2000 + place),
                )
            )
        await floor.until(lambda: len(floor.waiting) == PLACES)

        async def ready(place: int) -> float:
            await asyncio.sleep(when[place])
            started = time.monotonic()
            await floor.pause(place, yes=False)
            await floor.until(lambda: place in floor.rung)
            return floor.rung[place] - started

        times = await asyncio.gather(*map(ready, range(PLACES)))
        await floor.end_calls()
    return times


class Floor:
    """An AMI link that sees who waits and who is rung, and pauses agents."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.waiting: set[str] = set()
        self.rung: dict[int, float] = {}
        self._channels: set[str] = set()
        self._news = asyncio.Condition()
        self._up = asyncio.Event()
        self._events: asyncio.Queue[Message] = asyncio.Queue()
        ami = settings.asterisk.ami
        self._link = AmiLink(
            ami.host,
            ami.port,
            ami.user,
            secrets.ami_password,
            wanted=frozenset(
                {"Newchannel", "Hangup", "QueueCallerJoin", "QueueCallerLeave", "AgentCalled"}
            ),
            on_event=self._events.put_nowait,
            on_up=self._is_up,
            on_down=lambda _why: None,
        )
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Floor:
        self._tasks = [asyncio.create_task(self._link.run()), asyncio.create_task(self._hear())]
        await asyncio.wait_for(self._up.wait(), WAIT)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def pause(self, place: int, *, yes: bool) -> None:
        """Whether the agent of this place takes calls."""
        paused = "true" if yes else "false"
        await self._link.action("QueuePause", Interface=f"PJSIP/{_agent(place)}", Paused=paused)

    async def end_calls(self) -> None:
        """Everybody hangs up, so that all agents are free."""
        await self._link.action("Hangup", Channel="/^PJSIP/")
        await self.until(lambda: not self._channels)

    async def until(self, good: Any) -> None:
        """Wait until that holds. Raises RunFailedError if it does not."""
        try:
            async with asyncio.timeout(WAIT), self._news:
                await self._news.wait_for(good)
        except TimeoutError:
            raise RunFailedError("somebody did not wait, or was not rung") from None

    async def _is_up(self) -> None:
        self._up.set()

    async def _hear(self) -> None:
        while True:
            message = await self._events.get()
            async with self._news:
                self._take(message)
                self._news.notify_all()

    def _take(self, message: Message) -> None:
        match message.name:
            case "Newchannel":
                self._channels.add(message.get("Uniqueid"))
            case "Hangup":
                self._channels.discard(message.get("Uniqueid"))
            case "QueueCallerJoin":
                self.waiting.add(message.get("Uniqueid"))
            case "QueueCallerLeave":
                self.waiting.discard(message.get("Uniqueid"))
            case "AgentCalled":
                self.rung.setdefault(int(message.get("MemberName")[5:]), time.monotonic())


def _agent(place: int) -> str:
    return f"agent{place}"


def _settings(folder: Path, sip: int, agents: int) -> dict[str, Any]:
    return alone(folder, sip) | {
        "dids": {str(2000 + place): {"queue": f"q{place}"} for place in range(PLACES)},
        "default_queue": "q0",
        "queues": {f"q{place}": {"announce_every": 10, "wrap_up": 0} for place in range(PLACES)},
        "agents": {
            _agent(place): {
                "extension": str(1001 + place),
                "queues": {f"q{place}": 0},
                "device": {"kind": "contact", "uri": f"sip:{_agent(place)}@127.0.0.1:{agents}"},
                "signed_in": True,
            }
            for place in range(PLACES)
        },
    }

"""A busy floor: a house of its own with sipp agents, calls that flow into it, and what became of
them, seen from outside: sipp's own count, Asterisk's own records, the database."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import random
import signal
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from bench.roots import pieces_of, record_files, records_in, roots_in
from bench.sipp import Agents, Callers, Counts
from config.settings import load
from cti.journal_records import VALUES
from service_desk.desk import Desk, connect
from service_desk.state_hash import state_lines
from tests.faults.netns import Wire
from tests.faults.proxy import AmiProxy, Mischief, ami_proxy
from tests.journeys.house import House, installation
from tests.polling import until
from tests.ports import free_ports

AGENTS = 20
QUEUE = "2000"  # a number that leads to the queue, past the menu
WRITTEN_SECONDS = 60.0  # until everything is written, after an outage as well (INVARIANTS 2)
SETTLED_SECONDS = 2.0  # longer than a fact may wait to be written
FREE_SECONDS = 60.0  # until every agent is what Asterisk says (INVARIANTS 7)


def floor_settings(folder: Path, database: str = "", agents: int = AGENTS) -> dict[str, Any]:
    """One queue, `agents` sipp agents that are signed in, one trunk; no wrap-up, no recording."""
    (phones,) = free_ports(1)
    return installation(folder, "floor", database) | {
        "dids": {
            "1000": {"flow": "main"},
            "2000": {"queue": "support"},
            "3000": {"queue": "sales"},
        },
        "queues": {"support": {"wrap_up": 0}, "sales": {}},
        "agent_ranges": [
            {
                "prefix": "agent",
                "count": agents,
                "contact": f"sip:{{name}}@127.0.0.1:{phones}",
                "extension_from": 1001,
                "queues": {"support": 0},
                "signed_in": True,
            }
        ],
        "agents": {
            "ava": {"extension": "101", "queues": {"sales": 0}},
            "ben": {"extension": "102", "queues": {"sales": 5}},
        },
    }


@dataclass(frozen=True)
class Tally:
    """What became of calls. `sipp` counted them, `roots` are in Asterisk's own records; `open`
    are up for all the database knows."""

    sipp: Counts = field(default_factory=lambda: Counts(0, 0))
    calls: int = 0
    roots: int = 0
    open: int = 0
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Every call that reached Asterisk has exactly one case, and nothing else has one."""
        return self.one_each and self.roots == self.calls

    @property
    def one_each(self) -> bool:
        """The same, but for what Asterisk's records say: a test may have spoilt them."""
        return not (self.lost or self.duplicated or self.stray)


@dataclass
class Floor:
    """The running floor. `callers` is the port that callers call from, `within` their command's
    beginning, if they are elsewhere."""

    house: House
    callers: int
    within: tuple[str, ...] = ()
    made: int = 0
    flows: list[Callers] = field(default_factory=list)
    earlier: set[str] = field(default_factory=set)  # callers of the tests before

    @property
    def folder(self) -> Path:
        """Where everything of it lies."""
        return self.house.folder

    def begin(self) -> None:
        """Another test begins: the calls so far are not its own."""
        for flow in self.flows:
            flow.end()
            self.earlier |= set(flow.numbers)
        self.flows = []

    def call(
        self,
        count: int,
        rate: float,
        *,
        talk: float = 1.0,
        patience: float = 30.0,
        dialed: str = QUEUE,
        media: int | None = None,
        log: Path | None = None,
    ) -> None:
        """Have so many calls come in, `rate` a second, from now on; `media`: where they listen;
        `log`: where each SIP message is written."""
        self.flows.append(
            Callers(
                self.folder, f"flow{self.made}", self.house.config["asterisk"]["sip"]["port"],
                free_ports(1)[0], count=count, rate=rate, first=self.made, talk=talk,
                patience=patience, dialed=dialed, within=self.within, media=media,
                log=log,
            )
        )  # fmt: skip
        self.made += count

    async def counted(self) -> Counts:
        """Wait until every call has ended; what sipp says of them."""
        each = [await asyncio.to_thread(flow.wait) for flow in self.flows]
        return Counts(sum(one.good for one in each), sum(one.failed for one in each))

    async def stop_by(self, number: signal.Signals) -> None:
        """Send the process a signal; wait for its end if that ends it."""
        process = self.house.process
        assert process is not None
        process.send_signal(number)
        if number is signal.SIGKILL:
            await process.wait()

    async def start_again(self) -> None:
        """Start it as after a crash: it finds the Asterisk that outlived it."""
        await self.house.start()

    async def asterisk(self) -> int | None:
        """The process of our own Asterisk, if it runs."""
        return self.house.asterisk_pid()

    async def tally(self, sipp: Counts, *, spoilt: bool = False) -> Tally:
        """Compare calls, records and cases, once the cases are written (or the time is over).

        `spoilt`: the records tell nothing, the test has seen to that."""
        numbers = [number for flow in self.flows for number in flow.numbers]
        try:
            tally = await until(
                lambda: self._compare(numbers),
                lambda each: (each.one_each if spoilt else each.exact) and not each.open,
                # A call without its end in the records is ended after two comparisons.
                seconds=3 * WRITTEN_SECONDS if spoilt else WRITTEN_SECONDS,
                every=0.5,
            )
        except TimeoutError:
            tally = await self._compare(numbers)  # what is wrong with it is the test's to say
        return replace(tally, sipp=sipp)

    async def _compare(self, numbers: list[str]) -> Tally:
        roots = Counter(roots_in(self.records()).values())
        cases = Counter(
            str(row[0])
            for row in await self.ask(
                "SELECT c.number FROM service_case s"
                " JOIN conversation c ON c.call_id = s.opened_by_call_id"
            )
        )
        open_calls = await self.ask(
            "SELECT count(*) FROM conversation WHERE ended_at IS NULL AND merged_into IS NULL"
        )
        wanted = set(numbers) | self.earlier
        return Tally(
            calls=len(numbers),
            roots=sum(roots[number] for number in numbers),
            lost=[number for number in numbers if not cases[number]],
            duplicated=[number for number in numbers if cases[number] > 1],
            stray=[number for number in cases if number not in wanted],
            open=int(open_calls[0][0]),
        )

    async def ask(self, question: str) -> list[Any]:
        """Read the database from outside."""
        engine = create_async_engine(load(self.house.file).database.url)
        try:
            async with engine.connect() as connection:
                return list((await connection.execute(text(question))).all())
        finally:
            await engine.dispose()

    async def change(self, statement: str) -> None:
        """Change the database from outside."""
        engine = create_async_engine(load(self.house.file).database.url)
        try:
            async with engine.begin() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    async def state_lines(self) -> list[str]:
        """All that is known of calls, a line a row."""
        desk = Desk(connect(load(self.house.file).database.url))
        try:
            return await state_lines(desk)
        finally:
            await desk.close()

    async def settled_lines(self) -> list[str]:
        """The same once it stays as it is: live and journal each tell in their own time."""
        last: list[list[str]] = [[], []]

        async def read() -> bool:
            last[:] = [last[1], await self.state_lines()]
            return last[0] == last[1]

        await until(read, bool, seconds=30.0, every=SETTLED_SECONDS)
        return last[1]

    async def journal_left(self) -> int:
        """Bytes of Asterisk's records that were not read yet."""
        rows = await self.ask("SELECT files FROM journal_cursor WHERE kind = 'cel'")
        read = sum(json.loads(rows[0][0]).values()) if rows else 0
        return max(sum(file.stat().st_size for file in self.record_files()) - read, 0)

    def shuffle_records(self) -> None:
        """Write the records anew, each channel up to half a second late against the others.

        Within a channel they stay in order: one thread writes them.
        """
        chance = random.Random(1)
        late: dict[str, float] = defaultdict(lambda: chance.uniform(0.0, 0.5))
        for file in self.record_files():
            lines = list(pieces_of(file.read_bytes()))
            told = [dict(zip(VALUES, each[1:].split(b'","'), strict=False)) for each in lines]
            at = [float(each["eventtime"]) + late[str(each["uniqueid"])] for each in told]
            other = file.with_suffix(".shuffled")
            other.write_bytes(
                b"".join(lines[n] for n in sorted(range(len(lines)), key=at.__getitem__))
            )
            other.replace(file)

    def record_files(self) -> list[Path]:
        """Asterisk's records, rotated files first."""
        return record_files(load(self.house.file).records_folder)

    def records(self) -> Iterable[dict[str, Any]]:
        """Asterisk's own records, rotated files first; a torn last line is left out."""
        return records_in(load(self.house.file).records_folder)

    async def agents_agree(self) -> None:
        """Wait until every agent is what Asterisk says of them: nobody is up, all are free."""

        async def busy() -> list[str]:
            channels = await self.house.asterisk_says("core show channels count")
            queue = await self.house.asterisk_says("queue show support")
            shown = (await self.house.api("GET", "/agents"))["items"]
            names = [
                each["agent"]
                for each in shown
                if each["agent"].startswith("agent") and each["status"] != "available"
            ]
            members = [line for line in queue.splitlines() if "(PJSIP/agent" in line]
            names += [each for each in members if "(Not in use)" not in each or "(paused" in each]
            names += [] if members else [queue]
            return names if channels.startswith("0 active channels") else [channels, *names]

        await until(busy, lambda names: not names, seconds=FREE_SECONDS, every=0.5)


@contextlib.asynccontextmanager
async def open_floor(
    folder: Path,
    prompts: Path,
    *,
    config: dict[str, Any] | None = None,
    env: dict[str, str] | None = None,
    within: tuple[str, ...] = (),
) -> AsyncIterator[Floor]:
    """A floor that runs, with its agents; ends all of it, whatever happened to it meanwhile."""
    house = House(folder, config or floor_settings(folder), env=env or {}, within=within)
    await house.furnish(prompts)
    async with _running(house) as floor:
        yield floor


@contextlib.asynccontextmanager
async def open_proxied_floor(
    folder: Path, prompts: Path, mischief: Mischief | None = None
) -> AsyncIterator[tuple[Floor, AmiProxy]]:
    """A floor whose Ringdesk reaches the manager of Asterisk, which runs by itself, by a proxy."""
    config = floor_settings(folder)
    house = House(folder, copy.deepcopy(config))
    ami = config["asterisk"]["ami"]["port"]
    (between,) = free_ports(1)
    house.config["asterisk"] |= {"mode": "external", "ami": {"port": between}}
    await house.furnish(prompts)
    pbx = House(folder, config, name="pbx.yaml")
    async with ami_proxy(between, ami) as proxy:
        proxy.mischief = mischief or proxy.mischief
        await pbx.start("pbx", "start")
        try:
            async with _running(house) as floor:
                yield floor, proxy
        finally:
            await pbx.stop()


@contextlib.asynccontextmanager
async def open_distant_floor(folder: Path, prompts: Path, wire: Wire) -> AsyncIterator[Floor]:
    """A floor whose Asterisk and telephones are at the other end of a wire."""
    config = floor_settings(folder)
    ami = {"port": config["asterisk"]["ami"]["port"], "host": wire.guest}
    house = House(folder, copy.deepcopy(config))
    house.config["asterisk"] |= {"mode": "external", "ami": ami}
    config["asterisk"]["ami"] = ami | {"bind": wire.guest, "permit": [wire.network]}
    await house.furnish(prompts)
    pbx = House(folder, config, name="pbx.yaml", within=wire.within)
    await pbx.start("pbx", "start")
    try:
        async with _running(house, wire.within) as floor:
            yield floor
    finally:
        await pbx.stop()


@contextlib.asynccontextmanager
async def _running(house: House, within: tuple[str, ...] = ()) -> AsyncIterator[Floor]:
    phones = int(house.config["agent_ranges"][0]["contact"].rpartition(":")[2])
    with Agents(house.folder, phones, within=within):
        await house.start()
        floor = Floor(house, free_ports(1)[0], within)
        try:
            yield floor
        finally:
            for flow in floor.flows:
                flow.end()
            await house.stop()
            await house.end_asterisk()

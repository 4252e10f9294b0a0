"""A rush: 100 calls a second for a minute with 100 agents; then another minute of the same.

The whole system (`ringdesk serve`, its own Asterisk, SQLite) under sipp. 100 calls a second for 100
agents leave each call less than a second of an agent: callers hang up 0.65 s after Asterisk took
the call, 0.2 s of which an agent's device rings, so that some sixty-five agents are busy at a time.
On a machine that cannot keep up callers are gone before they are answered: calls all the same, and
the notes say how many. Every caller has a number of their own, so that cases are counted against
sipp's calls and against the first channels in Asterisk's own records.

How late events are told is `ringdesk_event_lag_seconds`, as the process shows it to anybody, before
and after the minute: from the time that Asterisk put on the event. How much later than the thing
itself that is, its records know (they have the same moment without the way to the manager).
Memory is read from outside once a second; the second minute tells what fills, and is then full,
from what grows.

Asterisk is the peer: what it costs in the same seconds, and, with Ringdesk killed, what the same
calls cost it when nobody listens.
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

from msgspec import Struct

from bench.harness import Figure, RunFailedError
from bench.installation import Installation, free_ports, running
from bench.queued_call import ask, settings, settled
from bench.roots import records_in, roots_in
from bench.sipp import Agents, Callers, Counts
from config.settings import load

RATE = 100  # calls a second
SECONDS = 60
WARM_UP = 5
ALONE = 20

STAY = 0.65  # seconds from Asterisk's answer until the caller hangs up: ringing and talk
PATIENCE = 30.0
EARLY = 10.0  # seconds into a minute
SETTLE_SECONDS = 60.0  # until all calls have ended in the tables: a journal may have to help
PAGE_SECONDS = 20.0
MIB = 2**20
MICROSECONDS = 1e6  # the tables' unit of time
BUCKET = re.compile(r'^ringdesk_event_lag_seconds_bucket\{le="([^"]+)"\} (\S+)$', re.M)

Lag = dict[float, float]  # seconds -> events told within them


class Memory(Struct, frozen=True):
    """Bytes in memory, so many seconds after a minute began."""

    at: float
    ours: int
    asterisks: int


class Minute(Struct, frozen=True):
    """What was seen of one flow of calls. Processor times in seconds, until the last row was
    written."""

    counts: Counts
    ours: float
    asterisks: float
    lasted: float  # until the last call had ended
    lag: Lag
    memory: list[Memory]

    @property
    def calls(self) -> int:
        """By sipp's count."""
        return self.counts.good + self.counts.failed

    @property
    def early(self) -> Memory:
        """When everything that is made once was made."""
        return next((each for each in self.memory if each.at >= EARLY), self.memory[-1])

    @property
    def end(self) -> Memory:
        """When the last call had ended."""
        return self.memory[-1]


class Compared(Struct, frozen=True):
    """What Asterisk's records and the tables say of all calls. `asterisk_late`: how long after a
    call's beginning Asterisk dated its first event, p99 in seconds."""

    reached: int
    cases: int
    lost: int
    duplicated: int
    answered: int
    unended: int
    asterisk_late: float


class Rush:
    """A running installation with its agents, and the callers that it gets."""

    def __init__(self, folder: Path, house: Installation, sip: int, callers: int, health: int):
        self.folder = folder
        self.house = house
        self.made = 0
        self._sip, self._callers, self._health = sip, callers, health

    def minute(self, seconds: int) -> Minute:
        """Calls for so long, until all of them are written (if there is who writes them)."""
        first, self.made = self.made, self.made + seconds * RATE
        alive = self.house.process.poll() is None
        lag = self._lag() if alive else {}
        before, started = self.house.cpu(), time.monotonic()
        with (
            Callers(
                self.folder, f"rush{first}", self._sip, self._callers, count=seconds * RATE,
                rate=RATE, first=first, talk=STAY, patience=PATIENCE,
            ) as flow,
            _watched(self.house) as memory,
        ):  # fmt: skip
            counts = flow.wait()
        lasted = time.monotonic() - started
        if alive:
            settled(self.folder, SETTLE_SECONDS)
            lag = {bound: now - lag[bound] for bound, now in self._lag().items()}
        after = self.house.cpu()
        return Minute(
            counts=counts, ours=after[0] - before[0], asterisks=after[1] - before[1],
            lasted=lasted, lag=lag, memory=memory,
        )  # fmt: skip

    def compare(self) -> Compared:
        """Asterisk's records beside the tables."""
        folder = load(self.folder / "ringdesk.yaml").records_folder
        records = [each for each in records_in(folder) if each.get("eventtype") == "CHAN_START"]
        roots = roots_in(records)
        reached = Counter(roots.values())
        cases = Counter(
            str(row[0])
            for row in ask(
                self.folder,
                "SELECT c.number FROM service_case s JOIN conversation c"
                " ON c.call_id = s.opened_by_call_id",
            )
        )
        calls = ask(
            self.folder, "SELECT number, arrived_at, answered_at, ended_at FROM conversation"
        )
        arrived = {str(number): at / MICROSECONDS for number, at, _, _ in calls}
        told_after = sorted(
            arrived[roots[record["uniqueid"]]] - record["eventtime"]
            for record in records
            if roots.get(record["uniqueid"]) in arrived
        )
        return Compared(
            reached=sum(reached.values()),
            cases=sum(cases.values()),
            lost=sum(1 for number in reached if not cases[number]),
            duplicated=sum((cases - reached).values()),
            answered=sum(1 for *_, answered, _ in calls if answered is not None),
            unended=sum(1 for *_, ended in calls if ended is None),
            asterisk_late=told_after[int(0.99 * len(told_after))],
        )

    def kill(self) -> None:
        """Leave Asterisk to itself."""
        self.house.process.send_signal(signal.SIGKILL)
        self.house.process.wait()

    def _lag(self) -> Lag:
        with urlopen(f"http://127.0.0.1:{self._health}/metrics", timeout=PAGE_SECONDS) as answer:
            page = answer.read().decode()
        found = {float(bound): float(many) for bound, many in BUCKET.findall(page)}
        if not found:
            raise RunFailedError("the process does not tell how late events are")
        return found


def run() -> list[Figure]:
    """One run; the notes tell the calls, the machine's load and what Asterisk did."""
    load_before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="ringdesk-bench-") as name:
        (first, second, alone), compared = _measure(Path(name))
    cores = (first.ours + first.asterisks) / first.lasted
    machine = (
        f"Asterisk dates them late by p99 {compared.asterisk_late * 1e3:.0f} ms;"
        f" load before {load_before:.1f}, {cores:.2f} cores used"
    )
    return [
        _lost((first, second), compared),
        _late(first, second, machine),
        _memory(first, second),
        _cost(first, second, alone),
    ]


def _measure(folder: Path) -> tuple[tuple[Minute, Minute, Minute], Compared]:
    sip, agents, callers, health = free_ports(4)
    asked = settings(folder, sip, agents) | {"health": {"port": health}}
    with ExitStack() as stack:
        house = stack.enter_context(running(folder, asked))
        stack.enter_context(Agents(folder, agents))
        rush = Rush(folder, house, sip, callers, health)
        rush.minute(WARM_UP)
        first, second = rush.minute(SECONDS), rush.minute(SECONDS)
        if house.process.poll() is not None:
            raise RunFailedError("ringdesk serve ended during the run")
        compared = rush.compare()
        rush.kill()
        return (first, second, rush.minute(ALONE)), compared


def _lost(minutes: Sequence[Minute], found: Compared) -> Figure:
    called = sum(minute.calls for minute in minutes) + WARM_UP * RATE
    failed = sum(minute.counts.failed for minute in minutes)
    return Figure(
        name=f"rush, {RATE} calls/s: cases lost or duplicated",
        unit="calls",
        better="lower",
        ours=found.lost + found.duplicated,
        target=0.0,
        note=(
            f"sipp called {called:,} times, {failed} failed; {found.reached:,} in Asterisk's"
            f" records, {found.answered:,} answered, {found.unended} not ended; {found.cases:,}"
            f" cases: {found.lost} lost, {found.duplicated} duplicated"
        ),
    )


def _late(first: Minute, second: Minute, machine: str) -> Figure:
    parts = [
        f"p{share * 100:g} {within(first.lag, share) * 1e3:.1f}" for share in (0.5, 0.9, 0.999)
    ]
    return Figure(
        name=f"rush, {RATE} calls/s: event lag p99",
        unit="ms",
        better="lower",
        ours=within(first.lag, 0.99) * 1e3,
        target=250.0,
        note=(
            f"{max(first.lag.values()):,.0f} events; {', '.join(parts)} ms; p99 of the second"
            f" minute {within(second.lag, 0.99) * 1e3:.0f} ms; {machine}"
        ),
    )


def _memory(first: Minute, second: Minute) -> Figure:
    levels = (first.early, first.end, second.end)
    slope = (first.end.ours - first.early.ours) / MIB / (first.end.at - first.early.at) * 60
    return Figure(
        name=f"rush, {RATE} calls/s: what the second minute adds to memory",
        unit="%",
        better="lower",
        ours=(second.end.ours / first.end.ours - 1) * 100,
        peers={"asterisk": (second.end.asterisks / first.end.asterisks - 1) * 100},
        target=5.0,
        note=(
            f"after {EARLY:.0f} s, one minute, two: "
            f"{', '.join(f'{each.ours / MIB:.0f}' for each in levels)} MiB;"
            f" {slope:.0f} MiB/min in the first; Asterisk "
            f"{', '.join(f'{each.asterisks / MIB:.0f}' for each in levels)} MiB"
        ),
    )


def _cost(first: Minute, second: Minute, alone: Minute) -> Figure:
    calls = first.calls + second.calls
    return Figure(
        name=f"rush, {RATE} calls/s: processor time of all our processes",
        unit="ms/call",
        better="lower",
        ours=(first.ours + second.ours) / calls * 1e3,
        peers={
            "asterisk": (first.asterisks + second.asterisks) / calls * 1e3,
            "asterisk alone": alone.asterisks / alone.calls * 1e3,
        },
        against="asterisk",
        target=0.5,
        note=f"alone: {alone.calls:,} calls, {alone.counts.failed} failed",
    )


def within(lag: Lag, share: float) -> float:
    """Seconds within which this share of the events was told: in its bucket, evenly spread."""
    wanted = share * max(lag.values())
    last, passed = 0.0, 0.0
    for bound, many in sorted(lag.items()):
        if many >= wanted:
            if bound == float("inf"):
                return last
            return last + (bound - last) * (wanted - passed) / max(many - passed, 1.0)
        last, passed = bound, many
    return last


@contextmanager
def _watched(house: Installation) -> Iterator[list[Memory]]:
    """Memory, once a second while this is open and once at its end."""
    seen: list[Memory] = []
    stop = threading.Event()
    started = time.monotonic()

    def look() -> None:
        ours, asterisks = house.memory()
        seen.append(Memory(time.monotonic() - started, ours, asterisks))

    def watch() -> None:
        while not stop.wait(1.0):
            look()

    thread = threading.Thread(target=watch, name="memory")
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()
        look()


__all__ = ["run"]

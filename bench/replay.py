"""Replaying a day from the journal: Asterisk's own records into calls and cases, on SQLite.

The records are what Asterisk writes of a queued call that an agent answers (tests/recordings): 18
lines, two legs; as many calls go on at once as in a centre of a hundred agents. `python -m
bench.replay CALLS` replays so many; the bench itself takes fewer than a day's 100,000, so that it
stays short, and says so.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.harness import Figure, run_apart, silence
from config.running import freeze
from cti.journal import Journal
from cti.journal_reader import JournalReader
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.intake_journal import JournalIntake
from service_desk.migrations import migrate
from service_desk.settings import DeskSettings
from service_desk.state_hash import state_hash

CALLS = 6_000
DAY = 100_000
AGENTS = 100
EVERY = 0.864  # seconds between two calls: 100,000 a day
BEGIN = 1_795_000_000.0
SYSTEM = "bench"


def run() -> list[Figure]:
    """The figure; the state hash is that of a second replay, or it is no figure."""
    found = run_apart("bench.replay", str(CALLS))
    same = found["hash"] == found["hash_again"]
    note = f"{CALLS:,} of {DAY:,} calls; " + ("state hash equal" if same else "STATE HASH DIFFERS")
    return [
        Figure(
            name="journal replayed",
            unit="calls/s",
            better="higher",
            ours=found["calls_per_second"] if same else None,
            target=2_000.0,
            note=note,
        ),
        Figure(
            name="journal replayed, processor",
            unit="ms/call",
            better="lower",
            ours=found["cpu_ms_per_call"],
            note="all threads; a busy machine does not slow this down",
        ),
        Figure(
            name="journal read again, nothing new",
            unit="calls/s",
            better="higher",
            ours=found["calls_per_second_again"],
            note=note,
        ),
    ]


def write_day(file: Path, calls: int) -> int:
    """The records of so many calls, in the order Asterisk would write them; how many lines."""
    waiting: list[tuple[float, int, bytes]] = []
    lines = 0
    with file.open("wb") as out:
        for number in range(calls):
            begin = BEGIN + number * EVERY
            while waiting and waiting[0][0] <= begin:
                out.write(heapq.heappop(waiting)[2])
            for at, line in call(number, begin):
                heapq.heappush(waiting, (at, lines, line))
                lines += 1
        while waiting:
            out.write(heapq.heappop(waiting)[2])
    return lines


def call(number: int, begin: float) -> Iterator[tuple[float, bytes]]:
    """One call: the menu, eight seconds in the queue, a minute of talk."""
    agent = f"agent{number % AGENTS}"
    caller, answerer = f"{SYSTEM}-{number}.0", f"{SYSTEM}-{number}.1"
    names = {caller: f"PJSIP/carrier-{number:08x}", answerer: f"PJSIP/{agent}-{number:08x}"}
    numbers = {caller: f"+4930{20_000_000 + number % 50_000}", answerer: str(1000 + number % 100)}
    bridge = json.dumps({"bridge_id": f"b-{number}", "bridge_technology": "simple_bridge"})
    end = json.dumps({"hangupcause": 16, "hangupsource": names[caller], "dialstatus": "ANSWER"})
    queue = {"appname": "Queue", "appdata": "support,,,,600", "exten": "support"}
    file = json.dumps({"extra": f"2026/11/12/{caller}.wav"})
    recording = {"userdeftype": "ringdesk-recording", "eventextra": file}
    story: list[tuple[float, str, str, dict[str, Any]]] = [
        (0.0, "CHAN_START", caller, {"exten": "1000", "context": "ringdesk-inbound"}),
        (0.1, "ANSWER", caller, {"appname": "AGI", "exten": "s"}),
        (10.0, "ringdesk-recording", caller, recording),
        (10.001, "APP_START", caller, queue),
        (16.0, "CHAN_START", answerer, {"exten": "s", "context": "ringdesk-agents"}),
        (18.0, "ANSWER", answerer, {"appname": "AppQueue"}),
        (18.001, "BRIDGE_ENTER", answerer, {"appname": "AppQueue", "eventextra": bridge}),
        (18.002, "BRIDGE_ENTER", caller, queue | {"eventextra": bridge}),
        (78.0, "BRIDGE_EXIT", caller, queue | {"eventextra": bridge}),
        (78.001, "BRIDGE_EXIT", answerer, {"appname": "AppQueue", "eventextra": bridge}),
        (78.002, "APP_END", caller, queue),
        (78.002, "HANGUP", caller, {"eventextra": end}),
        (78.002, "CHAN_END", caller, {}),
        (78.003, "HANGUP", answerer, {"eventextra": end}),
        (78.003, "CHAN_END", answerer, {}),
        (78.003, "LINKEDID_END", answerer, {}),
    ]
    for after, kind, leg, more in story:
        record = {
            "system": SYSTEM,
            "eventtype": kind,
            "eventtime": round(begin + after, 6),
            "userdeftype": "",
            "uniqueid": leg,
            "linkedid": caller,
            "channame": names[leg],
            "context": "ringdesk-queue",
            "appname": "",
            "eventextra": "",
            "appdata": "",
            "accountcode": "",
            "peer": "",
            "exten": "",
            "num": numbers[leg],
            "ani": numbers[leg],
            "rdnis": "",
            "dnid": "1000",
            "name": "",
        } | more
        yield begin + after, json.dumps(record, separators=(",", ":")).encode() + b"\n"


async def replay(calls: int) -> dict[str, Any]:
    """Write the day, replay it into an empty database, and once more into the full one."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "records").mkdir()
        write_day(folder / "records" / "cel.json", calls)
        url = f"sqlite+aiosqlite:///{folder / 'desk.db'}"
        await migrate(url)
        desk = Desk(connect(url), settings=DeskSettings(region="DE"))
        found: dict[str, Any] = {"calls": calls}
        freeze()  # as `ringdesk bridge` does
        for again in ("", "_again"):
            intake = Intake(desk)
            extensions = {f"agent{each}": str(1000 + each) for each in range(AGENTS)}
            reader = JournalReader(Journal(folder / "records", SYSTEM), extensions)
            journal = JournalIntake(desk, intake, reader)
            started, spent = time.perf_counter(), time.process_time()
            while await journal.step():
                pass
            found[f"calls_per_second{again}"] = calls / (time.perf_counter() - started)
            found[f"cpu_ms_per_call{again}"] = (time.process_time() - spent) / calls * 1_000
            found[f"hash{again}"] = await state_hash(desk)
        await desk.close()
        return found


if __name__ == "__main__":
    silence()
    print(json.dumps(asyncio.run(replay(int(sys.argv[1])))))

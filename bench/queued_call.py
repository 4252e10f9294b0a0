"""A queued call: processor time of all our processes beside Asterisk's own, from the same run.

The whole system (`ringdesk serve`, its own Asterisk, SQLite) under sipp at 40 calls/s: callers from
a trunk dial 2000, wait in a queue, are answered by one of 100 sipp agents, talk for two seconds and
hang up. Every caller has a number of their own, so that cases can be counted against calls.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.harness import Figure, RunFailedError
from bench.installation import Installation, alone, free_ports, running
from bench.sipp import NUMBER, Agents, Callers, Counts

RATE = 40  # calls a second
SECONDS = 25
WARM_UP = 4
AGENTS = 100
SETTLE_SECONDS = 15.0


def run() -> list[Figure]:
    """One run; the note tells calls, cases, and the machine's load."""
    with tempfile.TemporaryDirectory(prefix="ringdesk-bench-") as name:
        measured = _measure(Path(name))
    calls = measured["calls"]
    ours, theirs = measured["ours"] / calls * 1e3, measured["asterisk"] / calls * 1e3
    cores = (measured["ours"] + measured["asterisk"]) / measured["seconds"]
    note = (
        f"{calls:.0f} calls at {RATE}/s, {measured['failed']:.0f} failed; "
        f"cases lost {measured['lost']:.0f}, duplicated {measured['duplicated']:.0f}; "
        f"ratio {ours / theirs:.2f}; {cores:.2f} cores used; load before {measured['load']:.2f}"
    )
    print(f"  {note}", flush=True)
    cost = Figure(
        name="queued call: processor time of all our processes",
        unit="ms/call",
        better="lower",
        ours=ours,
        peers={"asterisk": theirs},
        against="asterisk",
        target=0.5,
        note=note,
    )
    wrong = Figure(
        name="queued call: cases lost or duplicated",
        unit="calls",
        better="lower",
        ours=measured["lost"] + measured["duplicated"],
        target=0.0,
        note=f"{measured['cases']:.0f} cases of {measured['all_calls']:.0f} answered calls",
    )
    return [cost, wrong]


def _measure(folder: Path) -> dict[str, float]:
    """Warm up, then count processor time from the first call to the last row written."""
    sip, agents, callers = free_ports(3)
    load = os.getloadavg()[0]
    with ExitStack() as stack:
        house = stack.enter_context(running(folder, settings(folder, sip, agents)))
        stack.enter_context(Agents(folder, agents))
        _call(folder, "warm", sip, callers, WARM_UP * RATE, first=0)
        settled(folder)
        before, started = house.cpu(), time.monotonic()
        counts = _call(folder, "load", sip, callers, SECONDS * RATE, first=1_000_000)
        settled(folder)
        after, ended = house.cpu(), time.monotonic()
        counted = _count(folder)
        _still_alive(house)
    return {
        "ours": after[0] - before[0],
        "asterisk": after[1] - before[1],
        "seconds": ended - started,
        "calls": counts.good,
        "failed": counts.failed,
        "load": load,
        **counted,
    }


def settings(folder: Path, sip: int, agents: int) -> dict[str, Any]:
    """100 agents in one queue behind one trunk; no wrap-up, no recording."""
    web, live, gate = free_ports(3)
    return alone(folder, sip) | {
        "web": {"port": web},
        "live": {"port": live},
        "gate": {"port": gate},
        "night_switch": "open",
        "dids": {"2000": {"queue": "support"}},
        "queues": {
            "support": {"wrap_up": 0, "record": False},
            "sales": {},  # the shipped menu knows it
        },
        "agent_ranges": [
            {
                "prefix": "agent",
                "count": AGENTS,
                "contact": f"sip:{{name}}@127.0.0.1:{agents}",
                "extension_from": 1001,
                "queues": {"support": 0},
                "signed_in": True,
            }
        ],
    }


def _call(folder: Path, name: str, sip: int, port: int, count: int, *, first: int) -> Counts:
    """So many calls at `RATE`."""
    with Callers(folder, name, sip, port, count=count, rate=RATE, first=first) as callers:
        return callers.wait()


def ask(folder: Path, question: str) -> list[Any]:
    """Read the installation's database from outside."""
    file = folder / "data" / "ringdesk.db"
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        return connection.execute(question).fetchall()
    finally:
        connection.close()


def settled(folder: Path, seconds: float = SETTLE_SECONDS) -> None:
    """Until every call that is written has also ended; asked seldom, for it costs."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(1.5)  # longer than a fact may wait to be written
        if not ask(folder, "SELECT 1 FROM conversation WHERE ended_at IS NULL LIMIT 1"):
            return


def _count(folder: Path) -> dict[str, float]:
    """Cases by the caller's number against the answered calls of both runs."""
    rows = ask(
        folder,
        "SELECT c.number FROM service_case s JOIN conversation c"
        " ON c.call_id = s.opened_by_call_id",
    )
    cases = Counter(str(row[0]) for row in rows)
    called = [NUMBER.format(number) for number in range(WARM_UP * RATE)]
    called += [NUMBER.format(1_000_000 + number) for number in range(SECONDS * RATE)]
    stray = sum(count for number, count in cases.items() if number not in set(called))
    return {
        "lost": sum(1 for number in called if not cases[number]),
        "duplicated": sum(max(cases[number] - 1, 0) for number in called) + stray,
        "cases": len(rows),
        "all_calls": len(called),
    }


def _still_alive(house: Installation) -> None:
    if house.process.poll() is not None or house.asterisk is None:
        raise RunFailedError("ringdesk serve ended during the run")

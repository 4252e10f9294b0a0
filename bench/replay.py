"""Replaying a day from the journal: Asterisk's own records into calls and cases, on SQLite.

The same calls (bench/day.py) are also taken as they are heard live, into a database of their own:
what both can know (service_desk/shared_state.py) must come out the same, and the journal on top of
what was heard must change nothing at all. `python -m bench.replay CALLS` does it for so many; the
bench itself takes fewer than a day's 100,000, so that it stays short, and says so.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import Any

from bench import day
from bench.harness import Figure, run_apart, silence
from config.running import freeze
from cti.interpret import Interpreter
from cti.journal import Journal
from cti.journal_reader import JournalReader
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.intake_journal import JournalIntake
from service_desk.migrations import migrate
from service_desk.settings import DeskSettings
from service_desk.shared_state import shared
from service_desk.state_hash import state_hash

CALLS = 4_000
DAY = 100_000
HEARD_AT_ONCE = 2_000  # facts in a portion of the live side, which nobody waits for here


def run() -> list[Figure]:
    """The figures; none if the state is not the one that live made."""
    found = run_apart("bench.replay", str(CALLS))
    wrong = [name for name in ("as_live", "again", "on_top") if not found[f"equal_{name}"]]
    said = f"STATE HASH DIFFERS: {', '.join(wrong)}" if wrong else "state hash equal to live"
    note = f"{CALLS:,} of {DAY:,} calls; {said}"
    return [
        Figure(
            name="journal replayed",
            unit="calls/s",
            better="higher",
            ours=None if wrong else found["calls_per_second"],
            target=2_000.0,
            note=note,
        ),
        Figure(
            name="journal replayed, processor",
            unit="ms/call",
            better="lower",
            ours=found["cpu_ms_per_call"],
            note="both processes; a busy machine slows this down less",
        ),
        Figure(
            name="journal read again, nothing new",
            unit="calls/s",
            better="higher",
            ours=found["calls_per_second_again"],
            note=note,
        ),
    ]


async def replay(calls: int) -> dict[str, Any]:
    """The journal into an empty database, and once more; then live into another, and the journal
    on top of it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "records").mkdir()
        day.write(folder / "records" / "cel.csv", calls)
        written, heard = await new_desk(folder / "written.db"), await new_desk(folder / "heard.db")
        found: dict[str, Any] = {"calls": calls}
        freeze()  # as `ringdesk bridge` does
        await timed(read, written, folder, calls=calls, found=found, name="")
        alone = await state_hash(written)
        await timed(read, written, folder, calls=calls, found=found, name="_again")
        found["equal_again"] = await state_hash(written) == alone
        await timed(hear, heard, calls, calls=calls, found=found, name="_live")
        live = await state_hash(heard)
        found["equal_as_live"] = await state_hash(heard, shared) == await state_hash(
            written, shared
        )
        await timed(read, heard, folder, calls=calls, found=found, name="_on_top")
        found["equal_on_top"] = await state_hash(heard) == live
        found["hash"], found["hash_live"] = alone, live
        await written.close()
        await heard.close()
        return found


async def new_desk(file: Path) -> Desk:
    """An empty desk on SQLite."""
    url = f"sqlite+aiosqlite:///{file}"
    await migrate(url)
    return Desk(connect(url), settings=DeskSettings(region="DE"))


async def timed(what: Any, *with_these: Any, calls: int, found: dict[str, Any], name: str) -> None:
    """Do it; its calls a second and its processor time a call, of all threads and of the process
    that reads ahead."""
    started, spent = time.perf_counter(), _spent()
    await what(*with_these)
    found[f"calls_per_second{name}"] = calls / (time.perf_counter() - started)
    found[f"cpu_ms_per_call{name}"] = (_spent() - spent) / calls * 1_000


def _spent() -> float:
    """Seconds of processor, of children that have ended too."""
    ours, theirs = (getrusage(who) for who in (RUSAGE_SELF, RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in (ours, theirs))


async def read(desk: Desk, folder: Path) -> None:
    """All of the journal, as a bridge does that was away."""
    reader = JournalReader(Journal(folder / "records", day.SYSTEM), day.EXTENSIONS)
    journal = JournalIntake(desk, Intake(desk), reader)
    try:
        while await journal.step():
            pass
    finally:
        await journal.close()


async def hear(desk: Desk, calls: int) -> None:
    """All of it live, the making of its events included."""
    intake, by = Intake(desk), Interpreter(day.SYSTEM, day.EXTENSIONS)
    await intake.start()
    for message in day.events(calls):
        for fact in by.feed(message):
            intake.take(fact)
        if intake.waiting >= HEARD_AT_ONCE:
            await intake.settled()
    await intake.settled()
    await intake.stop()


if __name__ == "__main__":
    silence()
    print(json.dumps(asyncio.run(replay(int(sys.argv[1])))))

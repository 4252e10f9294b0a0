"""INVARIANTS 18: the disk of the recordings and of Asterisk's records is full."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.conftest import need
from tests.faults.conftest import FULL, Check, length
from tests.faults.consoles import sessions_of
from tests.faults.disk import SmallDisk, a_small_disk
from tests.faults.floor import Floor, Tally, floor_settings, open_floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 4.0
TALK = 2.5  # seconds: what is shorter needs no recording
ALARM_SECONDS = 60.0
SUPERVISOR = "sam"
SAID = "The recording is known, but its file is missing."
CASES = (
    "SELECT c.number, c.ended_at, s.id, s.year FROM service_case s"
    " JOIN conversation c ON c.call_id = s.opened_by_call_id"
)


@pytest.mark.timeout(900)
async def test_the_disk_is_full(tmp_path: Path, prompts: Path, check: Check) -> None:
    """Calls live, an alarm is on in time, the cases say what is missing; then all goes on."""
    check.of(18, "recordings' and records' disk filled to the last byte")
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    with a_small_disk(tmp_path) as disk:
        async with open_floor(tmp_path, prompts, config=settings(tmp_path, disk)) as floor:
            assert await alarms(floor) == set()
            disk.fill()
            began = time.monotonic()
            floor.call(length(12, 200), RATE, talk=TALK)
            flowing = asyncio.create_task(floor.counted())
            await until(
                lambda: alarms(floor),
                lambda on: {("disk_full", "records"), ("disk_full", "recordings")} <= on,
                seconds=ALARM_SECONDS,
            )
            loud = time.monotonic() - began
            counts = await flowing
            unrecorded = await cases_of(floor)
            pages = [await page_of(floor, case) for case in list(unrecorded)[:3]]

            disk.empty()
            floor.call(length(4, 40), RATE, talk=TALK)
            again = await floor.counted()
            cases = await cases_of(floor)
            recorded = await page_of(floor, max(cases))
            await floor.agents_agree()
            await until(
                lambda: without_recording(floor),
                lambda callers: callers == set(unrecorded.values()),
                seconds=ALARM_SECONDS,
            )
            if FULL:
                await until(
                    lambda: alarms(floor),
                    lambda on: "disk_full" not in {kind for kind, _ in on},
                    seconds=ALARM_SECONDS,
                )
    check.count(Tally(calls=len(cases)))
    told = f"{len(unrecorded)} cases say that their recording is missing, an alarm each"
    check.note(f"the alarm was on after {loud:.1f} s; {told}")
    assert (counts.failed, again.failed) == (0, 0)
    for page in pages:
        assert SAID in page
    assert SAID not in recorded
    assert "<audio" in recorded


def settings(folder: Path, disk: SmallDisk) -> dict[str, Any]:
    """A floor that records, onto that disk."""
    config = floor_settings(folder)
    config["queues"]["support"]["record"] = True
    config["asterisk"] |= {name: str(disk.folder / name) for name in ("recordings", "records")}
    return config


async def alarms(floor: Floor) -> set[tuple[str, str]]:
    """Kind and about of those that are on."""
    rows = await floor.ask("SELECT kind, about FROM alarm WHERE cleared_at IS NULL")
    return {(row[0], row[1]) for row in rows}


async def without_recording(floor: Floor) -> set[str]:
    """The callers of the calls whose missing recording is an alarm."""
    rows = await floor.ask(
        "SELECT c.number FROM alarm a JOIN recording r ON r.file = a.about"
        " JOIN conversation c ON c.call_id = r.call_id"
        " WHERE a.kind = 'recording_missing' AND a.cleared_at IS NULL"
    )
    return {row[0] for row in rows}


async def cases_of(floor: Floor) -> dict[str, str]:
    """Case number -> caller, once every call so far has ended and has its one case."""
    numbers = [number for flow in floor.flows for number in flow.numbers]

    async def found() -> list[Any]:
        return list(await floor.ask(CASES))

    rows = await until(
        found,
        lambda rows: (
            Counter(row[0] for row in rows) == Counter(numbers) and all(row[1] for row in rows)
        ),
    )
    return {f"C-{row[3]}-{row[2]:06d}": row[0] for row in rows}


async def page_of(floor: Floor, case: str) -> str:
    """The case as a supervisor reads it."""
    cookie = (await sessions_of(floor, [SUPERVISOR]))[SUPERVISOR]
    async with (
        aiohttp.ClientSession(cookies={"ringdesk_session": cookie}) as session,
        session.get(f"{floor.house.web}/cases/{case}") as answer,
    ):
        assert answer.status == 200
        return await answer.text()

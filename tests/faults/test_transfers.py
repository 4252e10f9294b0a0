"""INVARIANTS 4: real calls that are handed on in every way: one case, all legs, their times.

The telephones of tests/recordings play them on their own Asterisk; Ringdesk listens, as it does at
work, and what it wrote is compared with what the people did (tests/recordings/expected.py).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Connection, func, select

from config.settings import load
from service_desk.desk import Desk, connect
from service_desk.model import Case, Conversation, Leg, Recording
from tests.conftest import need
from tests.faults.conftest import FULL, Check
from tests.faults.floor import Tally
from tests.journeys.ear import samples, seconds_of
from tests.journeys.house import House
from tests.polling import until
from tests.ports import free_ports
from tests.recordings.expected import EXPECTED, Call
from tests.recordings.kinds import KINDS
from tests.recordings.phone import LOUD, VOICES
from tests.recordings.stage import AGENTS, Stage

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
SHORT = ("blind_to_queue", "attended_to_agent")
HANDED_ON = (
    *SHORT,
    "blind_to_agent",
    "via_local",
    "refer_to_agent",
    "refer_to_outside",
    "attended",
    "attended_to_queue",
    "attended_to_waiting",
    "attended_to_outside",
    "consulted",
    "pickup",
    "parked",
    "conference",
    "local_agents",
)
EVERY_WAY = "blind, attended, REFER, pickup, Local, parked, conference"
LOUD_ENOUGH = LOUD * 32767 / 2
NEAR = 0.9  # seconds: people are a unit of one second apart, and the machine is busy
WRITTEN_SECONDS = 20.0
PARTS = ("ring", "talk", "hold", "consult", "wait")


@pytest.mark.timeout(900)
async def test_transferred_calls_stay_one_case(tmp_path: Path, prompts: Path, check: Check) -> None:
    """One case a call, with all its legs, times, who hung up, and its recordings."""
    check.of(4, EVERY_WAY if FULL else "blind to a queue, attended to an agent")
    for part in ("asterisk", "espeak-ng"):
        need(part)
    stage = Stage(tmp_path)
    heard = stage.settings.recordings_folder
    config = yaml.safe_load((tmp_path / "settings.yaml").read_text())
    config["asterisk"]["mode"] = "external"
    web, live = free_ports(2)
    config |= {"web": {"port": web}, "live": {"port": live}}
    house = House(tmp_path, config)
    await house.furnish(prompts)
    names = HANDED_ON if FULL else SHORT
    wrong: dict[str, list[str]] = {}
    async with stage:
        await house.start("serve", "--without", "ivr")
        desk = Desk(connect(load(house.file).database.url))
        try:
            for number, name in enumerate(names, 1):
                stage.ami.events.clear()
                await KINDS[name](stage)
                await stage.ami.quiet()
                wrong[name] = await compared(desk, EXPECTED[name], number)
                wrong[name] += await desk.fetch(unheard, EXPECTED[name], heard)
        finally:
            await desk.close()
            await house.stop()
    lost = [name for name in names if wrong[name]]
    check.count(Tally(calls=len(names), lost=lost))
    check.note(", ".join(name for name in names if not wrong[name]))
    assert not any(wrong.values()), wrong


def unheard(connection: Connection, expected: Call, folder: Path) -> list[str]:
    """Agents who talked in the newest call and are missing in its recordings."""
    newest = (
        select(Conversation.call_id)
        .where(Conversation.merged_into.is_(None))
        .order_by(Conversation.arrived_at.desc())
        .limit(1)
    )
    files = connection.scalars(
        select(Recording.file).where(Recording.call_id == newest.scalar_subquery())
    )
    sounds = [samples(folder / file) for file in files]
    talked: Counter[str] = Counter()
    for leg in expected.legs:
        talked[leg.who] += leg.talk if leg.who in AGENTS else 0
    heard = {
        who: sum(seconds_of(VOICES[who], sound, LOUD_ENOUGH) for sound in sounds)
        for who in talked
        if talked[who]
    }
    return [
        f"{who} is heard for {heard[who]:.1f} s of {talked[who]} in {len(sounds)} recordings"
        for who in heard
        if heard[who] < talked[who] - NEAR
    ]


async def compared(desk: Desk, expected: Call, calls: int) -> list[str]:
    """What differs from the conversation written down, once it is written (or the time is over)."""
    async with asyncio.timeout(2 * WRITTEN_SECONDS):
        try:
            return await until(
                lambda: desk.fetch(differences, expected, calls),
                lambda found: not found,
                seconds=WRITTEN_SECONDS,
            )
        except TimeoutError:
            return await desk.fetch(differences, expected, calls)


def differences(connection: Connection, expected: Call, calls: int) -> list[str]:
    """Of the newest call; `calls` are there with as many cases, or that is a difference."""
    rows = connection.execute(
        select(Conversation.__table__)
        .where(Conversation.merged_into.is_(None))
        .order_by(Conversation.arrived_at)
    ).all()
    cases = connection.scalar(select(func.count(Case.id)).where(Case.status != "merged"))
    if (len(rows), cases) != (calls, calls):
        return [f"{calls} calls: {len(rows)} conversations, {cases} cases"]
    call = rows[-1]
    legs = connection.execute(
        select(Leg.__table__)
        .where(Leg.call_id == call.call_id)
        .order_by(Leg.started_at, Leg.leg_id)
    ).all()
    files = connection.scalar(
        select(func.count(Recording.id)).where(Recording.call_id == call.call_id)
    )
    told = {
        "outcome": (call.outcome, expected.outcome),
        "by": (call.ended_by, expected.by),
        "agents": (tuple(call.agents), expected.agents),
        "recordings": (files, expected.recordings),
        "legs": ([_who(leg) for leg in legs], [(leg.who, leg.by) for leg in expected.legs]),
    }
    found = [f"{what}: {is_} is not {meant}" for what, (is_, meant) in told.items() if is_ != meant]
    found += [
        f"{what}: {getattr(call, what)} is not {getattr(expected, what)}"
        for what in ("waited", "talked", "held")
        if not _near(getattr(call, what), getattr(expected, what))
    ]
    for leg, meant in zip(legs, expected.legs, strict=False):
        seconds = {kind: _seconds(leg.spans, kind) for kind in PARTS}
        if not all(_near(seconds[kind], getattr(meant, kind)) for kind in PARTS):
            found.append(f"{meant.who}: {seconds} is not {meant}")
    return found


def _who(leg: Any) -> tuple[str, str]:
    who = leg.agent or ("caller" if leg.party == "caller" else leg.address)
    return who, leg.ended_by


def _seconds(spans: list[Any], kind: str) -> float:
    return float(sum(end - begin for what, begin, end in spans if what == kind))


def _near(value: float | None, expected: float | None) -> bool:
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) <= NEAR

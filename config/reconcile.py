"""`ringdesk reconcile`: Asterisk's own records against the cases, once, by hand.

Reads the records from their beginning, apart from how far the bridge has read them. While a bridge
acts it alone writes calls: then we wait for what it repairs, and say what is left.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, field
from sqlalchemy import Connection, select

from config.journal_keeper import details_of, reader_of
from config.settings import Settings
from cti import events as cti
from cti.journal import Reject
from cti.journal_reader import JournalReader
from service_desk.actions.bridge_lock import one_active_bridge
from service_desk.alarms import AlarmOn, alarms_on
from service_desk.desk import Desk
from service_desk.intake import Intake, packed
from service_desk.intake_journal import JournalIntake
from service_desk.model import Conversation, Leg
from service_desk.reconcile import Reconciler

LOCK_SECONDS: Final = 3.0  # a lock that nobody holds is ours at once
BRIDGE_SECONDS: Final = 90.0  # what a bridge that acts needs at most: a comparison, and a round
LOOK_SECONDS: Final = 3.0
MOST_CALLS: Final = 2_000_000
MOST_REPAIRED: Final = 20_000  # calls in one go
SHOWN_LINES: Final = 10  # of those put aside
SHOWN_BYTES: Final = 100
SHOWN_SUBJECTS: Final = 10  # of one alarm
GRACE: Final = timedelta(seconds=10)  # a call that ended this short ago may still be on its way


class Call(Struct):
    """One call as the records tell it."""

    arrived_at: datetime
    ended_at: datetime | None = None
    legs: set[str] = field(default_factory=set)


class Outcome(Struct):
    """What was found, in calls; `left` were not repaired."""

    seen: int = 0
    right: int = 0
    going_on: int = 0
    missing: int = 0
    unended: int = 0
    legs_missing: int = 0
    left: int = 0
    lines_aside: int = 0
    aside: list[Reject] = []  # the last of them of which nothing was used
    alarms: list[AlarmOn] = []
    by_bridge: bool = False  # a bridge acts, and repaired what was repaired

    @property
    def to_repair(self) -> int:
        """Calls that were not as the records tell them."""
        return self.missing + self.unended + self.legs_missing

    def lines(self) -> list[str]:
        """A table for the console."""
        who = "by the bridge that runs" if self.by_bridge else "now"
        rows = [
            ("calls in the records", self.seen, ""),
            ("  already right", self.right, ""),
            ("  still going on", self.going_on, ""),
            ("  repaired", self.to_repair - self.left, who if self.to_repair else ""),
            ("    without a case", self.missing, ""),
            ("    without an end", self.unended, ""),
            ("    without a leg", self.legs_missing, ""),
            ("  not repaired", self.left, ""),
            ("lines put aside", self.lines_aside, "the last are below" if self.aside else ""),
            ("alarms", len(self.alarms), ""),
        ]
        told = [f"{name:<24}{many:>9}  {note}".rstrip() for name, many, note in rows]
        # What stands in such a line may be anything: shown as Python writes bytes, never raw.
        told += [f"  {each.reason}: {each.line[:SHOWN_BYTES]!r}" for each in self.aside]
        return told + [line for each in self.alarms for line in _alarm(each)]


def _alarm(alarm: AlarmOn) -> Iterator[str]:
    """One line a kind, and the newest of what it is about."""
    many, minute = f" x {alarm.count}" if alarm.count > 1 else "", "%Y-%m-%d %H:%M"
    yield f"  {alarm.kind}{many}: since {alarm.since:{minute}}, last {alarm.last:{minute}}"
    for each in alarm.newest[:SHOWN_SUBJECTS]:
        yield f"    {each.raised_at:{minute}}  {each.kind}: {each.about}"


async def reconcile(settings: Settings, desk: Desk, since: datetime) -> Outcome:
    """Compare, repair, and compare again. Raises DatabaseAway, OSError."""
    found, many, aside = await asyncio.to_thread(_in_records, settings, since)
    first = await _compare(desk, found)
    outcome = Outcome(seen=len(found), lines_aside=many, aside=aside)
    before = desk.clock.now() - GRACE
    for call_id, call in found.items():
        match first.get(call_id):
            case _ if call.ended_at is None or call.ended_at > before:
                outcome.going_on += 1
            case "missing":
                outcome.missing += 1
            case "unended":
                outcome.unended += 1
            case "legs":
                outcome.legs_missing += 1
            case _:
                outcome.right += 1
    wrong = {call_id for call_id in first if _is_over(found[call_id], before)}
    try:
        async with asyncio.timeout(LOCK_SECONDS) as limit, one_active_bridge(desk, settings.system):
            limit.reschedule(None)
            await _repair(settings, desk, wrong)
    except TimeoutError:
        outcome.by_bridge = True
        await _wait(desk, {call_id: found[call_id] for call_id in wrong})
    outcome.left = len(await _compare(desk, {call_id: found[call_id] for call_id in wrong}))
    outcome.alarms = await alarms_on(desk, settings.system)
    return outcome


def _is_over(call: Call, before: datetime) -> bool:
    return call.ended_at is not None and call.ended_at <= before


def _in_records(settings: Settings, since: datetime) -> tuple[dict[str, Call], int, list[Reject]]:
    """Every call since then that is in the records, how many lines are none, and the last."""
    reader = reader_of(settings)
    calls: dict[str, Call] = {}
    into: dict[str, str] = {}
    many = 0
    aside: deque[Reject] = deque(maxlen=SHOWN_LINES)
    while (portion := reader.next()) is not None:
        many += portion.rejected
        aside += [each for each in portion.rejects if not each.used]
        _sum_up(calls, into, portion.facts)
    _sum_up(calls, into, reader.going_on())
    found = {call_id: call for call_id, call in calls.items() if call.arrived_at >= since}
    return found, many, list(aside)


def _sum_up(calls: dict[str, Call], into: dict[str, str], facts: list[cti.CallFact]) -> None:
    for fact in facts:
        if isinstance(fact, cti.CallMerged):
            _merge(calls, into, fact)
        call = calls.get(into.get(fact.call_id, fact.call_id))
        if call is None and len(calls) < MOST_CALLS and isinstance(fact, cti.CallArrived):
            call = calls[fact.call_id] = Call(fact.at)
        if call is None:
            continue
        if isinstance(fact, cti.LegStarted):
            call.legs.add(fact.leg_id)
        elif isinstance(fact, cti.CallEnded):
            call.ended_at = fact.at


def _merge(calls: dict[str, Call], into: dict[str, str], fact: cti.CallMerged) -> None:
    into[fact.absorbed] = fact.call_id
    gone = calls.pop(fact.absorbed, None)
    if gone is not None:
        stays = calls.setdefault(fact.call_id, Call(gone.arrived_at))
        stays.legs |= gone.legs


async def _compare(desk: Desk, calls: dict[str, Call]) -> dict[str, str]:
    """What is wrong, by call: `missing`, `unended` or `legs`."""
    wrong: dict[str, str] = {}
    ids = list(calls)
    for at in range(0, len(ids), 500):
        part = ids[at : at + 500]
        there, legs = await desk.fetch(_in_tables, part)
        for call_id in part:
            if call_id not in there:
                wrong[call_id] = "missing"
            elif calls[call_id].ended_at is not None and not there[call_id]:
                wrong[call_id] = "unended"
            elif not calls[call_id].legs <= legs:
                wrong[call_id] = "legs"
    return wrong


def _in_tables(connection: Connection, ids: list[str]) -> tuple[dict[str, bool], set[str]]:
    """Whether each has ended, and the legs there are; a merged call's are those of the other."""
    rows = connection.execute(
        select(Conversation.call_id, Conversation.ended_at, Conversation.merged_into).where(
            Conversation.call_id.in_(ids)
        )
    ).all()
    roots = {row.merged_into or row.call_id for row in rows}
    legs = set(connection.scalars(select(Leg.leg_id).where(Leg.call_id.in_(roots))))
    return {row.call_id: bool(row.ended_at or row.merged_into) for row in rows}, legs


async def _repair(settings: Settings, desk: Desk, wrong: Collection[str]) -> None:
    """As the active bridge would: read on; then what is still wrong, whatever the cursor says."""
    intake = Intake(desk)
    journal = JournalIntake(desk, intake, reader_of(settings))
    await journal.load()
    reconciler = Reconciler(desk, journal, details_of(settings), channels=lambda: None)
    try:
        await reconciler.round()
    finally:
        await journal.close()
    if wrong:
        reader = reader_of(settings)
        for facts in await asyncio.to_thread(_facts_of, reader, set(wrong)):
            await intake.write([packed(fact) for fact in facts])
        await reconciler.round()


def _facts_of(reader: JournalReader, wrong: set[str]) -> list[list[cti.CallFact]]:
    """Every fact of these calls, and of those that were merged into them."""
    found: dict[str, list[cti.CallFact]] = {}
    while (portion := reader.next()) is not None:
        for fact in portion.facts:
            if isinstance(fact, cti.CallMerged) and fact.call_id in wrong:
                wrong.add(fact.absorbed)
            if fact.call_id in wrong and len(found) < MOST_REPAIRED:
                found.setdefault(fact.call_id, []).append(fact)
    return list(found.values())


async def _wait(desk: Desk, wrong: dict[str, Call]) -> None:
    """Until the bridge that acts has put it right, or had time enough to."""
    for _ in range(int(BRIDGE_SECONDS / LOOK_SECONDS)):
        if not await _compare(desk, wrong):
            return
        await asyncio.sleep(LOOK_SECONDS)

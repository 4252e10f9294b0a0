"""Live and journal agree about every recorded kind of call, but for what no record tells."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cti.events import CallFact
from cti.interpret import Interpreter
from service_desk.desk import Desk
from service_desk.fold_facts import TELLING
from service_desk.intake import Intake, packed
from service_desk.model import metadata
from service_desk.shared_state import shared
from service_desk.state_hash import rows_of, state_hash
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording
from tests.fakes.cel_recording import SYSTEM, journal_facts

# The second queue follows the first with nothing between them: it is in no record.
UNWRITTEN = {"queue_timeout"}
KINDS = [name for name in NAMES if name not in UNWRITTEN]
NEAR = 0.2  # seconds: the two are written one after the other

Known = dict[tuple[str, ...], list[dict[str, Any]]]


def heard(name: str) -> list[CallFact]:
    by = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for message in recording(name).messages for fact in by.feed(message)]
    return [fact for fact in facts if isinstance(fact, TELLING)]


async def tell(desk: Desk, facts: Iterable[CallFact]) -> None:
    await Intake(desk).write([packed(fact) for fact in facts])


async def wipe(desk: Desk) -> None:
    async with desk.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


async def known(desk: Desk) -> Known:
    """What both can know, by what it is about, in order."""
    found: Known = {}
    rows = await desk.fetch(lambda connection: list(rows_of(connection)))
    for table, row in rows:
        told = shared(table, row)
        about = (table, *(str(told.get(name, "")) for name in ("leg_id", "alias", "queue", "kind")))
        key = str(told.pop("key", "")).rpartition(":")[0]  # a time is at its end
        call = told.get("call_id") or told.get("opened_by_call_id") or ""
        found.setdefault((*about, key, call), []).append(told)
    for same in found.values():
        same.sort(key=lambda row: str(row.get("at") or row.get("entered_at")))
    return found


def near(one: Any, other: Any) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs(one - other) <= timedelta(seconds=NEAR)
    if isinstance(one, int | float) and isinstance(other, int | float):
        return abs(one - other) <= NEAR
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(near, one, other))
    return bool(one == other)


async def test_live_and_journal_agree_about_every_recorded_kind(desk: Desk) -> None:
    await tell(desk, [fact for name in KINDS for fact in heard(name)])
    live = await known(desk)
    await wipe(desk)
    await tell(desk, [fact for name in KINDS for fact in journal_facts(name)])
    journal = await known(desk)
    assert live.keys() == journal.keys()
    differ = [(live[key], journal[key]) for key in live if not near(live[key], journal[key])]
    assert not differ
    assert {key[0] for key in live} >= {"conversation", "leg", "service_case", "case_entry"}


async def test_the_journal_on_top_of_calls_heard_in_full_changes_nothing(desk: Desk) -> None:
    """Not even what no record tells."""
    await tell(desk, [fact for name in KINDS for fact in heard(name)])
    before = await state_hash(desk)
    for name in KINDS:
        await tell(desk, journal_facts(name))
    assert await state_hash(desk) == before


async def test_the_hash_of_what_both_know_leaves_out_hold_and_sees_the_rest(desk: Desk) -> None:
    await tell(desk, heard("hold"))
    both, full = await state_hash(desk, shared), await state_hash(desk)
    async with desk.engine.begin() as connection:
        leg = metadata.tables["leg"]
        await connection.execute(
            leg.update().values(talked=leg.c.talked + leg.c.held, held=0.0, wrapped_up=3.0)
        )
    assert await state_hash(desk, shared) == both
    assert await state_hash(desk) != full
    async with desk.engine.begin() as connection:
        await connection.execute(leg.update().values(cause=31))
    assert await state_hash(desk, shared) != both

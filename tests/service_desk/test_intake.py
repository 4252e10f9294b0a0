"""Facts in, one case out: in any order, any number of times, in any portions."""

from __future__ import annotations

import asyncio
import hashlib
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DataError

from cti import events as cti
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.events import CardChanged, CaseOpened, CustomerChosen, DeskEvent
from service_desk.intake import Intake
from service_desk.intake_sweep import sweep
from service_desk.jobs.work import Work
from service_desk.model import Case, ContactPoint, Conversation, Customer, Leg, QueueVisit, metadata
from service_desk.queries.conversations import conversation_page

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYSTEM = "pbx-1"


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def call(name: str, start: float = 0.0, number: str = "+493055501001") -> list[cti.CallFact]:
    """A call to 1000 that waits 20 s in `support`, is answered by ava and talks for a minute."""
    base: dict[str, Any] = {"system": SYSTEM, "call_id": name}
    one, two = f"{name}.1", f"{name}.2"

    def when(seconds: float) -> dict[str, Any]:
        return {**base, "at": at(start + seconds)}

    return [
        cti.CallArrived(**when(0), leg_id=one, channel="PJSIP/t-1", direction="inbound",
                        caller_number=number, caller_name="Eva", dialed="1000"),
        cti.LegStarted(**when(0), leg_id=one, channel="PJSIP/t-1", party="caller", address=number),
        cti.CallQueued(**when(10), queue="support", position=1, leg_id=one),
        cti.LegStarted(**when(12), leg_id=two, channel="PJSIP/ava-1", party="agent",
                       address="ava", agent="ava"),
        cti.CallOffered(**when(12), agent="ava", leg_id=two, queue="support"),
        cti.CallLeftQueue(**when(30), queue="support", reason="answered", waited=20.0),
        cti.CallAnswered(**when(30), agent="ava", leg_id=two, queue="support", waited=20.0),
        cti.LegJoined(**when(30), leg_id=one, bridge_id="b1"),
        cti.LegJoined(**when(30), leg_id=two, bridge_id="b1"),
        cti.RecordingStarted(**when(30), file=f"2026/03/02/{one}.wav"),
        cti.LegHeld(**when(50), leg_id=two),
        cti.LegResumed(**when(60), leg_id=two),
        cti.LegParted(**when(90), leg_id=one, bridge_id="b1"),
        cti.LegParted(**when(90), leg_id=two, bridge_id="b1"),
        cti.RecordingStopped(**when(90), file=f"2026/03/02/{one}.wav"),
        cti.CallReleased(**when(90), agent="ava", leg_id=two, talked=60.0),
        cti.LegEnded(**when(90), leg_id=two, cause=16),
        cti.LegEnded(**when(90), leg_id=one, cause=16),
        cti.CallEnded(**when(90), cause=16, by="caller"),
    ]  # fmt: skip


def packed(fact: cti.CallFact) -> tuple[bytes, cti.CallFact]:
    return msgspec.msgpack.encode(fact), fact


def abandoned(name: str, start: float = 0.0) -> list[cti.CallFact]:
    """A caller who gives up after eight seconds in the queue."""
    base: dict[str, Any] = {"system": SYSTEM, "call_id": name}
    one = f"{name}.1"
    return [
        cti.CallArrived(**base, at=at(start), leg_id=one, channel="c", direction="inbound",
                        caller_number="anonymous", caller_name="", dialed="2000"),
        cti.CallQueued(**base, at=at(start + 1), queue="support", position=1, leg_id=one),
        cti.CallLeftQueue(**base, at=at(start + 9), queue="support", reason="abandoned", waited=8),
        cti.LegEnded(**base, at=at(start + 9), leg_id=one, cause=16),
        cti.CallEnded(**base, at=at(start + 9), cause=16, by="caller"),
    ]  # fmt: skip


def consult(name: str, into: str, start: float) -> list[cti.CallFact]:
    """ava calls ben inside the house; then both calls become one, and ben keeps the caller."""
    base: dict[str, Any] = {"system": SYSTEM, "call_id": name}
    return [
        cti.CallArrived(**base, at=at(start), leg_id=f"{name}.1", channel="PJSIP/ava-2",
                        direction="internal", caller_number="101", caller_name="Ava",
                        dialed="102", agent="ava"),
        cti.LegStarted(**base, at=at(start), leg_id=f"{name}.2", channel="PJSIP/ben-1",
                       party="agent", address="ben", agent="ben"),
        cti.CallAnswered(**base, at=at(start + 3), agent="ben", leg_id=f"{name}.2"),
        cti.LegJoined(**base, at=at(start + 3), leg_id=f"{name}.2", bridge_id="b2"),
        cti.CallMerged(system=SYSTEM, call_id=into, at=at(start + 9), absorbed=name),
        cti.CallTransferred(system=SYSTEM, call_id=into, at=at(start + 9), kind="attended",
                            by="ava", to="102"),
        cti.LegEnded(**base, at=at(start + 9), leg_id=f"{name}.1", cause=16),
        cti.LegParted(system=SYSTEM, call_id=into, at=at(start + 40), leg_id=f"{name}.2",
                      bridge_id="b2"),
        cti.LegEnded(system=SYSTEM, call_id=into, at=at(start + 40), leg_id=f"{name}.2", cause=16),
        cti.CallEnded(system=SYSTEM, call_id=into, at=at(start + 40), cause=16, by="caller"),
    ]  # fmt: skip


async def feed(desk: Desk, *portions: list[cti.CallFact]) -> Intake:
    """Give the intake portion after portion, each committed before the next."""
    intake = Intake(desk)
    await intake.start()
    for portion in portions:
        for fact in portion:
            intake.take(fact)
        await intake.settled()
    await intake.stop()
    assert intake.lost == 0
    return intake


async def tables(desk: Desk) -> str:
    """A hash of all that is stored; row ids replaced by what they stand for, signposts left out."""

    def read(connection: Any) -> str:
        cases = {
            row.id: row.opened_by_call_id or row.subject
            for row in connection.execute(select(Case.id, Case.opened_by_call_id, Case.subject))
        }
        lines: list[str] = []
        for table in metadata.sorted_tables:
            if table.name in ("outbox", "conversation_facts", "alembic_version"):
                continue
            for row in connection.execute(select(table)).mappings():
                values = dict(row)
                if values.get("merged_into") is not None:
                    continue
                values.pop("id", None)
                if values.get("case_id") is not None:
                    values["case_id"] = cases[values["case_id"]]
                lines.append(f"{table.name} {msgspec.json.encode(values, order='sorted')!r}")
        return "\n".join(sorted(lines))

    return await desk.fetch(read)


def digest(told: str) -> str:
    return hashlib.sha256(told.encode()).hexdigest()


async def rows(desk: Desk, *columns: Any) -> list[Any]:
    return await desk.fetch(lambda connection: list(connection.execute(select(*columns)).all()))


async def wipe(desk: Desk) -> None:
    async with desk.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


async def customer(desk: Desk, name: str, number: str, key: int | None = None) -> int:
    async with desk.engine.begin() as connection:
        chosen = {} if key is None else {"id": key}
        made = await connection.execute(
            insert(Customer),
            {**chosen, "name": name, "name_key": name.lower(), "created_at": T0, "changed_at": T0},
        )
        key = made.inserted_primary_key[0]
        await connection.execute(
            insert(ContactPoint), {"customer_id": key, "kind": "phone", "value": number}
        )
    return int(key)


async def test_a_call_ends_in_one_case_with_its_times(desk: Desk) -> None:
    """An answered call: one conversation, one open case of the agent, waits and talks right."""
    await feed(desk, call("a"))
    [row] = await rows(desk, Conversation)
    assert (row.outcome, row.queue, row.agents, row.waited) == ("answered", "support", ["ava"], 20)
    assert (row.talked, row.held, row.number) == (50.0, 10.0, "+493055501001")
    assert row.ended_at == at(90)
    [case] = await rows(desk, Case)
    assert case.id == row.case_id
    assert (case.status, case.owner) == ("open", "ava")
    assert (case.subject_kind, case.subject) == ("queue", "support")
    legs = {leg.leg_id: leg for leg in await rows(desk, Leg)}
    assert legs["a.2"].ringing == 18.0
    assert legs["a.2"].talked == 50.0
    assert (legs["a.1"].talked, legs["a.1"].held) == (50.0, 10.0)
    assert legs["a.1"].spans == [
        ["wait", 10.0, 30.0],
        ["talk", 30.0, 50.0],
        ["hold", 50.0, 60.0],
        ["talk", 60.0, 90.0],
    ]
    [visit] = await rows(desk, QueueVisit)
    assert (visit.reason, visit.waited, visit.agent) == ("answered", 20.0, "ava")


async def test_a_case_exists_when_the_call_arrives(desk: Desk, told: list[DeskEvent]) -> None:
    """The first fact alone opens the case and is told."""
    await feed(desk, call("a")[:1])
    [case] = await rows(desk, Case)
    assert case.status == "new"
    assert [type(each) for each in told] == [CaseOpened, CardChanged]
    assert told[0].number == f"C-2026-{case.id:06d}"


async def test_an_abandoned_call_is_a_case_too(desk: Desk) -> None:
    """Nobody answered; still one case, and the visit says why it ended."""
    await feed(desk, abandoned("a"))
    [row] = await rows(desk, Conversation.outcome, Conversation.number)
    assert tuple(row) == ("abandoned", "")
    assert len(await rows(desk, Case.id)) == 1
    [visit] = await rows(desk, QueueVisit.reason, QueueVisit.waited)
    assert tuple(visit) == ("abandoned", 8.0)


async def test_the_only_customer_of_a_number_is_attached(desk: Desk, told: list[DeskEvent]) -> None:
    """Exactly one: attached to call and case, and told."""
    known = await customer(desk, "Eva", "+493055501001")
    await feed(desk, call("a"))
    assert [tuple(each) for each in await rows(desk, Conversation.customer_id)] == [(known,)]
    assert [tuple(each) for each in await rows(desk, Case.customer_id)] == [(known,)]
    assert any(isinstance(each, CustomerChosen) for each in told)


async def test_a_number_of_two_customers_is_not_guessed(desk: Desk) -> None:
    """Two customers share it: the agent chooses, not we."""
    await customer(desk, "Eva", "+493055501001")
    await customer(desk, "Adam", "+493055501001")
    await feed(desk, call("a"))
    assert [tuple(each) for each in await rows(desk, Case.customer_id)] == [(None,)]


async def test_an_internal_consult_opens_no_case(desk: Desk) -> None:
    """Colleagues may talk without a case, whatever fact of it came first."""
    facts = consult("c", "x", 0)[:4]
    await feed(desk, facts)
    assert await rows(desk, Case.id) == []
    await wipe(desk)
    await feed(desk, facts[1:], facts[:1])
    assert await rows(desk, Case.id) == []
    assert len(await rows(desk, Conversation.call_id)) == 1


async def test_merged_calls_are_one_case(desk: Desk) -> None:
    """After an attended transfer: one live conversation with all legs, both agents, one case."""
    await feed(desk, call("a")[:-4], consult("c", "a", 60))
    live = [each for each in await rows(desk, Conversation) if each.merged_into is None]
    assert [each.call_id for each in live] == ["a"]
    assert live[0].agents == ["ava", "ben"]
    assert live[0].direction == "inbound"
    assert {leg.leg_id for leg in await rows(desk, Leg) if leg.call_id == "a"} == {
        "a.1", "a.2", "c.1", "c.2",
    }  # fmt: skip
    assert len(await rows(desk, Case.id)) == 1


async def test_two_cases_that_become_one_leave_a_signpost(desk: Desk) -> None:
    """Both calls had a case; one remains, the other says where it went."""
    merge = cti.CallMerged(system=SYSTEM, call_id="a", at=at(95), absorbed="b")
    await feed(desk, call("a"), call("b", 5), [merge])
    cases = {each.opened_by_call_id: each for each in await rows(desk, Case)}
    assert cases["b"].status == "merged"
    assert cases["b"].merged_into == cases["a"].id
    assert cases["a"].status == "open"


@pytest.mark.parametrize("seed", range(12))
async def test_order_repetition_and_portions_change_nothing(desk: Desk, seed: int) -> None:
    """Shuffled, repeated, cut into portions, with restarts between: the same tables."""
    facts = [
        *call("a"),
        *call("b", 7, "+493055501002"),
        *abandoned("d", 3),
        *consult("c", "a", 60),
    ]
    await customer(desk, "Eva", "+493055501001", 77)
    await feed(desk, facts)
    expected = await tables(desk)
    await wipe(desk)
    await customer(desk, "Eva", "+493055501001", 77)
    chance = random.Random(seed)
    many = facts + chance.choices(facts, k=20)
    chance.shuffle(many)
    while many:
        size = chance.randint(1, len(many))
        portion, many = many[:size], many[size:]
        middle = chance.randint(0, len(portion))
        await feed(desk, portion[:middle], portion[middle:])
    assert await tables(desk) == expected


async def test_replay_changes_nothing(desk: Desk, told: list[DeskEvent]) -> None:
    """The same facts once more write and tell nothing."""
    await feed(desk, call("a"))
    before = digest(await tables(desk))
    told.clear()
    await feed(desk, call("a"))
    assert digest(await tables(desk)) == before
    assert told == []


async def test_swept_calls_stay_closed(desk: Desk, clock: HandClock) -> None:
    """Long after the end a late fact does not reopen a call."""
    await feed(desk, call("a"))
    clock.advance(5 * 24 * 3600)
    assert await sweep(Work(desk)) == 1
    before = digest(await tables(desk))
    await feed(desk, call("a")[:1], [call("a", 1)[-1]])
    assert digest(await tables(desk)) == before


async def test_a_lost_call_that_is_found_again_was_not_lost(desk: Desk) -> None:
    """The journal's end replaces the guess made at a resync, in either order."""
    guess = cti.CallEnded(system=SYSTEM, call_id="a", at=at(200), cause=0, by="unknown", lost=True)
    await feed(desk, call("a"), [guess])
    assert [tuple(each) for each in await rows(desk, Conversation.outcome)] == [("answered",)]
    await wipe(desk)
    await feed(desk, [guess], call("a"))
    assert [tuple(each) for each in await rows(desk, Conversation.outcome)] == [("answered",)]


async def test_hostile_bytes_are_stored_as_text(desk: Desk) -> None:
    """NUL, lone surrogates and markup in names and numbers neither fail nor vanish."""
    nasty = '"><img src=x onerror=alert(1)>\x00\udcff'
    fact = msgspec.structs.replace(call("a")[0], caller_name=nasty, caller_number=nasty + "9" * 99)
    await feed(desk, [fact])
    [row] = await rows(desk, Conversation.caller_name)
    assert row.caller_name.startswith('"><img src=x onerror=alert(1)>')
    assert "\x00" not in row.caller_name


async def test_many_calls_in_one_batch(desk: Desk, told: list[DeskEvent]) -> None:
    """Two hundred interleaved calls: two hundred cases, each opened once."""
    facts = [fact for group in zip(*(call(f"n{i}", i) for i in range(200)), strict=True)
             for fact in group]  # fmt: skip
    await feed(desk, facts)
    [count] = await rows(desk, func.count(Case.id))
    assert count[0] == 200
    opened = [each.call_id for each in told if isinstance(each, CaseOpened)]
    assert len(opened) == len(set(opened)) == 200


async def test_facts_survive_a_database_that_is_away(desk: Desk, monkeypatch: Any) -> None:
    """Writes that fail are tried again; nothing is lost or doubled."""
    monkeypatch.setattr("service_desk.intake.FIRST_PAUSE", 0.01)
    failures = 3
    real = desk.transact

    async def failing(function: Any, *arguments: Any) -> Any:
        nonlocal failures
        if failures:
            failures -= 1
            raise DatabaseAway("gone")
        return await real(function, *arguments)

    monkeypatch.setattr(desk, "transact", failing)
    intake = Intake(desk)
    await intake.start()
    for fact in call("a"):
        intake.take(fact)
    await asyncio.wait_for(intake.settled(), 20)
    await intake.stop()
    assert failures == 0
    assert len(await rows(desk, Case.id)) == 1
    assert len(await rows(desk, Leg.leg_id)) == 2


async def test_a_fact_the_database_refuses_stops_no_other(desk: Desk, monkeypatch: Any) -> None:
    """One poisoned fact is dropped and counted; its neighbours are written."""
    monkeypatch.setattr("service_desk.intake.FIRST_PAUSE", 0.001)
    real = desk.transact

    async def picky(function: Any, batch: Any, *arguments: Any) -> Any:
        if any(isinstance(fact, cti.CallQueued) for _, fact in batch):
            raise DataError("insert", {}, Exception("no"))
        return await real(function, batch, *arguments)

    monkeypatch.setattr(desk, "transact", picky)
    intake = Intake(desk)
    await intake.start()
    for fact in call("a"):
        intake.take(fact)
    await asyncio.wait_for(intake.settled(), 20)
    await intake.stop()
    assert intake.lost == 1
    assert [tuple(each) for each in await rows(desk, Conversation.outcome)] == [("answered",)]


async def test_sqlite_is_durable(desk: Desk) -> None:
    """WAL, full synchronisation and foreign keys hold on the connections that write."""
    if not desk.is_sqlite:
        pytest.skip("PostgreSQL has its own")

    def pragmas(connection: Any) -> list[Any]:
        return [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert await desk.transact(pragmas) == ["wal", 2, 1]


async def test_a_value_too_long_for_the_database_stops_nothing(desk: Desk) -> None:
    """PostgreSQL measures what SQLite does not: such a fact is dropped, the others are written."""
    long = cti.LegEnded(system=SYSTEM, call_id="a", at=at(95), leg_id="x" * 500, cause=16)
    intake = Intake(desk)
    await intake.start()
    for fact in [*call("a"), long]:
        intake.take(fact)
    await asyncio.wait_for(intake.settled(), 20)
    await intake.stop()
    assert intake.lost == (0 if desk.is_sqlite else 1)
    assert [tuple(each) for each in await rows(desk, Conversation.outcome)] == [("answered",)]


async def test_a_number_no_database_takes_stops_no_other_call(desk: Desk, monkeypatch: Any) -> None:
    """SQLite's driver refuses it by OverflowError, which is none of SQLAlchemy's: the next call
    is written all the same."""
    monkeypatch.setattr("service_desk.intake.FIRST_PAUSE", 0.001)
    intake = Intake(desk)
    await intake.start()
    arrived, *_ = call("a")
    ended = cti.LegEnded(system=SYSTEM, call_id="a", at=at(1), leg_id="a.1", cause=2**63)
    for fact in (arrived, ended, *call("b")):
        intake.take(fact)
    await asyncio.wait_for(intake.settled(), 20)
    await intake.stop()
    assert intake.lost == 1
    assert await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(Case))) == 2


async def test_who_is_on_the_line_now_is_told_up_to_now(desk: Desk, clock: HandClock) -> None:
    """Rows say what is over; a page shows the caller waiting, the device ringing, both talking."""

    async def seen(seconds: float) -> list[list[tuple[str, float]]]:
        await feed(desk, [fact for fact in call("a") if fact.at <= at(seconds)])
        clock.advance((at(seconds + 4) - clock.now()).total_seconds())
        page = await conversation_page(desk, "a")
        return [[(each.kind, each.end - each.begin) for each in leg.spans] for leg in page.legs]

    assert await seen(10) == [[("wait", 4.0)]]
    assert await seen(12) == [[("wait", 6.0)], [("ring", 4.0)]]
    both = ("talk", 4.0)
    assert await seen(30) == [[("wait", 20.0), both], [("ring", 18.0), both]]
    held = ("talk", 20.0), ("hold", 4.0)
    assert await seen(50) == [[("wait", 20.0), *held], [("ring", 18.0), *held]]
    over = ("talk", 20.0), ("hold", 10.0), ("talk", 30.0)
    assert await seen(90) == [[("wait", 20.0), *over], [("ring", 18.0), *over]]

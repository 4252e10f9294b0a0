"""Real calls, from Asterisk's events to what the desk stores of them, against what people did."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from cti import events as e
from cti.ami.wire import Message, message
from cti.conversation import call_id_of
from cti.interpret import Interpreter
from service_desk.desk import Desk
from service_desk.fold import fold
from service_desk.fold_facts import TELLING
from service_desk.intake import Intake, packed
from service_desk.model import Case, Conversation, Recording
from service_desk.model import Leg as LegRow
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording
from tests.fakes.cel_recording import journal_facts
from tests.recordings.expected import EXPECTED, OUTSIDE, WITHIN, Call, Leg
from tests.recordings.kinds import KINDS

PARTS = {"ring": "ring", "talk": "talk", "hold": "hold", "consult": "consult", "wait": "wait"}


def facts_of(messages: Iterable[Message]) -> list[e.CallFact]:
    by = Interpreter("ringdesk-1", {**EXTENSIONS, "dan": "101", "eve": "102"})
    return [fact for m in messages for fact in by.feed(m) if isinstance(fact, TELLING)]


def story_of(call_id: str, facts: Iterable[e.CallFact]) -> Story:
    return fold(call_id, {msgspec.msgpack.encode(fact): fact for fact in facts}, "DE")


def first_id(name: str) -> str:
    first = next(m for m in recording(name).messages if m.name == "Newchannel")
    return call_id_of("ringdesk-1", first.get("Linkedid"))


def near(value: float | None, expected: float | None) -> bool:
    if value is None or expected is None:
        return value is expected
    return abs(value - expected) <= WITHIN


def shape(row: dict[str, Any]) -> tuple[str, str, int]:
    who = row["agent"] or ("caller" if row["party"] == "caller" else row["address"])
    return who, row["ended_by"], row["cause"]


def seconds(row: dict[str, Any], kind: str) -> float:
    return sum(end - begin for what, begin, end in row["spans"] if what == kind)


def test_every_recorded_kind_is_known_and_expected() -> None:
    assert set(NAMES) == set(KINDS) == set(EXPECTED)


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_call_is_the_conversation_written_down(name: str) -> None:
    facts = facts_of(recording(name).messages)
    assert_it_is(story_of(first_id(name), facts), facts, EXPECTED[name])


@pytest.mark.parametrize("name", NAMES)
def test_so_is_what_was_heard_and_what_asterisk_wrote_together(name: str) -> None:
    """Both witnesses tell of it, as they do after an outage of ours."""
    heard = facts_of(recording(name).messages)
    told = [*heard, *journal_facts(name)]
    assert_it_is(story_of(first_id(name), told), heard, EXPECTED[name])


# What no record tells: hold, and whose talk it then is; what an outside leg was dialled by; who
# ended a call by command; that one queue follows another without anything between them; why a
# device rings no more when its caller gives up.
UNWRITTEN = {"abandoned", "hold", "internal_abandoned", "originate", "queue_timeout"}


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNWRITTEN))
def test_so_is_what_asterisk_wrote_alone_but_for_hold(name: str) -> None:
    """Nobody was listening: all there is are the records."""
    facts = journal_facts(name)
    expected = EXPECTED[name]
    legs = tuple(
        replace(leg, talk=leg.talk + leg.hold, hold=0, who="" if leg.who == OUTSIDE else leg.who)
        for leg in expected.legs
    )
    held = 0 if expected.held else expected.held
    talked = None if expected.talked is None else expected.talked + (expected.held or 0)
    meant = replace(expected, legs=legs, held=held, talked=talked)
    assert_it_is(story_of(first_id(name), facts), facts, meant)


def assert_it_is(story: Story, facts: Sequence[e.CallFact], expected: Call) -> None:
    row = story.conversation
    assert (row["direction"], row["outcome"], row["ended_by"], row["cause"]) == (
        expected.direction,
        expected.outcome,
        expected.by,
        expected.cause,
    )
    assert tuple(row["agents"]) == expected.agents
    assert row["dialed"] == expected.dialed
    times = [(row[key], getattr(expected, key)) for key in ("waited", "talked", "held")]
    assert all(near(*pair) for pair in times), times
    assert story.opens_case is expected.case
    assert len(story.recordings) == expected.recordings
    assert all(file["stopped_at"] is not None for file in story.recordings.values())
    transfers = [entry for entry in story.entries.values() if entry.kind == "transferred"]
    assert [(t.data["kind"], t.data["by"], t.data["to"]) for t in transfers] == [
        *expected.transfers
    ]
    merged = {fact.absorbed for fact in facts if isinstance(fact, e.CallMerged)}
    assert len(merged) == expected.merged
    assert_visits(story, expected)
    assert_legs(list(story.legs.values()), expected.legs)


def assert_visits(story: Story, expected: Call) -> None:
    visits = list(story.visits.values())
    assert [(v["queue"], v["reason"], v["agent"]) for v in visits] == [
        (v.queue, v.reason, v.agent) for v in expected.visits
    ]
    for visit, meant in zip(visits, expected.visits, strict=True):
        assert near(visit["waited"], meant.waited), visit


def assert_legs(rows: Sequence[dict[str, Any]], expected: Sequence[Leg]) -> None:
    assert [shape(row) for row in rows] == [(leg.who, leg.by, leg.cause) for leg in expected]
    for row, leg in zip(rows, expected, strict=True):
        told = {kind: seconds(row, kind) for kind in PARTS}
        assert all(near(told[kind], getattr(leg, kind)) for kind in PARTS), (leg, told)
        assert near(row["talked"], leg.talk)
        assert near(row["held"], leg.hold)
        assert near(row["consulted"], leg.consult)
        spans = sorted((begin, end) for _, begin, end in row["spans"])
        assert all(a[1] <= b[0] + 0.1 for a, b in pairwise(spans)), spans


def test_after_call_work_belongs_to_the_last_leg_of_its_agent() -> None:
    facts = facts_of(recording("attended_to_agent").messages)
    ended = next(fact for fact in facts if isinstance(fact, e.CallEnded))
    for agent, seconds_after in (("ava", 4.0), ("ben", 9.0)):
        over = [f.at for f in facts if isinstance(f, e.CallReleased) and f.agent == agent]
        facts.append(
            e.WrapUpEnded(
                at=max(over) + timedelta(seconds=seconds_after),
                system="ringdesk-1",
                call_id=ended.call_id,
                agent=agent,
            )
        )
    story = story_of(first_id("attended_to_agent"), facts)
    # Ava's two legs end in one moment, either first.
    told = [
        (row["agent"], row["wrapped_up"])
        for row in sorted(story.legs.values(), key=lambda row: row["ended_at"])
        if row["agent"]
    ]
    assert told == [("ava", None), ("ava", 4.0), ("ben", 9.0)]
    [*_, last] = story.legs.values()
    assert last["spans"][-1][0] == "wrap_up"
    assert story.conversation["ended_at"] == ended.at


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_however_two_calls_are_interleaved_and_repeated_they_end_the_same(
    data: st.DataObject,
) -> None:
    """Whatever comes between the events of one call, and however often each of them is told.

    Each call has agents of its own: one person who dials while talking would be consulting.
    """
    one = data.draw(st.sampled_from(NAMES))
    other = data.draw(st.sampled_from([name for name in NAMES if not shared(one, name)] or [one]))
    cast = {one: recording(one).messages}
    if other != one:
        cast[other] = [recast(m) for m in recording(other).messages]
    alone = {name: facts_of(messages) for name, messages in cast.items()}
    sides = list(cast.values()) if one != other else []
    mixed: list[Message] = []
    positions = [0, 0]
    while any(at < len(side) for at, side in zip(positions, sides, strict=False)):
        open_sides = [i for i, side in enumerate(sides) if positions[i] < len(side)]
        side = data.draw(st.sampled_from(open_sides))
        for _ in range(data.draw(st.integers(1, 12))):
            if positions[side] < len(sides[side]):
                next_one = sides[side][positions[side]]
                mixed += [next_one] * data.draw(st.sampled_from([1, 1, 1, 2]))
                positions[side] += 1
    facts = facts_of(mixed) if sides else alone[one]
    told = data.draw(st.permutations(facts))
    again = data.draw(st.lists(st.sampled_from(facts), max_size=20)) if facts else []
    for name, own in alone.items():
        ids = {fact.call_id for fact in own}
        mine = [fact for fact in (*told, *again) if fact.call_id in ids]
        assert story_of(first_id(name), mine) == story_of(first_id(name), own)


THREADS = 0.0005  # seconds: Asterisk's threads tell of their channels one before the other


@pytest.mark.parametrize("name", NAMES)
def test_channels_told_of_a_little_early_or_late_are_the_same_call(name: str) -> None:
    """Order holds within a channel; whose doing an end was may be told too late to be known."""
    messages = recording(name).messages
    expected = essence(story_of(first_id(name), facts_of(messages)))
    for seed in range(8):
        told = facts_of(shaken(messages, random.Random(seed)))
        assert essence(story_of(first_id(name), told)) == expected, seed


def shaken(messages: Sequence[Message], chance: random.Random) -> list[Message]:
    """Each message a little later, but none of a channel before another of the same one."""
    latest: dict[str, float] = {}
    placed: list[tuple[float, int, Message]] = []
    for place, m in enumerate(messages):
        channel = m.get("Uniqueid") or m.get("DestUniqueid") or m.get("LocalOneUniqueid")
        at = float(m.get("Timestamp")) + chance.random() * THREADS
        latest[channel] = at = max(at, latest.get(channel, 0.0))
        placed.append((at, place, m))
    return [m for _, _, m in sorted(placed, key=lambda each: each[:2])]


def essence(story: Story) -> tuple[Any, ...]:
    """What does not hang on milliseconds."""
    row = story.conversation
    return (
        (row["direction"], row["outcome"], row["ended_by"], tuple(row["agents"])),
        [round(row[key] or 0, 1) for key in ("waited", "talked", "held")],
        [(visit["queue"], visit["reason"], visit["agent"]) for visit in story.visits.values()],
        sorted((leg_id, leg["party"], leg["agent"] or "") for leg_id, leg in story.legs.items()),
        {
            leg_id: [round(seconds(leg, kind), 1) for kind in PARTS]
            for leg_id, leg in story.legs.items()
        },
        len(story.recordings),
    )


def recast(m: Message) -> Message:
    """The same, with other agents."""

    def renamed(value: str) -> str:
        return value.replace("PJSIP/ava-", "PJSIP/dan-").replace("PJSIP/ben-", "PJSIP/eve-")

    return message(*((name, renamed(value)) for name, value in m.headers()))


def shared(one: str, other: str) -> bool:
    """Whether two recordings have an id in common: those of one run never do, two runs' may."""

    def ids(name: str) -> set[str]:
        return {m.get(key) for m in recording(name).messages for key in ("Uniqueid", "Linkedid")}

    return bool((ids(one) & ids(other)) - {""})


async def test_every_recorded_call_is_one_case_at_the_desk(desk: Desk) -> None:
    """All of them, one after the other, in the tables: legs, recordings, and no case too many."""
    intake = Intake(desk)
    await intake.start()
    for name in NAMES:
        for fact in facts_of(recording(name).messages):
            intake.take(fact)
    await intake.settled()
    await intake.stop()

    def read(connection: Connection) -> tuple[dict[str, int], dict[str, int], set[str]]:
        legs = connection.execute(select(LegRow.call_id, func.count()).group_by(LegRow.call_id))
        files = connection.execute(
            select(Recording.call_id, func.count()).group_by(Recording.call_id)
        )
        cases = connection.execute(
            select(Conversation.call_id)
            .join(Case, Case.id == Conversation.case_id)
            .where(Case.status != "merged", Conversation.merged_into.is_(None))
        )
        return (
            {row.call_id: row[1] for row in legs},
            {row.call_id: row[1] for row in files},
            set(cases.scalars()),
        )

    legs, files, cases = await desk.fetch(read)
    for name, expected in EXPECTED.items():
        call_id = first_id(name)
        assert legs[call_id] == len(expected.legs), name
        assert files.get(call_id, 0) == expected.recordings, name
        assert (call_id in cases) is expected.case, name
    assert len(legs) == len(EXPECTED)
    assert len(cases) == sum(expected.case for expected in EXPECTED.values())
    open_cases = await desk.fetch(
        lambda c: c.scalar(select(func.count(Case.id)).where(Case.status != "merged"))
    )
    assert open_cases == len(cases)


@pytest.mark.parametrize(("then", "expected"), [("full", 1), ("answered", 1), (None, 1)])
def test_who_is_turned_away_and_tries_again_at_once_has_come_once(
    then: str | None, expected: int
) -> None:
    """And is answered, if that led to somebody; what they did is told in one line."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    same: dict[str, Any] = {"system": "s", "call_id": "c"}
    facts: list[e.CallFact] = [
        e.CallArrived(
            **same, at=at, leg_id="L", channel="PJSIP/t-1", direction="inbound",
            caller_number="+4930901820", caller_name="", dialed="2000",
        )
    ]  # fmt: skip
    tries = ["full"] if then is None else ["full", then]
    for number, reason in enumerate(tries):
        begins = at + timedelta(seconds=number)
        facts += [
            e.CallQueued(**same, at=begins, queue="support", position=0, leg_id="L"),
            e.CallLeftQueue(**same, at=begins, queue="support", reason=reason, waited=0.0),
        ]
    found = fold("c", dict(map(packed, facts)), "DE")
    visits = list(found.visits.values())
    assert [visit["reason"] for visit in visits] == [tries[-1]] * expected
    kinds = {entry.kind for entry in found.entries.values()}
    assert ("turned_away" in kinds, "queued" in kinds) == (True, False)


@pytest.mark.parametrize("name", sorted(name for name, each in EXPECTED.items() if not each.case))
async def test_a_call_inside_the_house_is_nobodys_case_at_any_moment(desk: Desk, name: str) -> None:
    """Not even while only the first agent's telephone rings: who writes into a case keeps it."""
    intake = Intake(desk)
    for fact in facts_of(recording(name).messages):
        await intake.write([packed(fact)])
        assert await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(Case))) == 0
    assert await desk.fetch(lambda c: c.scalar(select(Conversation.direction))) == "internal"


async def test_a_click_that_reaches_nobody_is_nobodys_case(desk: Desk) -> None:
    """The agent's own telephone rang for it, and nobody answered there."""
    intake = Intake(desk)
    facts = facts_of(recording("originate").messages)
    alone = [fact for fact in facts if getattr(fact, "leg_id", "").endswith("dial-click")]
    for fact in [*alone[:2], facts[-1]]:
        await intake.write([packed(fact)])
    assert await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(Case))) == 0

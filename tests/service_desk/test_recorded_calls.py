"""Real calls, from Asterisk's events to what the desk stores of them, against what people did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events as e
from cti.ami.wire import Message
from cti.conversation import call_id_of
from cti.interpret import Interpreter
from service_desk.fold import TELLING, Story, fold
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording
from tests.recordings.expected import EXPECTED, WITHIN, Call, Leg
from tests.recordings.kinds import KINDS

PARTS = {"ring": "ring", "talk": "talk", "hold": "hold", "consult": "consult", "wait": "wait"}


def facts_of(messages: Iterable[Message]) -> list[e.CallFact]:
    by = Interpreter("ringdesk-1", EXTENSIONS)
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
    expected, facts = EXPECTED[name], facts_of(recording(name).messages)
    story = story_of(first_id(name), facts)
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
    told = [(row["agent"], row["wrapped_up"]) for row in story.legs.values()]
    assert told == [(None, None), ("ava", None), ("ava", 4.0), ("ben", 9.0)]
    [*_, last] = story.legs.values()
    assert last["spans"][-1][0] == "wrap_up"
    assert story.conversation["ended_at"] == ended.at


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_however_two_calls_are_interleaved_and_repeated_they_end_the_same(
    data: st.DataObject,
) -> None:
    """Order holds within a channel only; across channels and calls anything may come first."""
    one = data.draw(st.sampled_from(NAMES))
    other = data.draw(st.sampled_from([name for name in NAMES if not shared(one, name)] or [one]))
    alone = {name: facts_of(recording(name).messages) for name in {one, other}}
    sides = [recording(name).messages for name in (one, other)] if one != other else []
    mixed: list[Message] = []
    positions = [0, 0]
    while any(at < len(side) for at, side in zip(positions, sides, strict=False)):
        open_sides = [i for i, side in enumerate(sides) if positions[i] < len(side)]
        side = data.draw(st.sampled_from(open_sides))
        for _ in range(data.draw(st.integers(1, 12))):
            if positions[side] < len(sides[side]):
                message = sides[side][positions[side]]
                mixed += [message] * data.draw(st.sampled_from([1, 1, 1, 2]))
                positions[side] += 1
    facts = facts_of(mixed) if sides else alone[one]
    told = data.draw(st.permutations(facts))
    again = data.draw(st.lists(st.sampled_from(facts), max_size=20)) if facts else []
    for name, own in alone.items():
        ids = {fact.call_id for fact in own}
        mine = [fact for fact in (*told, *again) if fact.call_id in ids]
        assert story_of(first_id(name), mine) == story_of(first_id(name), own)


def shared(one: str, other: str) -> bool:
    """Whether two recordings have an id in common: those of one run never do, two runs' may."""

    def ids(name: str) -> set[str]:
        return {m.get(key) for m in recording(name).messages for key in ("Uniqueid", "Linkedid")}

    return bool((ids(one) & ids(other)) - {""})

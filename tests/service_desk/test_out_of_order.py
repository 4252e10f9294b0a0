"""Events that come late, twice and in another order across channels: the call ends up the same.

Within a channel the order holds. What live understood wrongly the records put right.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events as e
from cti.ami.wire import Message, message
from cti.interpret import Interpreter
from service_desk.fold import Story, fold
from service_desk.fold_facts import TELLING
from service_desk.intake import packed
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording
from tests.fakes.cel_recording import SYSTEM, journal_facts

LATEST = 0.5  # seconds: as late as the proxy of tests/faults
PARTS = ("ring", "talk", "hold", "consult", "wait")
NEAR = 0.11  # seconds; the rest is equal
# Ended by our own command, or given up by a colleague: no record of the other leg tells so, and
# whose doing its end was is lost when that comes before the word on who hung up.
UNTOLD = {"originate", "internal_abandoned"}
SECONDS = {"waited", "talked"}


def told_of(messages: Sequence[Message]) -> list[e.CallFact]:
    by = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for m in messages for fact in by.feed(m)]
    return [fact for fact in facts if isinstance(fact, TELLING)]


def late(name: str, chance: random.Random) -> list[Message]:
    """Each event up to half a second late, some twice, none before another of its channel."""
    latest: dict[str, float] = {}
    placed: list[tuple[float, int, Message]] = []
    for m in recording(name).messages:
        names = ("Uniqueid", "DestUniqueid", "LocalOneUniqueid")
        channel = next((value for key, value in m.headers() if key in names), "")
        at = float(m.get("Timestamp")) + (chance.uniform(0.0, LATEST) if channel else 0.0)
        latest[channel] = at = max(at, latest.get(channel, 0.0))
        placed += [(at, len(placed), m)] * chance.choice([1, 1, 1, 1, 2])
    return [m for _, _, m in sorted(placed, key=lambda each: each[:2])]


def final(name: str, heard: Sequence[e.CallFact]) -> dict[str, Any]:
    """All that is stored of a call whose records were read as well."""
    first = next(m for m in recording(name).messages if m.name == "Newchannel")
    facts = [*heard, *journal_facts(name)]
    call_id = Interpreter(SYSTEM, EXTENSIONS).call_of(first)
    assert call_id is not None
    return state_of(fold(call_id, dict(packed(fact) for fact in facts), "DE"))


def state_of(story: Story) -> dict[str, Any]:
    row = story.conversation
    words = ("direction", "outcome", "ended_by", "cause", "agents", "queue", "dialed", "number_raw")
    legs = story.legs
    about = ("party", "agent", "address", "ended_by", "cause")
    entries = [
        (each.kind, each.actor, str({k: v for k, v in each.data.items() if k not in SECONDS}))
        for each in story.entries.values()
    ]
    return {
        "call": [row[key] for key in words],
        "times": [row[key] for key in ("waited", "talked", "held")],
        "visits": [
            (v["queue"], v["reason"], v["agent"], v["waited"]) for v in story.visits.values()
        ],
        "legs": {leg_id: [leg[key] for key in about] for leg_id, leg in sorted(legs.items())},
        "parts": {
            leg_id: [sum(b - a for what, a, b in leg["spans"] if what == part) for part in PARTS]
            for leg_id, leg in sorted(legs.items())
        },
        "recordings": sorted(story.recordings),
        "entries": sorted(Counter(entries).items()),
        "aliases": sorted(story.aliases),
        "opens_case": story.opens_case,
    }


def equal(one: Any, other: Any) -> bool:
    """The same, seconds but for a moment."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= NEAR
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def differences(name: str, chance: random.Random) -> dict[str, tuple[Any, Any]]:
    plain = final(name, told_of(recording(name).messages))
    mixed = final(name, told_of(late(name, chance)))
    return {
        what: (plain[what], mixed[what]) for what in plain if not equal(plain[what], mixed[what])
    }


@pytest.mark.parametrize("name", sorted(set(NAMES) - UNTOLD))
def test_a_call_told_out_of_order_ends_up_the_same(name: str) -> None:
    for seed in range(12):
        assert differences(name, random.Random(seed)) == {}, seed


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(set(NAMES) - UNTOLD)), st.randoms(use_true_random=False))
def test_whatever_the_delays(name: str, chance: random.Random) -> None:
    assert differences(name, chance) == {}


@pytest.mark.parametrize("name", sorted(UNTOLD))
def test_but_for_whose_doing_the_end_of_the_other_leg_was(name: str) -> None:
    for seed in range(12):
        found = differences(name, random.Random(seed))
        assert found.keys() <= {"legs"}
        for plain, mixed in found.values():
            assert {leg_id: [*leg[:3], leg[4]] for leg_id, leg in plain.items()} == {
                leg_id: [*leg[:3], leg[4]] for leg_id, leg in mixed.items()
            }


@pytest.mark.parametrize("name", NAMES)
def test_nothing_waits_for_its_first_channel_in_what_asterisk_tells(name: str) -> None:
    """Asterisk tells of a call's first channel first: live is told at once."""
    by = Interpreter(SYSTEM, EXTENSIONS)
    for m in recording(name).messages:
        by.feed(m)
        assert not by._early


def test_who_waits_for_a_first_channel_that_never_comes_waits_for_a_moment_only() -> None:
    """It is told as what it seems to be."""
    by = Interpreter(SYSTEM, EXTENSIONS)
    second = next(m for m in recording("answered").messages if is_second(m))
    assert by.feed(second) == []
    assert by.tick(after(second, 1.0)) == []
    told = by.tick(after(second, 2.5))
    assert [type(fact) for fact in told][:2] == [e.CallArrived, e.LegStarted]


def is_second(m: Message) -> bool:
    return m.name == "Newchannel" and m.get("Uniqueid") != m.get("Linkedid")


def after(m: Message, seconds: float) -> datetime:
    return datetime.fromtimestamp(float(m.get("Timestamp")) + seconds, UTC)


@pytest.mark.parametrize("name", ["answered", "blind_to_queue", "hold"])
def test_a_clock_set_back_an_hour_in_a_call_adds_no_time_and_no_second_wait(name: str) -> None:
    """At each word of it: what followed goes on from where it was, and all of it is told."""
    messages = recording(name).messages
    plain = final(name, told_of(messages))
    for first in range(1, len(messages), 7):
        told = told_of([*messages[:first], *map(an_hour_back, messages[first:])])
        call = fold(told[0].call_id, dict(packed(fact) for fact in told), "DE")
        found = state_of(call)
        assert found["call"] == plain["call"], first
        assert [visit[:3] for visit in found["visits"]] == [v[:3] for v in plain["visits"]], first
        for what in ("waited", "talked", "held"):
            before = dict(zip(("waited", "talked", "held"), plain["times"], strict=True))[what]
            assert 0.0 <= call.conversation[what] <= before + NEAR, (first, what)


def an_hour_back(m: Message) -> Message:
    set_back = {"Timestamp": f"{float(m.get('Timestamp')) - 3600.0:.6f}"}
    return message(*((name, set_back.get(name, value)) for name, value in m.headers()))

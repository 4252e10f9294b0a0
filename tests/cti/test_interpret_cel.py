"""Asterisk's own records of every kind of call, told as the facts that were heard live."""

from __future__ import annotations

import json

import pytest
from msgspec import structs

from cti import events as e
from cti.ami.wire import message
from cti.events import Fact
from cti.interpret import Interpreter
from cti.interpret.cel import CelInterpreter
from cti.interpret.gather import ENDS, in_order
from cti.interpret.legs import Call, Leg
from cti.interpret.saved import _SavedCall, _SavedLeg, restored, saved
from tests.fakes.ami_recording import EXTENSIONS, recording, told
from tests.fakes.cel_recording import CEL_NAMES, SYSTEM, journal_facts, records

# What no record tells, and so only those who listened know.
ONLY_LIVE = (e.LegHeld, e.LegResumed, e.CallParked, e.CallUnparked)
# Recorded calls of which the two do not tell the same, and what of it differs.
DIFFERENT = {
    # By command: the records only say that it was no channel.
    "originate": {"CallEnded"},
    # Two queues with nothing between them, which our dialplan never has.
    "queue_timeout": {"CallLeftQueue", "CallOffered", "CallQueued"},
}


def words(fact: Fact) -> str:
    """A fact in words, without a queue's position, and whose doing the end of a leg was: these are
    in no record, or not in all."""
    if isinstance(fact, e.CallQueued):
        fact = structs.replace(fact, position=0)
    if isinstance(fact, e.LegEnded):
        fact = structs.replace(fact, by="")
    return told(fact)


@pytest.mark.parametrize("name", CEL_NAMES)
def test_the_records_tell_what_was_heard(name: str) -> None:
    live = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for message in recording(name).messages for fact in live.feed(message)]
    begun: set[str] = set()  # a leg outside is told again, with what was dialled to reach it
    once = []
    for fact in facts:
        if not isinstance(fact, e.LegStarted) or fact.leg_id not in begun:
            once.append(fact)
        begun |= {fact.leg_id} if isinstance(fact, e.LegStarted) else set()
    heard = sorted(words(fact) for fact in once if not isinstance(fact, ONLY_LIVE))
    written = sorted(words(fact) for fact in journal_facts(name))
    different = DIFFERENT.get(name, set())
    assert [each for each in written if each.split()[0] not in different] == [
        each for each in heard if each.split()[0] not in different
    ]
    assert {each.split()[0] for each in set(heard) ^ set(written)} == different


@pytest.mark.parametrize("name", ["attended", "attended_to_agent"])
def test_an_attended_transfer_that_names_nobody_is_to_who_stays(name: str) -> None:
    """Asterisk names no target if the consultation's Local channel went a moment before."""
    live, by = Interpreter(SYSTEM, EXTENSIONS), CelInterpreter(SYSTEM, EXTENSIONS)
    heard, written = recording(name).messages, records(name)
    transferred = [m.name for m in heard].index("AttendedTransfer")
    heard[transferred] = message(
        *(each for each in heard[transferred].headers() if "Target" not in each[0])
    )
    transferred = [r.eventtype for r in written].index("ATTENDEDTRANSFER")
    extra = {k: v for k, v in written[transferred].extra().items() if "target" not in k}
    written[transferred] = structs.replace(written[transferred], eventextra=json.dumps(extra))
    for facts in (
        [fact for each in heard for fact in live.feed(each)],
        [fact for each in written for fact in by.feed(each)],
    ):
        assert [fact.to for fact in facts if isinstance(fact, e.CallTransferred)] == ["102"]


@pytest.mark.parametrize("name", ["abandoned", "queue_timeout"])
def test_a_device_that_rang_in_vain_may_go_after_its_caller(name: str) -> None:
    """By milliseconds, as it happens: the call has ended, for the caller's cause."""
    plain = records(name)
    over = [r for r in plain if r.eventtype in ENDS][-1]
    rang = [r for r in plain if r.eventtype in ENDS and r.uniqueid != over.uniqueid][-1]
    late = [
        structs.replace(r, eventtime=over.eventtime + 0.003)
        if r.uniqueid == rang.uniqueid and r.eventtype in ENDS
        else r
        for r in plain
    ]
    by, meant = CelInterpreter(SYSTEM, EXTENSIONS), CelInterpreter(SYSTEM, EXTENSIONS)
    found = [words(fact) for record in in_order(late) for fact in by.feed(record)]
    assert (by.world.legs, by.world.calls, by.in_vain) == ({}, {}, {})
    assert sorted(found) == sorted(words(fact) for record in plain for fact in meant.feed(record))

    messages = recording(name).messages
    ends = [m for m in messages if m.name == "Hangup" and m.get("Uniqueid") == rang.uniqueid]
    live = Interpreter(SYSTEM, EXTENSIONS)
    heard = [fact for m in messages if m not in ends for fact in live.feed(m)]
    heard += [fact for m in ends for fact in live.feed(m)]
    assert told(heard[-1]) == found[-1]


@pytest.mark.parametrize("name", CEL_NAMES)
def test_a_recorded_call_leaves_nothing_behind(name: str) -> None:
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    facts = journal_facts(name, by)
    assert all(fact.journal for fact in facts)
    assert (by.world.legs, by.world.calls, by.world.bridges) == ({}, {}, {})
    assert (by.out_of_queue, by.in_vain, by.dialed, by.unknown) == ({}, {}, {}, 0)


@pytest.mark.parametrize("name", CEL_NAMES)
def test_a_restart_after_any_record_changes_nothing(name: str) -> None:
    """Saved and restored after each record: the facts are those of one reading."""
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    facts = []
    for record in records(name):
        facts += by.feed(record)
        by = restored(saved(by), SYSTEM, EXTENSIONS)
    assert facts == journal_facts(name)


@pytest.mark.parametrize("name", CEL_NAMES)
def test_told_twice_record_by_record_it_is_the_same(name: str) -> None:
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    facts = [fact for record in records(name) for _ in range(2) for fact in by.feed(record)]
    assert facts == journal_facts(name)


def test_a_call_whose_beginning_was_not_read_is_passed_over() -> None:
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    assert [fact for record in records("answered")[1:4] for fact in by.feed(record)] == []
    assert by.unknown > 0


def test_channels_that_vanished_end_the_call_as_lost() -> None:
    """Asterisk was killed: no record says that it ended."""
    by = CelInterpreter(SYSTEM, EXTENSIONS)
    begun = [fact for record in records("answered")[:8] for fact in by.feed(record)]
    last = begun[-1].at
    facts = by.lose(last, list(by.world.legs))
    assert isinstance(facts[-1], e.CallEnded)
    assert (facts[-1].lost, facts[-1].at, facts[-1].journal) == (True, last, True)
    assert by.world.calls == {}


@pytest.mark.parametrize("name", CEL_NAMES)
def test_wherever_asterisk_dies_whoever_is_there_is_lost(name: str) -> None:
    """Also who waits after a device has rung in vain: that end is the device's, not the call's."""
    told = records(name)
    for many in range(1, len(told)):
        for order in (1, -1):
            by = CelInterpreter(SYSTEM, EXTENSIONS)
            for record in told[:many]:
                by.feed(record)
            calls = by.world.calls.items()
            there = {
                call_id for call_id, call in calls if not call.legs.keys() <= by.in_vain.keys()
            }
            facts = by.lose(told[many - 1].at, list(by.world.legs)[::order], "asterisk")
            ended = {f.call_id: f.lost for f in facts if isinstance(f, e.CallEnded)}
            assert ended == {call_id: call_id in there for call_id in ended}, (many, order)
            assert by.world.calls == {}


def test_nothing_that_is_known_of_a_leg_or_call_is_left_out_of_what_is_saved() -> None:
    assert {*_SavedLeg.__struct_fields__, "id"} == set(Leg.__slots__)
    assert {*_SavedCall.__struct_fields__, "id", "legs"} == {*Call.__slots__, "aliases"}


def test_a_state_of_nothing_is_a_fresh_start() -> None:
    assert restored(b"", SYSTEM, EXTENSIONS).world.legs == {}

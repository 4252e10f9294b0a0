"""Recordings of a real Asterisk, told as facts and shown on the board."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti import events as e
from cti.ami.wire import Message, message
from cti.board import Board, apply_delta
from cti.conversation import call_id_of
from cti.events import Fact
from cti.interpret import WANTED_EVENTS, Interpreter
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording, told

T0 = datetime(2026, 11, 21, tzinfo=UTC)


def interpreter() -> Interpreter:
    return Interpreter("ringdesk-1", EXTENSIONS, clock=lambda: T0)


def facts_of(messages: Iterable[Message], by: Interpreter | None = None) -> list[Fact]:
    by = by or interpreter()
    return [fact for m in messages for fact in by.feed(m)]


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_told_as_written_above_it(name: str) -> None:
    taken = recording(name, WANTED_EVENTS)
    assert [told(fact) for fact in facts_of(taken.messages)] == taken.expected


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_call_is_one_conversation_and_leaves_nothing_behind(name: str) -> None:
    by = interpreter()
    messages = recording(name).messages
    facts = facts_of(messages, by)
    first = next(m for m in messages if m.name == "Newchannel")
    told_of = {f.call_id for f in facts if isinstance(f, e.CallFact)}
    one = call_id_of("ringdesk-1", first.get("Linkedid"))
    assert {by.world.ids.resolve(call_id) for call_id in told_of} == {one}
    assert [f.call_id for f in facts if isinstance(f, e.CallEnded)] == [one]
    assert (by.world.legs, by.world.calls, by.world.bridges) == ({}, {}, {})


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_call_moves_over_the_board_and_off_it(name: str) -> None:
    board = Board({"support": 20}, now=T0)
    followed, states = board.snapshot(), []
    for fact in facts_of(recording(name).messages):
        followed = apply_delta(followed, board.apply(fact))
        assert followed == board.snapshot()
        states += [(call.state, call.ringing, call.agents) for call in followed.calls.values()]
    assert followed.calls == {}
    for (state, ringing, agents), fact in pairwise(states):
        assert state != "talking" or agents, fact
        assert state != "ringing" or ringing, fact


@pytest.mark.parametrize("name", NAMES)
def test_everything_an_agent_was_offered_or_took_has_an_end(name: str) -> None:
    facts = facts_of(recording(name).messages)
    offered = [f.leg_id for f in facts if isinstance(f, e.CallOffered)]
    closed = [f.leg_id for f in facts if isinstance(f, e.CallOfferEnded)]
    assert sorted(offered) == sorted(closed)
    answered = [f.leg_id for f in facts if isinstance(f, e.CallAnswered)]
    # A leg that was lost ends so; it is released besides if its agent did not come back.
    over = {f.leg_id for f in facts if isinstance(f, e.CallReleased | e.CallCutOff)}
    assert sorted(answered) == sorted(over)
    assert len(set(answered)) == len(answered)


@pytest.mark.parametrize("name", NAMES)
def test_told_twice_event_by_event_it_is_the_same(name: str) -> None:
    messages = recording(name).messages
    assert facts_of(m for m in messages for _ in range(2)) == facts_of(messages)


def test_the_first_agent_is_free_when_his_own_leg_ends() -> None:
    """Not when the other one answers; whether before or after it rings there is Asterisk's own."""
    facts = facts_of(recording("blind_to_agent").messages)
    kinds = [(type(f).__name__, getattr(f, "agent", None)) for f in facts]
    assert kinds.index(("CallReleased", "ava")) < kinds.index(("CallAnswered", "ben"))


def test_an_agent_who_hangs_up_after_the_transfer_did_not_end_the_call() -> None:
    """A phone that transfers by REFER says BYE on its own leg, sooner or later."""
    by, facts = interpreter(), list[Fact]()
    for m in recording("refer_to_agent").messages:
        facts += by.feed(m)
        if m.name == "BlindTransfer":
            bye = {"Uniqueid": m.get("TransfererUniqueid"), "Timestamp": m.get("Timestamp")}
            facts += by.feed(message(("Event", "HangupRequest"), *bye.items()))
    assert told(facts[-1]) == "CallEnded 16 caller"
    queued = [m for m in recording("blind_to_queue").messages if m.name != "HangupRequest"]
    called = next(m for m in queued if m.name == "AgentCalled")
    bye = {"Uniqueid": called.get("DestUniqueid")}
    at = [m.name for m in queued].index("BlindTransfer")
    queued.insert(at + 1, message(("Event", "HangupRequest"), *bye.items()))
    cut = [m.name for m in queued].index("AgentCalled", at)
    leave = {"Uniqueid": queued[0].get("Uniqueid"), "Queue": "single"}
    rest = message(("Event", "QueueCallerLeave"), *leave.items())
    assert told(facts_of([*queued[:cut], rest])[-1]).startswith("CallLeftQueue single timeout")


def test_what_an_agent_hangs_up_while_consulting_is_the_consultation() -> None:
    """Else the caller, who waits on hold, would be cut off."""
    by, messages = interpreter(), recording("consulted").messages
    call_id = call_id_of("ringdesk-1", messages[0].get("Linkedid"))
    channels = []
    for m in messages:
        by.feed(m)
        channels.append(by.channel_of("ava", call_id))
    first, second = sorted({channel for channel in channels if channel is not None})
    changes = [channel for before, channel in pairwise(channels) if channel != before]
    assert changes == [first, second, first, None]


def test_what_click_to_dial_dials_is_known_beforehand() -> None:
    by = interpreter()
    messages = recording("originate").messages
    by.expect(messages[0].get("Uniqueid"), "+4930111222")
    arrived = facts_of(messages, by)[0]
    assert isinstance(arrived, e.CallArrived)
    assert (arrived.dialed, arrived.direction, arrived.agent) == ("+4930111222", "outbound", "ava")


def test_a_late_event_does_not_bring_a_channel_back() -> None:
    by = interpreter()
    messages = recording("answered").messages
    facts_of(messages, by)
    again = [m for m in messages if m.name != "Hangup"]
    assert facts_of(again, by) == []


def channel(name: str, uniqueid: str, linkedid: str, **more: str) -> Message:
    pairs = {"Channel": name, "Uniqueid": uniqueid, "Linkedid": linkedid, **more}
    return message(("Event", "CoreShowChannel"), *pairs.items())


def test_after_a_gap_what_vanished_is_lost_and_what_is_there_is_known() -> None:
    by = interpreter()
    facts_of(recording("answered").messages[:8], by)
    assert by.world.calls
    there = [
        channel(
            "PJSIP/carrier-00000009",
            "x.1",
            "x.1",
            Context="ringdesk-queue",
            Exten="support",
            CallerIDNum="0301",
            Duration="00:01:10",
            BridgeId="b1",
        ),
        channel("PJSIP/ben-0000000a", "x.2", "x.1", Context="ringdesk-agents", BridgeId="b1"),
        channel("PJSIP/carrier-0000000b", "x.3", "x.3", Context="ringdesk-queue", BridgeId=""),
        channel("PJSIP/ava-0000000c", "x.4", "x.3", ChannelStateDesc="Ringing", BridgeId=""),
    ]
    entry = {"Queue": "support", "Position": "1", "Uniqueid": "x.3", "Wait": "12"}
    lines = [
        told(f)
        for f in by.resync(T0, there, [message(("Event", "QueueEntry"), *entry.items())])
        if not isinstance(f, e.LegStarted)
    ]
    assert "CallEnded 0 unknown lost" in lines
    assert lines[lines.index("CallEnded 0 unknown lost") + 1 :] == [
        "CallArrived inbound 0301 -> support -",
        "CallArrived inbound ->  -",
        "CallQueued support 1",
        "LegJoined .1",
        "LegJoined .2",
        "CallAnswered ben - -",
        "CallOffered ava support",
        "QueueChanged",
    ]
    assert by.channel_of("ben", call_id_of("ringdesk-1", "x.1")) == "PJSIP/ben-0000000a"
    again = by.resync(T0, there, [message(("Event", "QueueEntry"), *entry.items())])
    assert [told(f) for f in again] == ["QueueChanged"]


def test_another_boot_closes_the_old_boots_calls() -> None:
    by = interpreter()
    facts_of(recording("answered").messages[:12], by)
    lines = [told(f) for f in by.restart(T0)]
    assert lines[-1] == "CallEnded 0 asterisk lost"
    assert by.world.legs == {}
    assert by.restart(T0) == []


def test_two_calls_joined_by_an_attended_transfer_become_the_older_one() -> None:
    by = interpreter()
    new = [
        {"Channel": "PJSIP/carrier-1", "Uniqueid": "1", "Linkedid": "1", "Timestamp": "1.0"},
        {"Channel": "PJSIP/ava-1", "Uniqueid": "2", "Linkedid": "1", "Timestamp": "2.0"},
        {"Channel": "PJSIP/ava-2", "Uniqueid": "3", "Linkedid": "3", "Timestamp": "3.0"},
        {"Channel": "PJSIP/ben-1", "Uniqueid": "4", "Linkedid": "3", "Timestamp": "4.0"},
    ]
    facts_of([message(("Event", "Newchannel"), *n.items()) for n in new], by)
    joined = {
        "Result": "Success",
        "OrigTransfererUniqueid": "2",
        "SecondTransfererUniqueid": "3",
        "TransferTargetUniqueid": "4",
        "Timestamp": "5.0",
    }
    facts = facts_of([message(("Event", "AttendedTransfer"), *joined.items())], by)
    older, younger = call_id_of("ringdesk-1", "1"), call_id_of("ringdesk-1", "3")
    assert isinstance(facts[0], e.CallMerged)
    assert (facts[0].call_id, facts[0].absorbed) == (older, younger)
    assert told(facts[1]) == "CallTransferred attended ava -> 102"
    assert len(by.world.calls) == 1


# `²` is a digit to `str.isdigit()`, not to `int()`, which refuses thousands of digits too.
NO_NUMBERS = ["", "-1", "²", "٣", "1e9", "nan", "inf", "9" * 25, "9" * 5_000, "1" + "0" * 5_000]


@pytest.mark.parametrize("number", NO_NUMBERS)
def test_a_number_that_is_none_or_too_large_moves_the_board_all_the_same(number: str) -> None:
    by, board = interpreter(), Board({"support": 20}, now=T0)
    who = {"Channel": "PJSIP/carrier-1", "Uniqueid": "1", "Linkedid": "1", "Queue": "support"}
    for name, header in (
        ("QueueCallerJoin", "Position"),
        ("Hangup", "Cause"),
        ("QueueCallerJoin", "Timestamp"),
    ):
        for fact in facts_of([message(("Event", name), *who.items(), (header, number))], by):
            board.apply(fact)
            assert not isinstance(fact, e.CallQueued) or 1 <= fact.position <= 10_000
            assert not isinstance(fact, e.LegEnded) or 0 <= fact.cause <= 127
    other = {"Channel": "PJSIP/carrier-2", "Uniqueid": "2", "Linkedid": "2", "Queue": "support"}
    for duration in (number, f"{number}:00:00", "1:2"):
        channel = message(("Event", "CoreShowChannel"), *other.items(), ("Duration", duration))
        entry = message(
            ("Event", "QueueEntry"), *other.items(), ("Position", number), ("Wait", number)
        )
        for fact in [*by.resync(T0, [channel], [entry]), *by.resync(T0, [], [])]:
            board.apply(fact)
    assert board.snapshot().calls == {}


@pytest.mark.parametrize("time", ["-62135596800", "0", "253402300799", "inf", "nan", "9" * 400])
def test_a_time_to_which_nothing_could_be_added_is_our_clocks(time: str) -> None:
    pairs = {"Channel": "PJSIP/carrier-1", "Uniqueid": "1", "Linkedid": "1", "Timestamp": time}
    facts = facts_of([message(("Event", "Newchannel"), *pairs.items())])
    assert {fact.at for fact in facts} == {T0}


def test_the_third_in_a_queue_is_the_third() -> None:
    who = {"Channel": "PJSIP/carrier-1", "Uniqueid": "1", "Linkedid": "1", "Queue": "support"}
    for said, meant in (("3", 3), ("003", 3), ("0", 1), ("10001", 10_000), ("9" * 25, 10_000)):
        facts = facts_of([message(("Event", "QueueCallerJoin"), *who.items(), ("Position", said))])
        assert [f.position for f in facts if isinstance(f, e.CallQueued)] == [meant]


ALL = [recording(name) for name in NAMES]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_events_lost_repeated_and_interleaved_never_break_it(data: st.DataObject) -> None:
    """Whatever comes, nothing raises, and a resync against an empty Asterisk clears everything."""
    messages = [
        m for r in data.draw(st.lists(st.sampled_from(ALL), max_size=3)) for m in r.messages
    ]
    picked = data.draw(st.lists(st.sampled_from(messages or ALL[0].messages), max_size=80))
    by, board = interpreter(), Board({"support": 20}, now=T0)
    for fact in facts_of(picked, by):
        board.apply(fact)
    for fact in by.resync(T0, [], []):
        board.apply(fact)
    assert (by.world.legs, by.world.calls, by.world.bridges) == ({}, {}, {})
    assert board.snapshot().calls == {}


@given(
    st.dictionaries(
        st.sampled_from(["Uniqueid", "Linkedid", "Channel", "Cause", "Queue"]), st.text()
    )
)
def test_garbage_in_headers_never_breaks_it(headers: dict[str, str]) -> None:
    by = interpreter()
    clean = {k: v.replace("\r\n", "") for k, v in headers.items()}
    for name in sorted(WANTED_EVENTS):
        facts_of([message(("Event", name), *clean.items(), ("Timestamp", "nonsense"))], by)
    by.resync(T0, [], [])
    assert by.world.legs == {}

"""What the board says of every recorded kind of call, from its first moment to its last.

`STATES` is written by hand from what the people did (tests/recordings/kinds.py), not from what the
board says: one line a kind, what lasts and who is named with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cti import events as e
from cti.ami.wire import Message, message
from cti.board import Board
from cti.events import BoardSnapshot, Fact, LiveCall
from cti.interpret import WANTED_EVENTS, Interpreter
from tests.fakes.ami_recording import EXTENSIONS, NAMES, recording
from tests.recordings.expected import EXPECTED

T0 = datetime(2026, 11, 21, tzinfo=UTC)
LASTS = timedelta(seconds=0.1)  # shorter than that no screen shows: the board's deltas are so rare

QUEUED = "ringing ava; talking ava"
STATES = {
    "abandoned": "ringing ava",
    "agent_hangs_up": QUEUED,
    "answered": QUEUED,
    "attended": f"{QUEUED}; held ava; held ava ben; talking ben",
    "attended_to_agent": f"{QUEUED}; held ava; held ava ben; talking ben",
    "attended_to_outside": f"{QUEUED}; held ava; held ava +4930111222; outside +4930111222",
    "attended_to_queue": f"{QUEUED}; held ava; held ava ben; talking ava ben; talking ben",
    "attended_to_waiting": f"{QUEUED}; held ava; held ava ben; ringing ben; talking ben",
    "blind_to_agent": f"{QUEUED}; ringing ben; talking ben",
    "blind_to_queue": f"{QUEUED}; ringing ben; talking ben",
    "callback": "calling; calling +4930111222; talking ava +4930111222",
    "conference": f"{QUEUED}; calling; talking ava ben; talking ben",
    "consulted": f"{QUEUED}; held ava; held ava ben; talking ava",
    "hold": f"{QUEUED}; held ava; talking ava",
    "internal": "ringing ben; talking ben ava",
    "internal_abandoned": "ringing ben",
    "local_agents": "ringing ben; talking ben",
    "lost_to_the_queue": f"{QUEUED}; reconnecting ava; ringing ben; talking ben",
    "menu_only": "menu",
    "message": "menu",
    "originate": "calling; calling +4930111222; talking ava +4930111222",
    "originate_internal": "calling; ringing ben; talking ben ava",
    "originate_local": "calling; calling +4930111222; talking ava +4930111222",
    "originate_local_internal": "calling; ringing ben; talking ben ava",
    "outbound": "calling +4930111222; talking ava +4930111222",
    "overflow": "ringing ava; ringing ben; talking ben",
    # Her telephone takes a while to leave: she talks to nobody meanwhile.
    "parked": f"{QUEUED}; parked ava at 701; parked at 701; talking ben",
    "pickup": "ringing ava; talking ben",
    "queue_timeout": "ringing ava; ringing ben ava",
    "refer_to_agent": f"{QUEUED}; ringing ben; talking ben",
    "refer_to_outside": f"{QUEUED}; calling +4930111222; outside +4930111222",
    "refreshed": f"{QUEUED}; reconnecting ava; talking ava",
    "rejected": "ringing ava; ringing ben; talking ben",
    "ring_all": "ringing ben ava; talking ava",
    "second_agent": "ringing ava; waiting; ringing ben; talking ben",
    "turned_away": "",
    "via_local": f"{QUEUED}; ringing ben; talking ben",
}


def facts_of(name: str) -> list[Fact]:
    by = Interpreter("ringdesk-1", EXTENSIONS, clock=lambda: T0)
    return [fact for m in recording(name, WANTED_EVENTS).messages for fact in by.feed(m)]


def board() -> Board:
    return Board({"support": 20}, now=T0)


def shown(call: LiveCall) -> str:
    """The state, who is named with it, and the place."""
    place = () if call.place is None else ("at", call.place)
    names = (*call.agents, *call.ringing, *call.kept_for, *call.outside)
    return " ".join([call.state, *names, *place])


def moments(name: str) -> Iterator[tuple[BoardSnapshot, timedelta]]:
    """The board after each moment in which something was told, and for how long it stays so."""
    live, facts = board(), facts_of(name)
    for number, fact in enumerate(facts):
        live.apply(fact)
        after = facts[number + 1].at if number + 1 < len(facts) else fact.at
        yield live.snapshot(), after - fact.at


def test_every_recorded_kind_is_in_the_table() -> None:
    assert sorted(STATES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_board_says_what_each_call_does(name: str) -> None:
    said: list[str] = []
    for view, lasts in moments(name):
        for call in view.calls.values():
            if lasts >= LASTS and shown(call) not in said[-len(view.calls) :]:
                said.append(shown(call))
    assert "; ".join(said) == STATES[name]


@pytest.mark.parametrize("name", NAMES)
def test_who_has_got_past_the_menu_is_in_it_no_more(name: str) -> None:
    """Not even for the moment between two facts; but a queue that gave up hands back to it."""
    past: set[str] = set()
    live = board()
    for fact in facts_of(name):
        live.apply(fact)
        if isinstance(fact, e.CallAnswered):
            past.add(fact.call_id)
        in_menu = {call.call_id for call in live.snapshot().calls.values() if call.state == "menu"}
        assert not past & in_menu


@pytest.mark.parametrize("name", NAMES)
def test_the_board_says_where_a_call_goes_once_that_is_known(name: str) -> None:
    """Of one that somebody's program places for an agent that is when the other side is rung."""
    last: dict[str, str] = {}
    for view, _ in moments(name):
        last |= {call.call_id: call.direction for call in view.calls.values() if call.answered_at}
    expected = EXPECTED[name]
    if last:
        assert expected.direction in last.values()
        assert len(last) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_page_that_opens_in_mid_call_says_the_same_from_then_on(name: str) -> None:
    facts = facts_of(name)
    lasting = [n for n, (fact, after) in enumerate(pairwise(facts)) if after.at - fact.at >= LASTS]
    for opens in lasting:
        live, late = board(), Board({}, now=T0)
        for number, fact in enumerate(facts):
            live.apply(fact)
            if number > opens:
                late.apply(fact)
            elif number == opens:
                late.apply(e.BoardResynced(at=T0, system="s", board=live.snapshot()))
            if number in lasting and number >= opens:
                one, other = (
                    [sorted(shown(call).split()) for call in each.snapshot().calls.values()]
                    for each in (live, late)
                )
                assert one == other, (opens, number, fact)


def _channel(bridge: str) -> Message:
    return message(
        ("Event", "CoreShowChannel"),
        ("Uniqueid", "1795.1"),
        ("Linkedid", "1795.1"),
        ("Channel", "PJSIP/carrier-1"),
        ("Context", "ringdesk-queue"),
        ("Exten", "support"),
        ("BridgeId", bridge),
    )


def test_who_was_parked_while_nobody_listened_is_found_parked_and_then_fetched() -> None:
    by, live = Interpreter("ringdesk-1", EXTENSIONS, clock=lambda: T0), board()
    for bridge, expected in (("p", ("parked", "")), ("", ("ending", None))):
        for fact in by.resync(T0, [_channel(bridge)], [], waiting_rooms=frozenset({"p"})):
            live.apply(fact)
        (call,) = live.snapshot().calls.values()
        assert (call.state, call.place) == expected


def test_two_callers_whom_an_agent_joined_talk_without_us() -> None:
    live = board()
    for number, leg in enumerate(("L1", "L2")):
        about = {"at": T0 + timedelta(seconds=number), "system": "s", "call_id": f"c{number}"}
        live.apply(
            e.CallArrived(
                **about,
                leg_id=leg,
                channel=f"PJSIP/carrier-{number}",
                direction="inbound",
                caller_number="+493012345",
                caller_name="",
                dialed="2000",
            )
        )
        live.apply(e.LegStarted(**about, leg_id=leg, channel="", party="caller", address=""))
    about = {"at": T0 + timedelta(seconds=9), "system": "s", "call_id": "c0"}
    live.apply(e.CallMerged(**about, absorbed="c1"))
    for leg in ("L1", "L2"):
        live.apply(e.LegJoined(**about, leg_id=leg, bridge_id="b"))
    view = live.call("c0")
    assert view is not None
    assert view.state == "outside"

"""What each fact about a leg does to its call on the board: one function a fact.

A fact may come late or twice: a leg's rank only grows, and what is over stays over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from cti import events
from cti.board_call import ANSWERED, OFFERED, OVER, BoardCall
from cti.events import Fact


def offered(call: BoardCall, fact: events.CallOffered) -> None:
    """An agent's device rings; not by a leg that dials, which is their own call."""
    if fact.leg_id not in call.calling and call.forward(fact.leg_id, OFFERED):
        call.ours.add(fact.leg_id)
        call.ringing[fact.leg_id] = fact.agent


def offer_ended(call: BoardCall, fact: events.CallOfferEnded) -> None:
    """It rings no more."""
    if fact.reason != "answered" and call.forward(fact.leg_id, OVER):
        call.drop(fact.leg_id, fact.agent)
    call.ringing.pop(fact.leg_id, None)


def answered(call: BoardCall, fact: events.CallAnswered) -> None:
    """An agent is in the call."""
    if not call.forward(fact.leg_id, ANSWERED):
        return
    call.rings_no_more(fact.leg_id, fact.agent)
    call.ours.add(fact.leg_id)
    call.talking[fact.leg_id] = fact.agent
    call.otherwise = "ending"
    call.agent_is_back(fact.agent)
    if call.view.answered_at is None:
        call.view = replace(call.view, answered_at=fact.at)


def cut_off(call: BoardCall, fact: events.CallCutOff) -> None:
    """An agent's device was lost: the others wait for it."""
    if call.forward(fact.leg_id, OVER):
        call.drop(fact.leg_id, fact.agent)
        call.kept[fact.leg_id] = fact.agent


def released(call: BoardCall, fact: events.CallReleased) -> None:
    """An agent's part is over."""
    call.forget_kept(fact.leg_id, fact.agent)
    call.forward(fact.leg_id, OVER)
    call.drop(fact.leg_id, fact.agent)


def transferred(call: BoardCall, fact: events.CallTransferred) -> None:
    """It is on its way; an attended transfer joins who talk already."""
    if fact.kind == "blind" and not call.parked:
        call.otherwise = "handed_on"


def leg_started(call: BoardCall, fact: events.LegStarted) -> None:
    """A leg is there; one outside is one that was called."""
    if call.goes_on(fact.leg_id):
        call.begin(fact.leg_id, fact.party, fact.address)


def leg_joined(call: BoardCall, fact: events.LegJoined | events.LegParted) -> None:
    """A leg is in a bridge with another, or no more."""
    if call.goes_on(fact.leg_id):
        call.bridge(fact.leg_id, on=isinstance(fact, events.LegJoined))


def leg_held(call: BoardCall, fact: events.LegHeld) -> None:
    """A leg holds the other side."""
    if call.goes_on(fact.leg_id):
        call.held.add(fact.leg_id)


def leg_resumed(call: BoardCall, fact: events.LegResumed) -> None:
    """It does not any more."""
    call.held -= {fact.leg_id, "?"}


def parked(call: BoardCall, fact: events.CallParked) -> None:
    """A leg waits in a parking place."""
    if call.goes_on(fact.leg_id):
        call.parked[fact.leg_id] = fact.place
        call.otherwise = "ending"


def unparked(call: BoardCall, fact: events.CallUnparked) -> None:
    """It does not any more."""
    call.unpark(fact.leg_id)


def leg_ended(call: BoardCall, fact: events.LegEnded) -> None:
    """A leg is gone."""
    call.forward(fact.leg_id, OVER)
    call.end(fact.leg_id)


MOVES: dict[type[Fact], Callable[[BoardCall, Any], None]] = {
    events.CallOffered: offered,
    events.CallOfferEnded: offer_ended,
    events.CallAnswered: answered,
    events.CallCutOff: cut_off,
    events.CallReleased: released,
    events.CallTransferred: transferred,
    events.LegStarted: leg_started,
    events.LegJoined: leg_joined,
    events.LegParted: leg_joined,
    events.LegHeld: leg_held,
    events.LegResumed: leg_resumed,
    events.CallParked: parked,
    events.CallUnparked: unparked,
    events.LegEnded: leg_ended,
}

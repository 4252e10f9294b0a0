"""What was told of calls before this process began, put back into the world.

The bridge that told it may be dead: killed, or cut off from the database. Facts say who a leg is,
which queue offered it, since when it talks or holds; the comparison with Asterisk that follows
then finds only what happened in between. Nothing is told here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import Any

from cti import events as e
from cti.events import Fact
from cti.interpret.kept import is_back
from cti.interpret.legs import Call, Kept, Leg, Waiting
from cti.interpret.world import World, seconds


def recall(world: World, facts: Iterable[Fact]) -> None:
    """Put back the facts of calls that have not ended, in the order they were told."""
    for fact in facts:
        handler = _MEANS.get(type(fact))
        if handler is not None:
            handler(world, fact)


def _call(world: World, fact: e.CallFact) -> Call:
    call_id = world.ids.recall(fact.call_id)
    call = world.calls.get(call_id)
    if call is None:
        call = world.calls[call_id] = Call(call_id, fact.at)
    return call


def _leg(world: World, fact: Any) -> Leg | None:
    leg: Leg | None = world.legs.get(fact.leg_id)
    return leg


def _arrived(world: World, fact: e.CallArrived) -> None:
    call = _call(world, fact)
    world.ids.recall(call.id, fact.leg_id)
    call.arrived_at = min(call.arrived_at, fact.at)
    if fact.agent is not None and not fact.dialed:
        call.own = fact.leg_id


def _merged(world: World, fact: e.CallMerged) -> None:
    _call(world, fact)
    gone = world.calls.pop(world.ids.recall(fact.absorbed), None)
    stays, _ = world.ids.merge(fact.call_id, fact.absorbed)
    call = world.calls[stays]
    for leg in () if gone is None or gone is call else gone.legs.values():
        leg.call = call
        call.legs[leg.id] = leg
    if gone is not None and gone is not call:
        call.waiting = call.waiting or gone.waiting
        call.kept = call.kept or gone.kept


def _started(world: World, fact: e.LegStarted) -> None:
    if fact.leg_id in world.legs or fact.leg_id in world.over:
        return
    call = _call(world, fact)
    world.ids.recall(call.id, fact.leg_id)
    leg = Leg(fact.leg_id, fact.channel, call, fact.agent)
    leg.party = fact.party
    world.legs[leg.id] = call.legs[leg.id] = leg


def _joined(world: World, fact: e.LegJoined) -> None:
    leg = _leg(world, fact)
    if leg is not None and leg.bridge != fact.bridge_id:
        _out_of_bridge(world, leg)
        leg.bridge, leg.joined_at = fact.bridge_id, fact.at
        world.bridges.setdefault(fact.bridge_id, {})[leg.id] = leg


def _parted(world: World, fact: e.LegParted) -> None:
    leg = _leg(world, fact)
    if leg is not None and leg.joined_at is not None:
        leg.talked += seconds(leg.joined_at, fact.at)
        _out_of_bridge(world, leg)


def _out_of_bridge(world: World, leg: Leg) -> None:
    bridge_id, leg.bridge, leg.joined_at = leg.bridge, None, None
    members = world.bridges.get(bridge_id or "", {})
    members.pop(leg.id, None)
    if not members:
        world.bridges.pop(bridge_id or "", None)


def _held(world: World, fact: e.LegHeld | e.LegResumed) -> None:
    leg = _leg(world, fact)
    if leg is not None:
        leg.held = isinstance(fact, e.LegHeld)


def _ended(world: World, fact: e.LegEnded) -> None:
    leg = _leg(world, fact)
    if leg is not None:
        _out_of_bridge(world, leg)
        del world.legs[leg.id], leg.call.legs[leg.id]
        world.over[leg.id] = None


def _queued(world: World, fact: e.CallQueued) -> None:
    _call(world, fact).waiting = Waiting(fact.queue, fact.leg_id, fact.at)


def _left_queue(world: World, fact: e.CallLeftQueue) -> None:
    call = _call(world, fact)
    if call.waiting is not None and call.waiting.queue == fact.queue:
        call.waiting = None


def _offered(world: World, fact: e.CallOffered) -> None:
    leg = _leg(world, fact)
    if leg is not None:
        leg.offer, leg.queue = True, fact.queue


def _offer_ended(world: World, fact: e.CallOfferEnded) -> None:
    leg = _leg(world, fact)
    if leg is not None:
        leg.offer = fact.reason


def _answered(world: World, fact: e.CallAnswered) -> None:
    leg = _leg(world, fact)
    if leg is not None:
        leg.answered, leg.queue = True, fact.queue or leg.queue
        if leg.call.own == leg.id:
            leg.joined_at, leg.talked = leg.joined_at and fact.at, 0.0
        if is_back(leg):
            leg.call.kept = None


def _cut_off(world: World, fact: e.CallCutOff) -> None:
    _call(world, fact).kept = Kept(fact.agent, fact.leg_id, fact.talked)
    leg = _leg(world, fact)
    if leg is not None:
        leg.released = True


def _released(world: World, fact: e.CallReleased) -> None:
    call = _call(world, fact)
    if call.kept is not None and call.kept.leg_id == fact.leg_id:
        call.kept = None
    leg = _leg(world, fact)
    if leg is not None:
        leg.released = True


def _transferred(world: World, fact: e.CallTransferred) -> None:
    for leg in _call(world, fact).legs.values():
        leg.handed_on = leg.handed_on or (leg.agent is not None and leg.agent == fact.by)


def _recording(world: World, fact: e.RecordingStarted | e.RecordingStopped) -> None:
    leg = world.legs.get(PurePosixPath(fact.file).stem)
    if leg is not None:
        leg.recording = fact.file if isinstance(fact, e.RecordingStarted) else ""


_MEANS: dict[type[Fact], Callable[[World, Any], None]] = {
    e.CallArrived: _arrived,
    e.CallMerged: _merged,
    e.LegStarted: _started,
    e.LegJoined: _joined,
    e.LegParted: _parted,
    e.LegHeld: _held,
    e.LegResumed: _held,
    e.LegEnded: _ended,
    e.CallQueued: _queued,
    e.CallLeftQueue: _left_queue,
    e.CallOffered: _offered,
    e.CallOfferEnded: _offer_ended,
    e.CallAnswered: _answered,
    e.CallCutOff: _cut_off,
    e.CallReleased: _released,
    e.CallTransferred: _transferred,
    e.RecordingStarted: _recording,
    e.RecordingStopped: _recording,
}

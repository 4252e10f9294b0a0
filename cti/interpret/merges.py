"""One call out of two."""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.interpret.legs import Call, Leg
from cti.interpret.world import Facts, World


def relink(world: World, out: Facts, at: datetime, leg: Leg, linkedid: str) -> None:
    """A known channel carries this linkedid now."""
    if linkedid and world.ids.find(linkedid) != leg.call.id:
        call_id, absorbed = world.ids.absorb(leg.id, linkedid)
        if absorbed is not None:
            merge(world, out, at, call_id, absorbed)


def unite(world: World, out: Facts, at: datetime, one: Call, other: Call) -> None:
    """Two calls are one conversation: the older one's id stays."""
    if one is other:
        return
    older, younger = (one, other) if one.arrived_at <= other.arrived_at else (other, one)
    winner, loser = world.ids.merge(older.id, younger.id)
    if loser is not None:
        merge(world, out, at, winner, loser)


def merge(world: World, out: Facts, at: datetime, winner: str, loser: str) -> None:
    """The calls of these two ids, of which `winner` stays."""
    gone = world.calls.pop(loser, None)
    out.append(e.CallMerged(**world.about(at, winner), absorbed=loser))
    if gone is None:
        return
    call = world.calls.get(winner)
    if call is None:
        # Only the younger one is alive: it goes on under the older one's name.
        gone.id = winner
        world.calls[winner] = gone
        return
    for leg in gone.legs.values():
        leg.call = call
        call.legs[leg.id] = leg
        # In a merged call only the first caller is the caller.
        leg.party = "external" if leg.party == "caller" else leg.party
    call.gone |= gone.gone
    call.waiting = call.waiting or gone.waiting
    call.called_in = call.called_in or gone.called_in
    call.kept = call.kept or gone.kept
    call.own = gone.own if call.own == "" else call.own

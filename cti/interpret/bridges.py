"""Who is bridged talks: with another leg in the same bridge."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cti import events as e
from cti.interpret import hangups, merges, offers, parking
from cti.interpret.legs import Leg
from cti.interpret.world import Facts, World, seconds


def join(world: World, out: Facts, at: datetime, leg: Leg, bridge_id: str) -> None:
    """A leg entered a bridge: with another leg in it, they talk."""
    if leg.bridge == bridge_id:
        return
    part(world, out, at, leg)
    parking.fetch(world, out, at, leg)
    members = world.bridges.setdefault(bridge_id, {})
    members[leg.id] = leg
    leg.bridge = bridge_id
    _one_call(world, out, at, members)
    if len(members) < 2:
        return
    for member in members.values():
        if member.joined_at is None:
            member.joined_at, member.left_by = at, None
            member.call.by = None
            if not member.is_local:
                out.append(
                    e.LegJoined(
                        **world.about(at, member.call.id), leg_id=member.id, bridge_id=bridge_id
                    )
                )
            offers.answer(world, out, at, member)
    own = leg.call.legs.get(leg.call.own or "")
    if own is not None and own.joined_at is not None:
        offers.answer(world, out, at, own)


def part(world: World, out: Facts, at: datetime, leg: Leg) -> None:
    """A leg left its bridge; who is left alone in it does not talk either."""
    bridge_id, leg.bridge = leg.bridge, None
    if bridge_id is None:
        return
    members = world.bridges.get(bridge_id, {})
    members.pop(leg.id, None)
    hangups.left_alone(leg, members.values())
    _stop_talking(world, out, at, leg, bridge_id)
    if len(members) == 1:
        _stop_talking(world, out, at, next(iter(members.values())), bridge_id)
    elif not members:
        world.bridges.pop(bridge_id, None)


def _stop_talking(world: World, out: Facts, at: datetime, leg: Leg, bridge_id: str) -> None:
    if leg.joined_at is None:
        return
    leg.talked += seconds(leg.joined_at, at)
    leg.joined_at = None
    if not leg.is_local:
        out.append(e.LegParted(**world.about(at, leg.call.id), leg_id=leg.id, bridge_id=bridge_id))


def _one_call(world: World, out: Facts, at: datetime, members: Mapping[str, Leg]) -> None:
    first, *rest = list(members.values())
    for other in rest:
        merges.unite(world, out, at, first.call, other.call)

"""Channels come and go; the first makes a call, with the last one it is over."""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.events import Direction, EndedBy, Lost
from cti.interpret import bridges, hangups, kept, merges, offers, parking, queues
from cti.interpret.legs import Call, Leg
from cti.interpret.world import PARKING, Facts, World

MOST_LOCALS = 5  # one behind the other
HALVES = 50
REMEMBERED = 2_000  # channels that are gone, whose late events must not bring them back


def start(
    world: World,
    out: Facts,
    at: datetime,
    *,
    leg_id: str,
    linkedid: str,
    channel: str,
    context: str,
    exten: str,
    number: str,
    name: str,
) -> Leg:
    """A channel exists; the first of a conversation makes the call."""
    known = world.legs.get(leg_id)
    if known is not None:
        return known
    call_id, absorbed = world.ids.absorb(leg_id, linkedid)
    if absorbed is not None:
        merges.merge(world, out, at, call_id, absorbed)
    agent = world.agent_of(channel)
    call, first = world.calls.get(call_id), False
    dialed = world.expected.pop(leg_id, "" if exten == "s" else exten)
    if call is None and agent is not None and dialed:
        call = _consulted_in(world, out, at, agent, call_id)
    if call is None:
        call, first = Call(call_id, at), True
        world.calls[call_id] = call
    call_id = call.id
    leg = Leg(leg_id, channel, call, agent)
    leg.other_half = world.halves.pop(leg_id, "")
    direction: Direction | None = None
    if first and leg.is_local and leg_id == linkedid:
        call.own = ""
    elif first:
        direction = _direction(world, leg, context, dialed)
        call.own = leg.id if agent is not None and not dialed else None
    elif call.own == "" and not leg.is_local:
        direction, dialed = "outbound", ""
        call.own = leg.id if agent is not None and call.waiting is None else None
    if direction is not None:
        out.append(
            e.CallArrived(
                **world.about(at, call_id),
                leg_id=leg_id,
                channel=channel,
                direction=direction,
                caller_number=number,
                caller_name=name,
                dialed=dialed,
                agent=agent,
            )
        )
    world.legs[leg_id] = call.legs[leg_id] = leg
    leg.address = number if leg.party != "external" or exten == "s" else exten
    if not leg.is_local:
        _tell_start(world, out, at, leg)
    return leg


def _direction(world: World, leg: Leg, context: str, dialed: str) -> Direction:
    if leg.agent is not None or context == "ringdesk-agents":
        return "internal" if is_inside(world, dialed) else "outbound"
    if not leg.is_local:
        leg.party = "caller"
        leg.call.called_in = True
    return "inbound"


def pair(world: World, one: str, two: str) -> None:
    """Two channels are the halves of a Local channel; one of them may not be known yet."""
    for half, other in ((one, two), (two, one)):
        leg = world.legs.get(half)
        if leg is not None:
            leg.other_half = other
        elif half and half not in world.over:
            world.halves[half] = other
            while len(world.halves) > HALVES:
                del world.halves[next(iter(world.halves))]


def led_by(world: World, leg: Leg) -> Leg | None:
    """The near half of the first Local channel that leads to a leg: what a queue rings."""
    found: Leg | None = None
    for _ in range(MOST_LOCALS):
        far = world.legs.get(leg.through)
        near = None if far is None else world.legs.get(far.other_half)
        if near is None:
            break
        found = leg = near
    return found


def _tell_start(world: World, out: Facts, at: datetime, leg: Leg) -> None:
    out.append(
        e.LegStarted(
            **world.about(at, leg.call.id),
            leg_id=leg.id,
            channel=leg.channel,
            party=leg.party,
            address=leg.address,
            agent=leg.agent,
        )
    )


def dialed(world: World, out: Facts, at: datetime, leg: Leg, number: str) -> None:
    """What was dialled to reach a leg outside, which does not say it itself."""
    if leg.party == "external" and not leg.is_local and not leg.address and number != "s":
        leg.address = number
        if number:
            _tell_start(world, out, at, leg)


def _consulted_in(world: World, out: Facts, at: datetime, agent: str, call_id: str) -> Call | None:
    """The call that an agent talks in who now dials: the other call is a consultation in it.

    Nobody talks to two at once: whoever dials has put the other side on hold. Neither the
    linkedid nor, if no transfer follows, any later event joins the two.
    """
    for leg in world.legs.values():
        talks = leg.answered and not leg.released and not leg.handed_on and not leg.hanging_up
        if leg.agent == agent and talks and leg.bridge is not None:
            world.ids.merge(leg.call.id, call_id)
            out.append(e.CallMerged(**world.about(at, leg.call.id), absorbed=call_id))
            return leg.call
    return None


def is_inside(world: World, dialed: str) -> bool:
    """A number of the house: no customer is called."""
    return dialed in world.internal or dialed.startswith(("q-", "*")) or (dialed in PARKING)


def end(
    world: World,
    out: Facts,
    at: datetime,
    leg: Leg,
    *,
    cause: int,
    text: str = "",
    lost: Lost | None = None,
) -> None:
    """A channel is gone; with the last one the call. `lost`: how, if no word of it came."""
    call = leg.call
    bridges.part(world, out, at, leg)
    parking.fetch(world, out, at, leg)
    if leg.offer is True or (leg.offer == "answered" and not leg.answered):
        leg.offer = True  # answered, and gone before anybody said so
        offers.end_offer(world, out, at, leg, offers.why_unanswered(leg, cause))
    kept.cut_off(world, out, at, leg, cause)
    offers.release(world, out, at, leg)
    if call.waiting is not None and call.waiting.leg_id == leg.id:
        queues.leave(world, out, at, call, "unknown" if lost else "abandoned")
    if leg.recording:
        out.append(e.RecordingStopped(**world.about(at, call.id), file=leg.recording))
    if not leg.is_local:
        out.append(
            e.LegEnded(
                **world.about(at, call.id),
                leg_id=leg.id,
                cause=cause,
                cause_text=text,
                by=lost or hangups.ended_by(leg),
            )
        )
    if call.kept is None or call.kept.leg_id != leg.id:
        call.gone[leg.channel] = hangups.owner(leg)
    if leg.offer is False or leg.answered:
        call.cause = cause  # a device that only rang may go a moment after its caller
    del world.legs[leg.id], call.legs[leg.id]
    world.over[leg.id] = None
    if len(world.over) > REMEMBERED:
        del world.over[next(iter(world.over))]
    if not call.legs:
        _over(world, out, at, call, cause=cause if call.cause is None else call.cause, lost=lost)
    elif call.by_leg == leg.id and hangups.goes_on(call):
        call.by, call.by_leg = None, ""


def over_without_legs(world: World, out: Facts, at: datetime, call: Call) -> None:
    """A call none of whose legs is known any more has ended, nobody knows how."""
    queues.leave(world, out, at, call, "unknown")
    _over(world, out, at, call, cause=0, lost="unknown")


def _over(
    world: World, out: Facts, at: datetime, call: Call, *, cause: int, lost: Lost | None
) -> None:
    kept.let_go(world, out, at, call)
    by: EndedBy = lost or call.by or "system"
    about = world.about(at, call.id)
    if call.own != "":  # else nobody's telephone was ever in it
        out.append(e.CallEnded(**about, cause=cause, by=by, lost=lost is not None))
    del world.calls[call.id]
    world.ids.ended(call.id)

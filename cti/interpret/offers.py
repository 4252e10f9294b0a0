"""An agent's part in a call: offered, taken or not, picked up, handed on, over."""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.events import OfferEnd, TransferKind
from cti.interpret import kept, merges, queues
from cti.interpret.legs import Leg
from cti.interpret.world import Facts, World, seconds


def offer(world: World, out: Facts, at: datetime, leg: Leg, queue: str | None) -> None:
    """An agent's device is being rung."""
    if leg.agent is None or leg.offer is not False or leg.answered:
        return
    if kept.is_back(leg) or leg.call.own == leg.id:
        return  # their own call: if they take it that is told, if not they have missed none
    leg.offer, leg.queue = True, queue
    leg.call.by = None
    out.append(
        e.CallOffered(**world.about(at, leg.call.id), agent=leg.agent, leg_id=leg.id, queue=queue)
    )


def end_offer(world: World, out: Facts, at: datetime, leg: Leg, reason: OfferEnd) -> None:
    """It rings no more."""
    if leg.agent is None or leg.offer is not True:
        return
    leg.offer = reason
    out.append(
        e.CallOfferEnded(
            **world.about(at, leg.call.id), agent=leg.agent, leg_id=leg.id, reason=reason
        )
    )


def answer(world: World, out: Facts, at: datetime, leg: Leg) -> None:
    """An agent took the call (or, of a call the agent placed, the other side did)."""
    if leg.agent is None or leg.answered:
        return
    if leg.call.own == leg.id:
        if not _talked_to(leg):
            return  # they wait in it for whom it is to reach
        leg.joined_at, leg.talked = leg.joined_at and at, 0.0
    leg.answered = True
    if kept.is_back(leg):
        leg.call.kept = None
    kept.let_go(world, out, at, leg.call)
    if leg.offer == "answered":
        leg.offer = True  # DialEnd marked it; here it is told
    waiting, waited = leg.call.waiting, None
    if leg.queue is None and waiting is not None and _talks_with(world, leg, waiting.leg_id):
        leg.queue = waiting.queue  # picked up, and nobody said so: who talks waits no more
    if leg.queue is not None and waiting is not None and waiting.queue == leg.queue:
        waited = seconds(waiting.joined_at, at)
    out.append(
        e.CallAnswered(
            **world.about(at, leg.call.id),
            agent=leg.agent,
            leg_id=leg.id,
            queue=leg.queue,
            waited=waited,
        )
    )
    end_offer(world, out, at, leg, "answered")
    if waited is not None:
        queues.leave(world, out, at, leg.call, "answered")


def _talked_to(leg: Leg) -> bool:
    others = [other for other in leg.call.legs.values() if other is not leg]
    return any(other.joined_at is not None and not other.is_local for other in others)


def _talks_with(world: World, leg: Leg, other_id: str) -> bool:
    return leg.id != other_id and other_id in world.bridges.get(leg.bridge or "", {})


def release(world: World, out: Facts, at: datetime, leg: Leg) -> None:
    """An agent's part is over."""
    if leg.agent is None or leg.released or not leg.answered:
        return
    leg.released = True
    out.append(
        e.CallReleased(
            **world.about(at, leg.call.id),
            agent=leg.agent,
            leg_id=leg.id,
            talked=round(leg.talked, 3),
        )
    )


def picked_up(world: World, out: Facts, at: datetime, target: Leg, picker: Leg) -> None:
    """Somebody took a call that rang elsewhere: their channel belongs to it."""
    merges.unite(world, out, at, target.call, picker.call)
    offer(world, out, at, picker, target.queue)
    if picker.offer is True:
        picker.offer = "answered"
    if target.offer == "answered":
        target.offer = True
    end_offer(world, out, at, target, "answered_elsewhere")


def hand_on(
    world: World, out: Facts, at: datetime, by: Leg, *, kind: TransferKind, to: str
) -> None:
    """Who is at this leg handed the other side on, and leaves."""
    by.handed_on = True
    out.append(e.CallTransferred(**world.about(at, by.call.id), kind=kind, by=by.agent, to=to))


def handed_to(world: World, by: Leg) -> str:
    """The extension of the one agent who is on the line when `by` leaves it; empty if unclear.

    For an attended transfer that does not say where it led: Asterisk names nobody when the Local
    channel of the consultation has gone a moment before.
    """
    staying = {
        leg.agent
        for leg in by.call.legs.values()
        if leg is not by and leg.agent and leg.answered and not (leg.released or leg.handed_on)
    }
    return world.extensions.get(staying.pop(), "") if len(staying) == 1 else ""


def why_unanswered(leg: Leg, cause: int) -> OfferEnd:
    """Why a device rings no more that nobody answered; `cause` is its channel's."""
    if cause == 26 or any(o.answered and not o.released for o in leg.call.legs.values()):
        return "answered_elsewhere"
    if cause in {17, 21} or leg.refused:
        return "rejected"
    return "withdrawn"

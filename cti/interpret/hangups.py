"""Who hung up: the first who asked for it since the last new thing that happened in a call."""

from __future__ import annotations

from collections.abc import Iterable

from cti.events import EndedBy, LegEnd
from cti.interpret.legs import Call, Leg


def hung_up_by(leg: Leg) -> None:
    """A hang-up was asked for on this leg: the first since the last new thing counts.

    Who has transferred the call away leaves it, and does not end it.
    """
    leg.hanging_up = True
    if leg.offer is True and not leg.answered:
        leg.refused = True
    elif leg.call.by is None and not leg.is_local and not leg.handed_on:
        leg.call.by, leg.call.by_leg = owner(leg), leg.id


def ended_by(leg: Leg) -> LegEnd:
    """Whose doing the end of this leg is."""
    if leg.handed_on:
        return "transferred"
    if leg.hanging_up:
        return owner(leg)
    return leg.left_by or leg.call.by or "system"


def left_alone(leg: Leg, others: Iterable[Leg]) -> None:
    """A leg goes from a bridge: if its owner hung up, that is what ends the others' legs there."""
    if leg.hanging_up and not leg.is_local and not leg.handed_on:
        for other in others:
            other.left_by = other.left_by or owner(leg)


def owner(leg: Leg) -> EndedBy:
    """Who is at a leg. Whom an agent called is the caller of an outbound call."""
    if leg.party in {"agent", "caller"}:
        return leg.party
    return "external" if leg.call.called_in else "caller"


def goes_on(call: Call) -> bool:
    """Two people still talk, or somebody waits: whoever left did not end the call."""
    talking = [o for o in call.legs.values() if o.joined_at is not None and not o.is_local]
    return call.waiting is not None or len(talking) > 1

"""A caller waits in a parking place until somebody fetches them: for the board alone.

The records tell it as a bridge in which nobody talks, and what is kept of a call needs no more.
"""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.interpret.legs import Leg
from cti.interpret.world import Facts, World


def park(world: World, out: Facts, at: datetime, leg: Leg, place: str = "") -> None:
    """A leg is parked, at `place` if it is told."""
    if not leg.parked:
        leg.parked = True
        out.append(e.CallParked(**world.about(at, leg.call.id), leg_id=leg.id, place=place))


def fetch(world: World, out: Facts, at: datetime, leg: Leg) -> None:
    """A leg is parked no more: somebody fetched it, or nobody did in time."""
    if leg.parked:
        leg.parked = False
        out.append(e.CallUnparked(**world.about(at, leg.call.id), leg_id=leg.id))

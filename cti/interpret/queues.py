"""A caller waits in a queue, and waits no more."""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.events import QueueExit
from cti.interpret import kept
from cti.interpret.legs import Call, Leg, Waiting
from cti.interpret.world import Facts, World, seconds


def join(world: World, out: Facts, at: datetime, leg: Leg, *, queue: str, position: int) -> None:
    """The caller waits in a queue; another queue they were in is left."""
    call = leg.call
    if call.waiting is not None:
        if call.waiting.queue == queue:
            return
        leave(world, out, at, call, "unknown")
    kept.let_go(world, out, at, call)
    call.waiting = Waiting(queue, leg.id, at)
    call.by = None
    out.append(
        e.CallQueued(**world.about(at, call.id), queue=queue, position=position, leg_id=leg.id)
    )


def turn_away(world: World, out: Facts, at: datetime, leg: Leg, *, queue: str, status: str) -> None:
    """The queue did not let the caller in; `status`: what it said (QUEUESTATUS)."""
    why = turned_away(status)
    if why is not None and leg.call.waiting is None and leg.turned_away != at:
        leg.turned_away = at
        join(world, out, at, leg, queue=queue, position=0)
        leave(world, out, at, leg.call, why)


def turned_away(status: str) -> QueueExit | None:
    """Why a queue did not let a caller in; None if it did (it may have let them go again)."""
    return "full" if status == "FULL" else "closed" if status.startswith("JOIN") else None


def leave(world: World, out: Facts, at: datetime, call: Call, reason: QueueExit) -> None:
    """The caller waits no more."""
    waiting = call.waiting
    if waiting is None:
        return
    call.waiting = None
    out.append(
        e.CallLeftQueue(
            **world.about(at, call.id),
            queue=waiting.queue,
            reason=reason,
            waited=seconds(waiting.joined_at, at),
        )
    )

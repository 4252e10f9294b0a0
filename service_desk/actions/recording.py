"""Who heard a recording: people answer for it, so it is remembered."""

from __future__ import annotations

from service_desk.actions import seen
from service_desk.actor import Actor
from service_desk.desk import Desk

HEARD = "recording.heard"


async def heard(desk: Desk, *, recording_id: int, call_id: str, by: Actor) -> None:
    """Remember that `by` heard it: once an hour, however many pieces the player asks for.

    Raises DatabaseAway.
    """
    await seen.read(desk, HEARD, str(recording_id), by=by, call=call_id)

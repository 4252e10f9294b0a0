"""Who heard a recording: people answer for it, so it is remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.model import Audit

HEARD = "recording.heard"
AGAIN_AFTER = timedelta(hours=1)


async def heard(desk: Desk, *, recording_id: int, call_id: str, by: Actor) -> None:
    """Remember that `by` heard it: once an hour, however many pieces the player asks for.

    Raises DatabaseAway.
    """
    since = desk.clock.now() - AGAIN_AFTER
    # Most pieces are not the first: they must not wait in the line of writers.
    if await desk.fetch(_known, recording_id, by.name, since):
        return
    async with desk.write(by=by) as uow:
        if not await uow.run(_known, recording_id, by.name, since):
            await checks.audit(uow, HEARD, str(recording_id), call=call_id)


def _known(connection: Connection, recording_id: int, name: str, since: datetime) -> bool:
    found: Any = connection.execute(
        select(Audit.id)
        .where(
            Audit.at > since,
            Audit.act == HEARD,
            Audit.actor == name,
            Audit.about == str(recording_id),
        )
        .limit(1)
    ).first()
    return found is not None

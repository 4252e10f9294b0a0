"""Who read what: people answer for it, so it is remembered; once an hour, not once a request."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.model import Audit

CUSTOMER_READ = "customer.read"
CUSTOMERS_LISTED = "customers.listed"
AGAIN_AFTER = timedelta(hours=1)


async def customer_read(desk: Desk, *, customer_id: int, by: Actor) -> None:
    """Remember that `by` read everything we know of a customer. Raises DatabaseAway."""
    await once_an_hour(desk, CUSTOMER_READ, str(customer_id), by=by)


async def customers_listed(desk: Desk, *, by: Actor) -> None:
    """Remember that `by` listed customers; what was looked for is nobody's business."""
    await once_an_hour(desk, CUSTOMERS_LISTED, "", by=by)


async def once_an_hour(desk: Desk, act: str, about: str, *, by: Actor, **detail: Any) -> None:
    """Remember it unless it was within the last hour, by the same person. Raises DatabaseAway."""
    since = desk.clock.now() - AGAIN_AFTER
    # Most are not the first: they must not wait in the line of writers.
    if await desk.fetch(_known, act, about, by.name, since):
        return
    async with desk.write(by=by) as uow:
        if not await uow.run(_known, act, about, by.name, since):
            await checks.audit(uow, act, about, **detail)


def _known(connection: Connection, act: str, about: str, name: str, since: datetime) -> bool:
    found: Any = connection.execute(
        select(Audit.id)
        .where(Audit.at > since, Audit.act == act, Audit.actor == name, Audit.about == about[:120])
        .limit(1)
    ).first()
    return found is not None

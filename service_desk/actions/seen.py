"""Who read what: people answer for it, so it is remembered; once an hour, not once a request.

Of one person, case or recording every reading counts. Of a list or a search what was asked for is
kept, the first `QUERIES` of an hour by themselves and then that there were more: whoever searches
at each stroke must not fill the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.model import Audit

CUSTOMER_READ = "customer.read"
CASE_READ = "case.read"
CALL_READ = "call.read"
CUSTOMERS_LISTED = "customers.listed"
CASES_LISTED = "cases.listed"
CALLS_LISTED = "calls.listed"
SEARCHED = "search"
BOARD_WATCHED = "board.watched"
AGAIN_AFTER = timedelta(hours=1)
QUERIES = 60  # of one person and kind, an hour
MORE = "*"  # what stands for the rest of them


async def read(desk: Desk, act: str, about: str, *, by: Actor, **detail: Any) -> None:
    """Remember that `by` read this one thing, within an hour once. Raises DatabaseAway."""
    since = desk.clock.now() - AGAIN_AFTER
    # Most are not the first: they must not wait in the line of writers.
    if await desk.fetch(_known, act, about, by.name, since):
        return
    async with desk.write(by=by) as uow:
        if not await uow.run(_known, act, about, by.name, since):
            await checks.audit(uow, act, about, **detail)


async def listed(desk: Desk, act: str, asked: Mapping[str, object] | str, *, by: Actor) -> None:
    """Remember that `by` had this listed: a text searched for, or the filters that were set.

    Raises DatabaseAway.
    """
    about = asked if isinstance(asked, str) else _filters(asked)
    since = desk.clock.now() - AGAIN_AFTER
    if await desk.fetch(_known, act, about, by.name, since):
        return
    many = await desk.fetch(_many, act, by.name, since)
    await read(desk, act, about if many < QUERIES else MORE, by=by)


def _filters(asked: Mapping[str, object]) -> str:
    given = {name: value for name, value in asked.items() if value not in (None, "", False)}
    return "&".join(f"{name}={given[name]}" for name in sorted(given))


def _known(connection: Connection, act: str, about: str, name: str, since: datetime) -> bool:
    found: Any = connection.execute(
        select(Audit.id)
        .where(Audit.at > since, Audit.act == act, Audit.actor == name, Audit.about == about[:120])
        .limit(1)
    ).first()
    return found is not None


def _many(connection: Connection, act: str, name: str, since: datetime) -> int:
    counted = select(func.count()).select_from(Audit)
    mine = (Audit.at > since) & (Audit.act == act) & (Audit.actor == name)
    return connection.scalar(counted.where(mine)) or 0

"""Lists of cases, newest first, a page at a time."""

from __future__ import annotations

from typing import Any, get_args

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, func, select

from service_desk import views
from service_desk.desk import Desk
from service_desk.errors import BadValue
from service_desk.model import Case
from service_desk.queries import briefs

MOST = 200


class CaseList(Struct, frozen=True, kw_only=True):
    """One page of cases; pass `page.next` as `after` for the next one."""

    cases: tuple[views.CaseBrief, ...]
    page: views.Page


async def case_list(
    desk: Desk,
    *,
    status: views.CaseStatus | None = None,
    open_only: bool = False,
    owner: str | None = None,
    unassigned: bool = False,
    customer_id: int | None = None,
    priority: views.Priority | None = None,
    after: str | None = None,
    limit: int = 50,
) -> CaseList:
    """Cases that fit all that is given; merged ones only when asked for. Raises BadValue."""
    where: list[ColumnElement[bool]] = []
    if status is not None:
        if status not in get_args(views.CaseStatus):
            raise BadValue("status", "is unknown")
        where.append(Case.status == status)
    elif open_only:
        where.append(Case.status.in_(briefs.OPEN))
    else:
        where.append(Case.status != "merged")
    if owner is not None:
        where.append(Case.owner == owner)
    if unassigned:
        where.append(Case.owner.is_(None))
    if customer_id is not None:
        where.append(Case.customer_id == customer_id)
    if priority is not None:
        where.append(Case.priority == priority)
    before = cursor(after)
    most = max(1, min(limit, MOST))

    def read(connection: Connection) -> CaseList:
        total = connection.scalar(select(func.count()).select_from(Case).where(*where)) or 0
        page: Any = briefs.CASES.where(*where)
        if before is not None:
            page = page.where(Case.id < before)
        rows = connection.execute(page.order_by(Case.id.desc()).limit(most + 1)).all()
        cases = tuple(briefs.brief_of_case(row, desk.settings.titles) for row in rows[:most])
        more = str(cases[-1].id) if len(rows) > most else None
        return CaseList(cases=cases, page=views.Page(total=total, next=more))

    return await desk.fetch(read)


def cursor(after: str | None) -> int | None:
    """The id a page's cursor stands for. Raises BadValue."""
    if not after:
        return None
    if not after.isascii() or not after.isdigit() or len(after) > 15:
        raise BadValue("after", "is no cursor of ours")
    return int(after)

"""The list of cases: filters in the address, one page after the other."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from aiohttp import web

from agent_console import reading, writing
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of
from service_desk.views import CaseStatus, Priority

STATUSES: tuple[CaseStatus, ...] = get_args(CaseStatus)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
PER_PAGE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """GET /cases?status=&priority=&owner=&cursor="""
    asked = request.query
    status, priority = asked.get("status", ""), asked.get("priority", "")
    filters = {
        "status": status if status in (*STATUSES, "unfinished") else "",
        "priority": priority if priority in PRIORITIES else "",
        "owner": asked.get("owner", "").strip()[:32],
    }
    await writing.cases_listed(request.app[CONTEXT], filters, by=actor_of(request))
    found = await reading.cases(
        request.app[CONTEXT],
        status=next((code for code in STATUSES if code == status), None),
        open_only=status == "unfinished",
        priority=next((code for code in PRIORITIES if code == priority), None),
        owner=filters["owner"],
        cursor=asked.get("cursor", "")[:200],
        limit=PER_PAGE,
    )
    given = {name: value for name, value in filters.items() if value}
    values = {
        "cases": found.cases,
        "names": await reading.names(request.app[CONTEXT]),
        "total": found.page.total,
        "filters": filters,
        "statuses": STATUSES,
        "priorities": PRIORITIES,
        "next_page": f"/cases?{urlencode({**given, 'cursor': found.page.next})}"
        if found.page.next
        else "",
    }
    return page(request, "case_list.html", values)

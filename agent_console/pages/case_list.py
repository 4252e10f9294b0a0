"""The list of cases: filters in the address, one page after the other."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlencode

from aiohttp import web

from agent_console import reading
from agent_console.render import page
from agent_console.web import CONTEXT
from service_desk.views import CaseStatus, Priority

STATUSES: tuple[CaseStatus, ...] = get_args(CaseStatus)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
PER_PAGE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """GET /cases?status=&priority=&owner=&q=&cursor="""
    asked = request.query
    status, priority = asked.get("status", ""), asked.get("priority", "")
    filters = {
        "status": status if status in STATUSES else "",
        "priority": priority if priority in PRIORITIES else "",
        "owner": asked.get("owner", "").strip()[:32],
        "q": asked.get("q", "").strip()[:120],
    }
    cases, found = await reading.case_list(
        request.app[CONTEXT],
        status=filters["status"],
        priority=filters["priority"],
        owner=filters["owner"],
        q=filters["q"],
        cursor=asked.get("cursor", "")[:200],
        limit=PER_PAGE,
    )
    given = {name: value for name, value in filters.items() if value}
    values = {
        "cases": cases,
        "total": found.total,
        "filters": filters,
        "statuses": STATUSES,
        "priorities": PRIORITIES,
        "next_page": f"/cases?{urlencode({**given, 'cursor': found.next})}" if found.next else "",
    }
    return page(request, "case_list.html", values)

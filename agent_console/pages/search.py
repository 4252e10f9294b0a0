"""Find people and cases: a page, and the same for Ctrl-K."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from agent_console import reading, shown, writing
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of, language_of
from service_desk.queries.briefs import in_language
from service_desk.queries.search import Found
from service_desk.views import CaseBrief, CustomerBrief

LONGEST = 120
FOR_KEYS = 8  # of each kind, for Ctrl-K
FOR_PAGE = 50


async def show(request: web.Request) -> web.StreamResponse:
    """GET /search?q="""
    text = _asked(request)
    context = request.app[CONTEXT]
    found = await _found(request, text, FOR_PAGE)
    values = {
        "query": text,
        "people": [_person(p) for p in found.customers],
        "cases": found.cases,
        "people_total": found.customers_total,
        "cases_total": found.cases_total,
        "names": await reading.names(context),
    }
    return page(request, "search.html", values)


async def answer(request: web.Request) -> web.StreamResponse:
    """GET /search.json?q="""
    found = await _found(request, _asked(request), FOR_KEYS)
    body = {
        "people": [_person(p) for p in found.customers],
        "cases": [_case(c, language_of(request)) for c in found.cases],
    }
    return web.Response(body=shown.encode(body), content_type="application/json")


async def _found(request: web.Request, text: str, most: int) -> Found:
    context = request.app[CONTEXT]
    context.paces.take("search", actor_of(request))
    if text:
        await writing.searched(context, text, by=actor_of(request))
    return await reading.find(context, text, most)


def _asked(request: web.Request) -> str:
    return shown.clean(request.query.get("q", "").strip()[:LONGEST])


def _person(found: CustomerBrief) -> dict[str, Any]:
    number = next((p.value for p in found.contact_points if p.kind == "phone"), "")
    return {
        "id": found.id,
        "name": found.name,
        "city": found.city,
        "number": number,
        "url": f"/customers/{found.id}",
    }


def _case(found: CaseBrief, language: str) -> dict[str, Any]:
    return {
        "id": found.id,
        "number": found.number,
        "subject": in_language(language, found.subject, found.subject_zh),
        "status": found.status,
        "found_as": found.found_as,
        "customer_name": found.customer_name,
        "url": f"/cases/{quote(found.number, safe='')}",
    }

"""One customer: the whole history on one page."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading
from agent_console.pages.forms import number_in_path
from agent_console.render import page
from agent_console.web import CONTEXT, language_of


async def show(request: web.Request) -> web.StreamResponse:
    """GET /customers/{id}"""
    context = request.app[CONTEXT]
    shown = await reading.customer(context, number_in_path(request), language_of(request))
    names = await reading.names(context)
    return page(request, "customer.html", {"shown": shown, "names": names})

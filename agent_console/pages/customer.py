"""One customer: the whole history on one page."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading, writing
from agent_console.pages.forms import number_in_path, times_shown
from agent_console.panels import aside
from agent_console.recordings import missing_of
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of, language_of


async def show(request: web.Request) -> web.StreamResponse:
    """GET /customers/{id}"""
    context = request.app[CONTEXT]
    customer_id = number_in_path(request)
    times = times_shown(request)
    shown = await reading.customer(context, customer_id, language_of(request), times=times)
    await writing.customer_read(context, customer_id, by=actor_of(request))
    missing: list[str] = []
    files = missing_of(context, shown.conversations)
    values = {
        "shown": shown,
        "times": times,
        "lost": await aside("customer", "recordings", files, frozenset(), missing),
        "absent": (*shown.missing, *missing),
        "names": await reading.names(context),
    }
    return page(request, "customer.html", values)

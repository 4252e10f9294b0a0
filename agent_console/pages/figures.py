"""Figures of today and yesterday by queue, and what each means; screens link here by anchor."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading
from agent_console.render import page
from agent_console.web import CONTEXT


async def show(request: web.Request) -> web.StreamResponse:
    """GET /figures"""
    context = request.app[CONTEXT]
    values = {
        "zone": context.time_zone,
        "queues": tuple(context.queues.values()),
        "days": await reading.figures(context),
    }
    return page(request, "figures.html", values)

"""What runs by itself, how the last run went, and having one run now."""

from __future__ import annotations

from aiohttp import web

from agent_console import reading, writing
from agent_console.render import page
from agent_console.web import CONTEXT, actor_of, see_other


async def show(request: web.Request) -> web.StreamResponse:
    """GET /jobs"""
    context = request.app[CONTEXT]
    values = {"shown": await reading.all_jobs(context), "zone": context.time_zone}
    return page(request, "jobs.html", values)


async def run(request: web.Request) -> web.StreamResponse:
    """POST /jobs/{name}/run"""
    name = request.match_info["name"]
    await writing.run_job(request.app[CONTEXT], name, by=actor_of(request))
    return see_other("/jobs")

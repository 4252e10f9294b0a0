"""Whether the process lives, whether it can serve, and its figures for Prometheus."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, text

from agent_console.web import CONTEXT
from service_desk.errors import DeskError

READY_WITHIN = 2.0  # seconds the database may take to answer


async def alive(_request: web.Request) -> web.StreamResponse:
    """GET /healthz: the loop turns."""
    return web.Response(text="ok\n")


async def ready(request: web.Request) -> web.StreamResponse:
    """GET /readyz: 200 when the database answers, 503 with one line when it does not."""
    desk = request.app[CONTEXT].desk
    try:
        async with asyncio.timeout(READY_WITHIN):
            await desk.fetch(_answers)
    except (TimeoutError, DeskError):
        return web.Response(text="the database does not answer\n", status=503)
    return web.Response(text="ready\n")


async def metrics(request: web.Request) -> web.StreamResponse:
    """GET /metrics in Prometheus' text format: of this process."""
    page = await request.app[CONTEXT].metrics()
    return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _answers(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))

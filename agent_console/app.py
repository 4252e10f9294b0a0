"""The web side of the counter: every route in one visible table.

`build_app(context)` gives an aiohttp application; whoever starts it owns its life. Each line names
the permission it asks for (`access.py`); a route that is not in these tables is refused.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from agent_console import assets, health
from agent_console.access import Permission as Needs
from agent_console.api.routes import API
from agent_console.context import ConsoleContext
from agent_console.i18n import load_all
from agent_console.listening import GuardedSite, open_bounds, runner_of
from agent_console.middleware import MIDDLEWARES
from agent_console.pages import (
    board,
    case,
    case_list,
    customer,
    desk,
    figures,
    jobs,
    language,
    phone,
    recording,
    search,
    sign_in,
)
from agent_console.render import Renderer
from agent_console.web import ASSETS, CONTEXT, CROWD, RENDERER, ROUTES, TRANSLATORS, Route
from cti.bounds import Bounds

PAGES: tuple[Route, ...] = (
    Route("GET", "/", sign_in.home, Needs.SIGNED_IN),
    Route("GET", "/sign-in", sign_in.show, Needs.ANYONE),
    Route("POST", "/sign-in", sign_in.submit, Needs.ANYONE),
    Route("POST", "/sign-out", sign_in.leave, Needs.SIGNED_IN),
    Route("POST", "/sign-out-everywhere", sign_in.leave_everywhere, Needs.SIGNED_IN),
    Route("POST", "/language", language.switch, Needs.ANYONE),
    Route("GET", "/desk", desk.show, Needs.DESK_USE),
    Route("GET", "/board", board.show, Needs.BOARD_SEE),
    Route("GET", "/phone", phone.show, Needs.ANYONE),  # 404 outside demo mode
    Route("GET", "/cases", case_list.show, Needs.CASE_READ),
    Route("GET", "/cases/{number}", case.show, Needs.CASE_READ),
    Route("POST", "/cases/{number}/notes", case.note, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/disposition", case.disposition, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/status", case.status, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/priority", case.priority, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/subject", case.subject, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/follow-ups", case.follow_up, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/follow-ups/{id}/kept", case.kept, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/file-under", case.file_under, Needs.CASE_WRITE),
    Route("POST", "/cases/{number}/join", case.join, Needs.CASE_JOIN),
    Route("POST", "/cases/{number}/assign", case.assign, Needs.CASE_WRITE),
    Route("GET", "/customers/{id}", customer.show, Needs.CUSTOMER_READ),
    Route("GET", "/search", search.show, Needs.CUSTOMER_READ),
    Route("GET", "/search.json", search.answer, Needs.CUSTOMER_READ),
    Route("GET", "/figures", figures.show, Needs.QUEUE_READ),
    Route("GET", "/jobs", jobs.show, Needs.JOB_SEE),
    Route("POST", "/jobs/{name}/run", jobs.run, Needs.JOB_RUN),
    Route("GET", "/recordings/{id}", recording.play, Needs.RECORDING_HEAR_OWN),
    Route("GET", "/static/built/{path:.+}", assets.built, Needs.ANYONE, "none"),
    Route("GET", "/healthz", health.alive, Needs.ANYONE, "none"),
    Route("GET", "/readyz", health.ready, Needs.ANYONE, "none"),
    Route("GET", "/metrics", health.metrics, Needs.METRICS_READ, "either"),
)
TABLE: tuple[Route, ...] = PAGES + API

BODY_LIMIT = 256 * 1024  # bytes; nothing we accept is larger


def build_app(context: ConsoleContext, *, crowd: Bounds | None = None) -> web.Application:
    """The pages, the JSON API and the built bundle, on `context`.

    `crowd` bounds the requests at work for one address behind a proxy.
    """
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=BODY_LIMIT)
    translators = load_all(context.languages)
    bundle = assets.Assets(context.built)
    app[CONTEXT] = context
    app[CROWD] = crowd or open_bounds("pages, by proxy")
    app[TRANSLATORS] = translators
    app[ASSETS] = bundle
    app[RENDERER] = Renderer(context, translators, bundle)
    routes = app[ROUTES] = {}
    resources: dict[str, web.Resource] = {}
    for route in TABLE:
        resource = resources.get(route.path)
        if resource is None:
            resource = resources[route.path] = app.router.add_resource(route.path)
        routes[route.method, resource.canonical] = route
        resource.add_route(route.method, route.handler)
        if route.method == "GET":
            resource.add_route("HEAD", route.handler)
    return app


async def serve_web(
    context: ConsoleContext, host: str, port: int, bounds: Bounds | None = None
) -> web.AppRunner:
    """Listen on `host:port` (0: any free one, `runner.addresses`); `runner.cleanup()` ends it.

    `bounds`: how many connections at once. Raises OSError when the port is taken.
    """
    guard = bounds or open_bounds("pages", trusted=context.proxies)
    runner = runner_of(build_app(context, crowd=Bounds("pages, by proxy", guard.most, guard.each)))
    await runner.setup()
    try:
        await GuardedSite(runner, host, port, guard).start()
    except (OSError, asyncio.CancelledError):
        await runner.cleanup()
        raise
    return runner

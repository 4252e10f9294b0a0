"""What every request passes, outermost first: headers, errors, who is asking, permission."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlencode

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler as AiohttpHandler

from agent_console import render, security, sessions, shown
from agent_console.access import NotAllowed, SignInNeeded, require
from agent_console.errors import TooBusy, retry_after, status_of
from agent_console.i18n import choose
from agent_console.refusals import in_words
from agent_console.web import (
    CONTEXT,
    CROWD,
    CSRF,
    LANGUAGE,
    ROUTES,
    TOKEN,
    VIEWER,
    Route,
    address_of,
    say,
    see_other,
    translator_of,
    viewer_of,
)
from agent_console.words import N_

log = structlog.get_logger(__name__)

SECONDS = 10.0  # for one answer; what a file's bytes take to be sent is not counted
RETRY_AFTER = 5  # seconds until it is worth trying again
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
TITLES: Mapping[int, str] = {
    400: N_("That could not be understood"),
    403: N_("You may not do this"),
    404: N_("There is no such page"),
    405: N_("That cannot be done with this page"),
    409: N_("That is not possible now"),
    413: N_("That is too much at once"),
    429: N_("Too many tries"),
    500: N_("Something went wrong on our side"),
    503: N_("The database or the telephone did not answer in time"),
}
_AGAIN = N_("It may or may not have been saved. Wait a moment, look, and try again.")


@web.middleware
async def headers(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Security headers on every answer, errors included."""
    response = await handler(request)
    if not response.prepared:
        security.protect(request, response)
    return response


@web.middleware
async def errors(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Whatever is raised becomes an answer; nobody sees a traceback, the log sees the reason."""
    try:
        return await handler(request)
    except SignInNeeded:
        return _ask_to_sign_in(request)
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        response = answer(request, error.status, _code_of(error.status), "")
        if "Allow" in error.headers:  # what would be allowed instead of a 405
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except Exception as error:
        status, code = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.exception("web.failed", path=request.path, method=request.method)
        away = status == HTTPStatus.SERVICE_UNAVAILABLE
        if away and not wants_json(request):
            words = say(request, _AGAIN)
        else:
            words = in_words(error, translator_of(request))
        response = answer(request, status, code, words)
        seconds = RETRY_AFTER if away else retry_after(error)
        if seconds is not None:
            response.headers["Retry-After"] = str(seconds)
        return response


@web.middleware
async def crowd(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Behind a proxy the listener sees one address: those who speak through it are counted here."""
    bounds, address = request.app[CROWD], address_of(request)
    if not bounds.enter(address):
        raise TooBusy(N_("Too much at once from your address. Try again in a moment."))
    try:
        return await handler(request)
    finally:
        bounds.leave(address)


@web.middleware
async def limit(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Nobody looks at an empty page for ever: in time there is an answer, if only a 503."""
    async with asyncio.timeout(SECONDS):
        return await handler(request)


@web.middleware
async def identify(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Find out who is asking (session or token), in which language, with which CSRF token."""
    context = request.app[CONTEXT]
    route = route_of(request)
    request[LANGUAGE] = choose(
        request.cookies.get(security.LANGUAGE_COOKIE),
        request.headers.get("Accept-Language", ""),
        context.languages,
    )
    bearer = _bearer(request)
    if bearer and route is not None and route.door in ("bearer", "either"):
        request[VIEWER] = await sessions.by_api_token(context, bearer)
        return await handler(request)
    if route is not None and route.door in ("bearer", "none"):
        return await handler(request)
    token = request.cookies.get(security.SESSION_COOKIE, "")
    visit = ""
    if token and (viewer := await sessions.by_session(context, token)) is not None:
        request[VIEWER] = viewer
        request[TOKEN] = token
        if security.LANGUAGE_COOKIE not in request.cookies:
            request[LANGUAGE] = choose(viewer.language, "", context.languages)
        request[CSRF] = security.csrf_token(token)
        return await handler(request)
    visit = request.cookies.get(security.VISIT_COOKIE, "")
    fresh = "" if visit else security.new_visit()
    request[CSRF] = security.csrf_token(visit or fresh)
    response = await handler(request)
    if fresh and not response.prepared and response.content_type == "text/html":
        security.set_cookie(response, context, security.VISIT_COOKIE, fresh)
    return response


@web.middleware
async def guard(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    """Deny by default: a route that is in no table has no permission and is refused."""
    if request.match_info.http_exception is not None:
        return await handler(request)  # 404 and 405 raise themselves
    route = route_of(request)
    if route is None:
        raise NotAllowed("no route")
    require(viewer_of(request), route.permission)
    if request.method not in SAFE and not _by_bearer(request, route):
        await security.check_csrf(request)
    return await handler(request)


MIDDLEWARES = (headers, errors, crowd, limit, identify, guard)


def route_of(request: web.Request) -> Route | None:
    """The line of the route table that this request matched."""
    resource = request.match_info.route.resource
    if resource is None:
        return None
    method = "GET" if request.method == "HEAD" else request.method
    return request.app[ROUTES].get((method, resource.canonical))


def answer(request: web.Request, status: int, code: str, message: str) -> web.Response:
    """An error for a program (`/api/`) or a person."""
    if wants_json(request):
        body = {"error": {"code": code, "message": message or _title(request, status)}}
        response = web.Response(
            body=shown.encode(body), status=status, content_type="application/json"
        )
        if status == HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Bearer realm="ringdesk"'
        return response
    values = {"status": status, "title": _title(request, status), "message": message}
    return render.page(request, "error.html", values, status=status)


def wants_json(request: web.Request) -> bool:
    """Whether a program asks: the API, or one of the pages' own JSON addresses."""
    return request.path.startswith("/api/") or request.path.endswith(".json")


def _ask_to_sign_in(request: web.Request) -> web.Response:
    if wants_json(request) or request.method not in SAFE:
        return answer(
            request, HTTPStatus.UNAUTHORIZED, "sign_in", say(request, N_("Sign in first"))
        )
    if request.path == "/":
        return see_other("/sign-in")
    # Where to go on after signing in; only ever a path of our own (checked again there). The Host
    # header has no part in it: it may be no host at all.
    return see_other("/sign-in?" + urlencode({"next": request.rel_url.path_qs}))


def _title(request: web.Request, status: int) -> str:
    return say(request, TITLES.get(status, TITLES[500] if status >= 500 else TITLES[400]))


def _code_of(status: int) -> str:
    known = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return known.get(status, "bad_request" if status < 500 else "internal")


def _bearer(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _by_bearer(request: web.Request, route: Route) -> bool:
    """A bearer token is never sent by a browser on its own: no CSRF token is needed with it."""
    return route.door in ("bearer", "either") and bool(_bearer(request))

"""What every handler shares: the keys of the application, the route's shape, who is asking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from aiohttp import web
from msgspec import Struct

from agent_console.access import Permission, SignInNeeded, Viewer
from agent_console.addresses import address_behind
from agent_console.context import ConsoleContext
from agent_console.i18n import Translator
from agent_console.origins import host_of
from cti.bounds import Bounds
from service_desk.actor import Actor

if TYPE_CHECKING:
    from agent_console.assets import Assets
    from agent_console.render import Renderer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTEXT: web.AppKey[ConsoleContext] = web.AppKey("context", ConsoleContext)
TRANSLATORS: web.AppKey[dict[str, Translator]] = web.AppKey("translators", dict)
ASSETS: web.AppKey[Assets] = web.AppKey("assets")
RENDERER: web.AppKey[Renderer] = web.AppKey("renderer")
CROWD: web.AppKey[Bounds] = web.AppKey("crowd", Bounds)
ROUTES: web.AppKey[dict[tuple[str, str], Route]] = web.AppKey("routes", dict)

VIEWER: web.RequestKey[Viewer | None] = web.RequestKey("viewer")
TOKEN: web.RequestKey[str] = web.RequestKey("token", str)
LANGUAGE: web.RequestKey[str] = web.RequestKey("language", str)
CSRF: web.RequestKey[str] = web.RequestKey("csrf", str)

# How a route learns who is asking: a page by its cookie, the API by its bearer token; `none` does
# not ask at all and so answers while the database is away.
Door = Literal["cookie", "bearer", "either", "none"]


class Route(Struct, frozen=True):
    """One line of the route table."""

    method: str
    path: str
    handler: Handler
    permission: Permission
    door: Door = "cookie"


def viewer_of(request: web.Request) -> Viewer | None:
    """Who is asking; None when nobody is signed in."""
    return request.get(VIEWER)


def signed_in(request: web.Request) -> Viewer:
    """Who is asking, where the route's permission already made sure that someone is."""
    viewer = viewer_of(request)
    if viewer is None:
        raise SignInNeeded
    return viewer


def address_of(request: web.Request) -> str:
    """Where the request came from: the peer, or whom a proxy of ours says it speaks for.

    Behind a proxy all would have one address, and one person's wrong passwords would lock out all.
    """
    forwarded = request.headers.getall("X-Forwarded-For", [])
    return address_behind(request.app[CONTEXT].proxies, request.remote or "", forwarded)


def actor_of(request: web.Request) -> Actor:
    """Who is asking, as the desk's actions name them; the address is for the audit."""
    viewer = signed_in(request)
    return Actor(viewer.user, viewer.role, viewer.staff_id, address_of(request))


def language_of(request: web.Request) -> str:
    """The language to answer in: `en` or `zh`."""
    language: str = request.get(LANGUAGE, request.app[CONTEXT].languages[0])
    return language


def translator_of(request: web.Request) -> Translator:
    """Speaks the language of the request."""
    return request.app[TRANSLATORS][language_of(request)]


def say(request: web.Request, text: str) -> str:
    """`text` in the language of the request."""
    return translator_of(request).say(text)


def host(request: web.Request) -> str:
    """The host name the browser asked for, without port."""
    return host_of(request.headers.get("Host", ""))


def see_other(path: str) -> web.Response:
    """The answer to a form: 303 to `path` of this site (post, redirect, get)."""
    return web.Response(status=303, headers={"Location": path})

"""One line of the API's table: what goes in, what comes out, and the handler that stands between.

Bodies and query strings are decoded by msgspec into the structs named here, so a wrong field is a
clear 400 and the OpenAPI description can never say something else than what is checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from agent_console import shown
from agent_console.access import Permission, Viewer
from agent_console.api.shapes import PATH
from agent_console.context import ConsoleContext
from agent_console.errors import BadRequest
from agent_console.web import CONTEXT, Route, actor_of, language_of, signed_in
from agent_console.words import N_
from service_desk.actor import Actor

SECONDS = 10.0  # for one answer


class Call(Struct, frozen=True, kw_only=True):
    """One request, decoded: `path` as text, `query` and `body` as the endpoint's structs."""

    context: ConsoleContext
    viewer: Viewer
    actor: Actor
    language: str
    path: dict[str, str]
    query: Any = None
    body: Any = None


Work = Callable[[Call], Awaitable[Any]]


class Endpoint(Struct, frozen=True, kw_only=True):
    """`answer` is the struct of a success with `status`; `work` gets the decoded call."""

    method: str
    path: str
    permission: Permission
    summary: str
    work: Work
    answer: Any
    query: type[Any] | None = None
    body: Any = None  # a struct, or a choice of several
    status: int = 200
    tag: str = ""

    def route(self) -> Route:
        """The line for the application's table."""
        return Route(self.method, self.path, self.handle, self.permission, "bearer")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Decode, work, encode."""
        viewer = signed_in(request)
        call = Call(
            context=request.app[CONTEXT],
            viewer=viewer,
            actor=actor_of(request),
            language=language_of(request),
            path=_path(request),
            query=None if self.query is None else _query(request, self.query),
            body=None if self.body is None else await _body(request, self.body),
        )
        async with asyncio.timeout(SECONDS):
            answer = await self.work(call)
        return web.Response(
            body=shown.encode(answer), status=self.status, content_type="application/json"
        )


def _path(request: web.Request) -> dict[str, str]:
    """What stands in the address, as the description says it must look."""
    found = dict(request.match_info)
    for name, text in found.items():
        try:
            value = msgspec.convert(text, PATH[name], strict=False)
        except msgspec.ValidationError:
            value = None
        # 1e3 is a number, and nobody's.
        if value is None or (isinstance(value, int) and str(value) != text):
            raise BadRequest(N_("is not as it must be"), field=name)
    return found


def _query(request: web.Request, kind: type[Any]) -> Any:
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    for name in request.query:
        if name not in known:
            raise BadRequest(N_("there is no such parameter"), field=name)
        if len(request.query.getall(name)) > 1:
            raise BadRequest(N_("is given more than once"), field=name)
    return parameters(dict(request.query), kind)


def parameters(given: Mapping[str, str], kind: type[Any]) -> Any:
    """What is asked for in an address. Raises msgspec.ValidationError."""
    # strict=False: numbers and booleans are text in an address. So is `null`: it says nothing.
    found = msgspec.convert(given, kind, strict=False)
    for field in msgspec.structs.fields(kind):
        if field.encode_name in given and getattr(found, field.name) is None:
            raise msgspec.ValidationError(f"Expected a value - at `$.{field.encode_name}`")
    return found


async def _body(request: web.Request, kind: Any) -> Any:
    if request.content_type != "application/json":
        raise BadRequest(N_("the body must be application/json"))
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except UnicodeDecodeError:
        raise BadRequest(N_("the body is not UTF-8")) from None
    except RecursionError:
        raise BadRequest(N_("is nested too deeply")) from None


def given(body: Struct) -> dict[str, Any]:
    """What was sent of a body whose fields may be left out."""
    fields = msgspec.structs.asdict(body).items()
    return {name: value for name, value in fields if value is not msgspec.UNSET}


def identifier(call: Call, name: str = "id") -> int:
    """A number out of the path, whose form was checked."""
    return int(call.path[name])


def moment(text: str, field: str) -> datetime:
    """A time as the API takes it. Raises BadRequest for a day that does not exist."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(N_("is no date and time"), field=field) from None

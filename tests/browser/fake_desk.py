"""The server's side of the pages, with a live side that a test leads frame by frame.

It serves the real templates and the built bundle with a policy as strict as the real server's, so
that a page that would need inline style or script fails here. Nothing else of Ringdesk runs.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import jinja2
from aiohttp import web

Json = dict[str, Any]
CONSOLE = Path(__file__).parents[2] / "agent_console"
BUILT = CONSOLE / "static" / "built"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; media-src 'self' blob:; connect-src 'self' ws://127.0.0.1:*; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class FakeDesk:
    """One agent's server. `topics` is what a subscription shows; `sent` every command that came."""

    def __init__(self) -> None:
        self.topics: dict[str, Json] = {}
        self.boots: dict[str, Json] = {}
        self.sent: list[Json] = []
        self.cookies: list[str] = []  # of every live connection
        self.refuse: dict[str, str] = {}
        self.found: Json = {"people": [], "cases": []}
        self.signed_out = False
        self.base = ""
        self._sockets: set[web.WebSocketResponse] = set()
        self._seq: dict[str, int] = {}
        self._arrived = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        manifest = json.loads((BUILT / "manifest.json").read_text())
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(CONSOLE / "templates"), autoescape=True
        )
        self._pages.globals["asset"] = lambda name: f"/static/built/{manifest[name]}"

    @property
    def live(self) -> str:
        """Where the live side listens."""
        return self.base.replace("http", "ws") + "/live"

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_get("/live", self._live)
        app.router.add_get("/search.json", self._search)
        app.router.add_static("/static/built", BUILT)
        app.router.add_get("/{page:desk|board|phone}", self._page)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        await self.drop()
        if self._runner:
            await self._runner.cleanup()

    async def drop(self, code: int = 1012) -> None:
        """Cut every socket."""
        for socket in list(self._sockets):
            await socket.close(code=code)

    async def show(self, topic: str, sections: Json) -> None:
        """A fresh snapshot for everyone."""
        self.topics[topic] = sections
        for socket in list(self._sockets):
            await self._snapshot(socket, topic)

    async def change(
        self, topic: str, *, put: Json | None = None, remove: Json | None = None, lost: bool = False
    ) -> None:
        """Change what is shown and send the delta; `lost`: used up, but it never arrives."""
        sections = self.topics[topic]
        for section, objects in (put or {}).items():
            sections.setdefault(section, {}).update(objects)
        for section, keys in (remove or {}).items():
            for key in keys:
                sections.get(section, {}).pop(key, None)
        self._seq[topic] = self._seq.get(topic, 0) + 1
        frame = {
            "topic": topic,
            "seq": self._seq[topic],
            "delta": {"set": put or {}, "del": remove or {}},
        }
        if not lost:
            for socket in list(self._sockets):
                await socket.send_json(frame)

    async def repeat(self, frame: Json) -> None:
        """Send a frame as it is."""
        for socket in list(self._sockets):
            await socket.send_json(frame)

    async def command(self, name: str, count: int = 1) -> Json:
        """Wait for the `count`th command of that name."""

        def those() -> list[Json]:
            return [one for one in self.sent if one["do"] == name]

        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(those()) >= count)
        return those()[count - 1]

    async def _snapshot(self, socket: web.WebSocketResponse, topic: str) -> None:
        self._seq.setdefault(topic, 1)
        await socket.send_json(
            {"topic": topic, "seq": self._seq[topic], "snapshot": self.topics.get(topic, {})}
        )

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if self.signed_out:
            return web.Response(status=403)
        self.cookies.append(request.headers.get("Cookie", ""))
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                await self._do(socket, json.loads(message.data))
        finally:
            self._sockets.discard(socket)
        return socket

    async def _do(self, socket: web.WebSocketResponse, command: Json) -> None:
        async with self._arrived:
            self.sent.append(command)
            self._arrived.notify_all()
        refusal = self.refuse.get(command["do"])
        if refusal:
            error = {"code": "refused", "message": refusal}
            await socket.send_json({"re": command["id"], "ok": False, "error": error})
            return
        await socket.send_json({"re": command["id"], "ok": True, "result": {}})
        if command["do"] == "subscribe":
            await self._snapshot(socket, command["topic"])

    async def _search(self, _request: web.Request) -> web.Response:
        if self.signed_out:
            return web.Response(status=401)
        return web.json_response(self.found)

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info["page"]
        boot = self.boots[name]
        html = self._pages.get_template(f"{name}.html").render(lang=boot["lang"], boot=boot)
        return web.Response(
            text=html, content_type="text/html", headers={"Content-Security-Policy": POLICY}
        )

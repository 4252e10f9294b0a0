"""The websocket server: a handshake that checks cookie and Origin, then commands in, frames out.

Runs on its own port (and, if wanted, in its own processes). Each connection has one reader and one
writer task under a task group; the first that ends takes the other with it.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus, cookies
from typing import Self
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from agent_console import sessions
from agent_console.access import Permission, Viewer, may
from agent_console.addresses import address_behind
from agent_console.context import ConsoleContext
from agent_console.i18n import Translator, choose, load_all
from agent_console.listening import counted, open_bounds
from agent_console.live import reads, work
from agent_console.live.commands import carry_out
from agent_console.live.hub import QUEUE, TOO_SLOW, Client, Hub
from agent_console.live.screens import Screens
from agent_console.live.session import Session
from agent_console.live.today import Today
from agent_console.live.watch import SIGNED_OUT, Watch
from agent_console.origins import origin_fits
from agent_console.security import LANGUAGE_COOKIE, SESSION_COOKIE
from cti.bounds import Bounds
from service_desk.errors import DeskError

log = structlog.get_logger(__name__)

MESSAGE_LIMIT = 64 * 1024  # bytes a client may send at once
HANDSHAKE = 5.0  # seconds for the session to be looked up
FIRST = 20.0  # seconds until a page has said what it wants to see
SEND = 10.0  # seconds one frame may take into a client's full buffers
SIGN_IN_AGAIN = 4401  # close code
TRY_LATER = 1013  # close code: the page comes back by itself
SILENT = "silent"


class LiveServer:
    """The running live side; `port` is where it listens. Use as a context manager or `close()`."""

    def __init__(
        self, context: ConsoleContext, *, depth: int = QUEUE, bounds: Bounds | None = None
    ) -> None:
        self.context = context
        self.bounds = bounds or open_bounds("live screens", trusted=context.proxies)
        # Who speaks through a proxy of ours is counted by their own address.
        self._crowd = Bounds("live screens, by address", self.bounds.most, self.bounds.each)
        self.hub = Hub()
        self._watch = Watch(context)
        self.screens = Screens(
            context,
            self.hub,
            build_card=reads.card_builder(context),
            today=Today(reads.today_reader(context)),
            names=reads.names_reader(context),
            present=work.presenter(context),
            last=reads.last_reader(context),
            alarms=reads.alarms_reader(context),
            days=reads.days_reader(context),
        )
        self._translators: dict[str, Translator] = load_all(context.languages)
        self._depth = depth
        self.clients = 0  # sockets that are open now
        self.cut = 0  # sockets that were cut because they did not read
        self._server: Server | None = None
        # Between handshake and conversation: (viewer, session token, language).
        self._admitted: WeakKeyDictionary[ServerConnection, tuple[Viewer, str, str]] = (
            WeakKeyDictionary()
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("not listening")
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    async def start(self, host: str, port: int) -> Self:
        """Subscribe and listen. Raises OSError when the port is taken."""
        self._server = await serve(
            self._converse,
            host,
            port,
            process_request=self._admit,
            create_connection=counted(self.bounds),
            max_size=MESSAGE_LIMIT,
            compression=None,  # a card must not wait for a compressor
            open_timeout=HANDSHAKE * 2,
            ping_interval=20,
            ping_timeout=20,
            close_timeout=2,
            server_header=None,
        )
        await self.screens.start()
        self._watch.start()
        return self

    async def close(self) -> None:
        """Close every socket, stop listening, end every task."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await self._watch.close()
        await self.screens.close()

    async def __aenter__(self) -> Self:
        """Already listening."""
        return self

    async def __aexit__(self, *_details: object) -> None:
        """Close."""
        await self.close()

    # -- the handshake ----------------------------------------------------------------------

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if not self._origin_fits(request):
            return connection.respond(HTTPStatus.FORBIDDEN, "Origin not allowed\n")
        jar = _cookies(request)
        try:
            async with asyncio.timeout(HANDSHAKE):
                viewer = await sessions.by_session(self.context, jar.get(SESSION_COOKIE, ""))
        except (TimeoutError, DeskError):
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Try again soon\n")
        if viewer is None or not may(viewer, Permission.SIGNED_IN):
            return connection.respond(HTTPStatus.FORBIDDEN, "Sign in first\n")
        language = choose(jar.get(LANGUAGE_COOKIE, viewer.language), "", self.context.languages)
        self._admitted[connection] = (viewer, jar[SESSION_COOKIE], language)
        return None

    def _origin_fits(self, request: Request) -> bool:
        headers = request.headers
        return origin_fits(self.context.origins, headers.get_all("Origin"), headers.get_all("Host"))

    # -- a connection -----------------------------------------------------------------------

    async def _converse(self, connection: ServerConnection) -> None:
        address = self._address(connection)
        if not self._crowd.enter(address):
            await connection.close(TRY_LATER, "too many sockets")
            return
        try:
            await self._serve(connection, address)
        finally:
            self._crowd.leave(address)

    async def _serve(self, connection: ServerConnection, address: str) -> None:
        viewer, token, language = self._admitted.pop(connection)
        client = Client(viewer, language, self._depth)
        session = Session(
            context=self.context,
            hub=self.hub,
            screens=self.screens,
            client=client,
            watch=self._watch,
            translator=self._translators[language],
            address=address,
        )
        work = [
            asyncio.create_task(_read(connection, session)),
            asyncio.create_task(_write(connection, client)),
            asyncio.create_task(_until_cut(client)),
        ]
        self.clients += 1
        self._watch.add(client, token)
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.clients -= 1
            self._watch.remove(client)
            self.cut += client.reason == TOO_SLOW
            self.hub.leave(client)
            self.screens.holders.left(client)
            for task in work:
                task.cancel()
            ended = await asyncio.gather(*work, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception) and not isinstance(error, ConnectionClosed):
                    log.error("live.connection_failed", exc_info=error)
        if client.reason == SIGNED_OUT:
            await connection.close(SIGN_IN_AGAIN, client.reason)
        elif client.reason:
            # Who does not read would not read the close frame either: do not wait for long.
            connection.transport.abort()

    def _address(self, connection: ServerConnection) -> str:
        peer, request = connection.remote_address, connection.request
        forwarded = request.headers.get_all("X-Forwarded-For") if request is not None else []
        return address_behind(self.context.proxies, str(peer[0]) if peer else "", forwarded)


async def _read(connection: ServerConnection, session: Session) -> None:
    try:
        async with asyncio.timeout(FIRST):
            message = await connection.recv()
    except TimeoutError:
        session.client.close(SILENT)
        return
    await carry_out(session, message)
    async for message in connection:
        await carry_out(session, message)


async def _write(connection: ServerConnection, client: Client) -> None:
    while True:
        frame = await client.queue.get()
        try:
            async with asyncio.timeout(SEND):
                await connection.send(frame, text=True)
        except TimeoutError:
            client.close(TOO_SLOW)
            return


async def _until_cut(client: Client) -> None:
    await client.cut.wait()


def _cookies(request: Request) -> dict[str, str]:
    found: dict[str, str] = {}
    for header in request.headers.get_all("Cookie"):
        try:
            jar = cookies.SimpleCookie(header)
        except cookies.CookieError:
            continue
        found.update({name: morsel.value for name, morsel in jar.items()})
    return found

"""Whose sockets are open, and whether they still may be.

A session that ends anywhere (signed out, a new password, another role, let go) is told on the bus,
and its sockets are closed in the same turn of the loop. Who hears nothing, because the bus is away
or the session grew too old, finds out by asking: every command does before it is carried out, and
all sessions together are asked for every `RECHECK` seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from agent_console import sessions
from agent_console.access import SignInNeeded
from agent_console.context import ConsoleContext
from agent_console.live.hub import Client
from agent_console.tasks import Tasks
from service_desk.errors import DeskError
from service_desk.events import SessionsEnded

log = structlog.get_logger(__name__)

SIGNED_OUT = "signed out"
RECHECK = 2.0  # seconds between two looks at all sessions
SECONDS = 5.0  # for one look
ASKED = 1.0  # seconds a command may wait for the answer whether its sender is still signed in
AWAY = 5.0  # seconds for which a database that did not answer is not asked again
ALIVE_EVERY = 60.0  # seconds between two entries that a session is in use


class Watch:
    """The open sockets of this process by their sessions."""

    def __init__(self, context: ConsoleContext) -> None:
        self._context = context
        self._tokens: dict[Client, str] = {}
        self._tasks = Tasks()
        self._undo: Callable[[], None] = lambda: None
        self._away_until = 0.0

    def start(self) -> None:
        """Listen to the bus, and begin to look."""
        self._undo = self._context.bus.subscribe(SessionsEnded, self._ended)
        self._tasks.start(self._look_on())

    async def close(self) -> None:
        """No more of it."""
        self._undo()
        await self._tasks.close()

    def add(self, client: Client, token: str) -> None:
        """A socket was opened with this cookie's value."""
        self._tokens[client] = token

    def remove(self, client: Client) -> None:
        """It is gone."""
        self._tokens.pop(client, None)

    async def allowed(self, client: Client) -> None:
        """Raise SignInNeeded, and close the socket, unless its session is current.

        A database that is away signs nobody out: the telephone must be served meanwhile.
        """
        token, now = self._tokens.get(client, ""), asyncio.get_running_loop().time()
        if now < self._away_until:
            return
        try:
            async with asyncio.timeout(ASKED):
                viewer = await sessions.by_session(self._context, token, used=False)
        except (TimeoutError, DeskError):
            self._away_until = asyncio.get_running_loop().time() + AWAY
            return
        if viewer is None or viewer.role != client.viewer.role:
            client.close(SIGNED_OUT)
            raise SignInNeeded

    def _ended(self, event: SessionsEnded) -> None:
        for client, token in tuple(self._tokens.items()):
            if client.viewer.user != event.staff:
                continue
            if not event.session or sessions.key_of(token) == event.session:
                client.close(SIGNED_OUT)

    async def _look_on(self) -> None:
        alive_at = 0.0
        while True:
            await asyncio.sleep(RECHECK)
            if not self._tokens:
                continue
            now = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(SECONDS):
                    await self._look()
                    if now >= alive_at:
                        await sessions.keep_alive(self._context, set(self._tokens.values()))
                        alive_at = now + ALIVE_EVERY
            except (TimeoutError, DeskError) as error:
                log.warning("live.sessions_not_asked", error=type(error).__name__)

    async def _look(self) -> None:
        asked = dict(self._tokens)
        roles = await sessions.roles_of(self._context, set(asked.values()))
        for client, token in asked.items():
            if roles.get(token) != client.viewer.role:
                client.close(SIGNED_OUT)

"""The link to Asterisk's manager interface: connect, log in, stay, come back; for ever.

The reader never waits: a message is handed on (synchronously, in order) or answers a pending
action. Everything that takes time runs in a task of its own. A link that breaks fails what is
pending with `AmiDown` and comes back after 0.5 to 15 s.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property

import structlog

from cti.ami.errors import AmiBusy, AmiDown, AmiError, AmiRefused, AmiTimeout
from cti.ami.pyst import Vocabulary
from cti.ami.session import AmiSession
from cti.ami.wire import Message
from cti.where import where

log = structlog.get_logger(__name__)

CONNECT_TIMEOUT = 5.0  # seconds, each: the TCP connection, the greeting with the login
ANSWER_TIMEOUT = 5.0  # seconds, an action's default
LIST_TIMEOUT = 15.0  # seconds, a whole list's default
PING_EVERY = 10.0  # seconds
PONG_WITHIN = 3.0  # seconds: with PING_EVERY a half-open link is noticed within 13 s
BACKOFF = (0.5, 15.0)  # seconds, the first and the longest wait
STEADY_AFTER = 30.0  # seconds a link must have lasted for the back-off to start anew

Headers = Sequence[tuple[str, str]]


class AmiLink:
    """One account's link with one Asterisk. Nothing happens before `run()`.

    `wanted`: the event names handed to `on_event` (None: all); the rest is not even parsed.
    `on_event` is called in the reader, in order, and must not block; what it raises is logged.
    `on_up` runs as a task after each login, while events go on arriving; when it raises, the link
    is cut and comes back (a resync that failed must not pass for one). `on_down` is called with
    the reason whenever a link that was up is lost. `sleep` (seconds), `now` (seconds, monotonic)
    and `jitter` (0..1) are there for tests.
    """

    def __init__(
        self,
        host: str,
        port: int,
        user: str,
        secret: str,
        *,
        wanted: frozenset[str] | None,
        on_event: Callable[[Message], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.host = host
        self.port = port
        self._user = user
        self._secret = secret
        self._wanted = wanted
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._sleep = sleep
        self._now = now
        self._jitter = jitter
        self._session: AmiSession | None = None
        self.boot = ""  # "CoreStartupDate CoreStartupTime" of the Asterisk behind the link
        self.mark = ""  # its systemname, with the mark of its start: what its events are known by
        self._refused = 0  # of connections that have ended
        self.logins = 0
        self.why = ""  # the last connection ended, or did not come to be

    def __repr__(self) -> str:
        """Without the secret."""
        return f"<AmiLink {self._user}@{self.host}:{self.port}, connected={self.connected}>"

    @property
    def connected(self) -> bool:
        """Logged in, and not known to be broken."""
        return self._session is not None

    @property
    def refused(self) -> int:
        """Events and pieces of events so far that Asterisk did not write (cti/ami/genuine.py)."""
        return self._refused + (self._session.refused if self._session is not None else 0)

    @cached_property
    def pyst(self) -> Vocabulary:
        """pyst2's verbs on this link: `await link.pyst.redirect(channel, exten, ...)`."""
        return Vocabulary(self._verb)

    async def run(self) -> None:
        """Keep the link up until cancelled."""
        failures = 0
        while True:
            started = self._now()
            self.why = why = await self._live_once()
            failures = 1 if self._now() - started >= STEADY_AFTER else failures + 1
            wait = min(BACKOFF[1], BACKOFF[0] * 2 ** min(failures - 1, 10))
            wait = max(BACKOFF[0], wait * (0.5 + 0.5 * self._jitter()))
            log.warning("ami.down", why=why, retry_in=round(wait, 2), failures=failures)
            await self._sleep(wait)

    async def action(
        self,
        name: str,
        /,
        *,
        headers: Headers = (),
        timeout: float = ANSWER_TIMEOUT,
        **fields: str,
    ) -> Message:
        """Send one action and return Asterisk's answer to it.

        `headers` for names that repeat or are no identifiers, `fields` for the others. Raises
        AmiDown, AmiBusy, AmiTimeout, AmiRefused or AmiUnsendable.
        """
        return await self._up().ask(name, (*fields.items(), *headers), timeout)

    async def listing(
        self,
        name: str,
        /,
        *,
        headers: Headers = (),
        timeout: float = LIST_TIMEOUT,
        **fields: str,
    ) -> list[Message]:
        """Send an action that is answered by a list; return its items, without the brackets.

        Live events that come in between go to `on_event` as ever. Raises as `action` does, and
        AmiBusy when the list is longer than the link keeps.
        """
        return await self._up().ask_list(name, (*fields.items(), *headers), timeout)

    async def _verb(self, name: str, headers: Headers) -> Message:
        return await self.action(name, headers=headers)

    def _up(self) -> AmiSession:
        if self._session is None:
            raise AmiDown("not connected to Asterisk")
        return self._session

    async def _live_once(self) -> str:
        """One connection from start to end; returns why it ended."""
        session = AmiSession(self._wanted, self._on_event)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await asyncio.get_running_loop().create_connection(
                    lambda: session, self.host, self.port
                )
        except OSError as error:  # TimeoutError is one
            return f"no connection: {type(error).__name__}"
        try:
            why = await self._log_in(session)
            if why:
                return why
            return await self._stay(session)
        finally:
            session.cut("given up")

    async def _log_in(self, session: AmiSession) -> str:
        """Log in and ask when Asterisk started; "" or why it failed."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await session.greeted
            # No events before we know by what name Asterisk's own are told from forged ones.
            login = (("Username", self._user), ("Secret", self._secret), ("Events", "off"))
            await session.ask("Login", login, CONNECT_TIMEOUT)
        except (AmiError, TimeoutError) as error:
            return f"login failed: {str(error) or type(error).__name__}"
        try:
            status = await session.ask("CoreStatus", (), ANSWER_TIMEOUT)
        except AmiRefused:
            log.warning(
                "ami.no_core_status", hint="the account needs the class system or reporting"
            )
            self.boot = ""
        except AmiError as error:
            return f"no status after login: {error}"
        else:
            self.boot = f"{status.get('CoreStartupDate')} {status.get('CoreStartupTime')}".strip()
        return await self._know(session)

    async def _know(self, session: AmiSession) -> str:
        """Learn Asterisk's own name, then hear its events; "" or why it failed."""
        try:
            settings = await session.ask("CoreSettings", (), ANSWER_TIMEOUT)
            self.mark = settings.get("SystemName")
        except AmiRefused:
            self.mark = ""
        except AmiError as error:
            return f"no settings after login: {error}"
        if not self.mark:
            log.warning("ami.no_system_name", hint="callers can forge events: set systemname")
        session.trust_only(self.mark)
        try:
            await session.ask("Events", (("EventMask", "on"),), ANSWER_TIMEOUT)
        except AmiError as error:
            return f"no events after login: {error}"
        return ""

    async def _stay(self, session: AmiSession) -> str:
        """Logged in: hand on, keep alive, until it breaks."""
        self._session = session
        self.logins += 1
        log.info("ami.up", host=self.host, port=self.port, banner=session.banner, boot=self.boot)
        tasks = (
            asyncio.create_task(self._keep_alive(session), name="ami-keep-alive"),
            asyncio.create_task(self._tell_up(session), name="ami-up"),
        )
        try:
            why = await session.ended
        except asyncio.CancelledError:
            why = "stopped"
            raise
        finally:
            self._session = None
            self._refused += session.refused
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            session.cut(why)
            self._tell_down(why)
        return why

    async def _tell_up(self, session: AmiSession) -> None:
        try:
            await self._on_up()
        except Exception as error:  # noqa: BLE001 - a task's edge: the link is the handler
            log.error("ami.on_up_failed", error=where(error))
            session.cut(f"resync failed: {type(error).__name__}")

    def _tell_down(self, why: str) -> None:
        try:
            self._on_down(why)
        except Exception as error:  # noqa: BLE001 - nobody's error may keep the link from returning
            log.error("ami.on_down_failed", error=where(error))

    async def _keep_alive(self, session: AmiSession) -> None:
        """Ping on the beat; anything heard after a ping counts as life."""
        await self._sleep(PING_EVERY)
        while True:
            heard = session.chunks
            try:
                session.post("Ping", ())
            except AmiBusy:
                log.warning("ami.ping_not_sent")
            await self._sleep(PONG_WITHIN)
            if session.chunks == heard:
                session.cut("silent: no answer to a ping")
                return
            await self._sleep(PING_EVERY - PONG_WITHIN)


__all__ = ["AmiBusy", "AmiDown", "AmiError", "AmiLink", "AmiRefused", "AmiTimeout", "Message"]

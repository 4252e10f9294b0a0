"""The gate: where browsers' telephones connect, and the only one who speaks to Asterisk's `/ws`.

Asterisk's own HTTP server takes whoever comes, from whatever page, and holds a silent socket for
ever: 2,060 of them lock every browser out. So it is bound where browsers do not reach it, and here
a connection must be signed in for (a ticket of ours), come from a page of ours, say so in time,
and is one of not too many of its address and its telephone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, Self

import structlog

from agent_console.addresses import address_behind
from config.gate.plan import Plan
from config.gate.request import Admitted, Refused
from config.gate.visitor import Behind, Visitor
from cti.bounds import Bounds

log = structlog.get_logger(__name__)

BACKLOG: Final = 512
EACH_NAME: Final = 6  # connections of one telephone: its page, those that are lost, other tabs
TOLD_EVERY: Final = 60.0  # seconds between two log lines on refusals of one kind


class Deadlines:
    """Seconds. A test has less time than the world."""

    head: float = 5.0  # from the connection to a whole request
    reach: float = 3.0  # until Asterisk takes our connection
    answer: float = 5.0  # from the connection to Asterisk's agreement
    # Without a word of one side. Asterisk asks each telephone every 30 s how it is (pjsip.conf:
    # qualify_frequency), and a page that is not registered tries every 120.
    idle: float = 150.0
    stuck: float = 10.0  # until who takes nothing in is cut
    look_every: float = 1.0


class Gate:
    """Listens by `start`; `keep` holds the deadlines until it is cancelled; `close` ends all."""

    def __init__(
        self,
        plan: Plan,
        bounds: Bounds,
        *,
        deadlines: Deadlines | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.plan = plan
        self.key = bytes.fromhex(plan.key)
        self.bounds = bounds
        self.clock = clock
        self.refusals: Counter[str] = Counter()
        self._crowd = Bounds(f"{bounds.name}, by address", bounds.most, bounds.each)
        self._deadlines = deadlines or Deadlines()
        self._visitors: set[Visitor] = set()
        self._names: dict[str, deque[Visitor]] = {}
        self._joining: dict[Visitor, asyncio.Task[None]] = {}
        self._told: dict[str, float] = {}
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("not listening")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> Self:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Visitor(self), self.plan.host, self.plan.port, backlog=BACKLOG
        )
        return self

    async def keep(self) -> None:
        """Hold the deadlines; never returns."""
        while True:
            await asyncio.sleep(self._deadlines.look_every)
            for visitor in list(self._visitors):
                self._hold(visitor)

    async def close(self) -> None:
        """Cut every connection and stop listening. Calls go on: their sound does not run here."""
        if self._server is not None:
            self._server.close()
        joining = list(self._joining.values())
        for task in joining:
            task.cancel()
        await asyncio.gather(*joining, return_exceptions=True)
        for visitor in list(self._visitors):
            visitor.cut()
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def trouble(self) -> str:
        """What keeps telephones from Asterisk; "" if nothing does."""
        try:
            async with asyncio.timeout(self._deadlines.reach):
                _, writer = await asyncio.open_connection(
                    self.plan.asterisk, self.plan.asterisk_port, local_addr=self._local
                )
        except (OSError, TimeoutError):
            return "its HTTP server does not answer"
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return ""

    # -- what visitors ask ------------------------------------------------------------------

    def enter(self, visitor: Visitor) -> None:
        """One that the bounds let in."""
        self._visitors.add(visitor)

    def leave(self, visitor: Visitor) -> None:
        """It is gone."""
        self._visitors.discard(visitor)
        if visitor.behind_address is not None:
            self._crowd.leave(visitor.behind_address)
        theirs = self._names.get(visitor.name)
        if theirs is not None and visitor in theirs:
            theirs.remove(visitor)
            if not theirs:
                del self._names[visitor.name]
        joining = self._joining.pop(visitor, None)
        if joining is not None:
            joining.cancel()

    def admit(self, visitor: Visitor, admitted: Admitted, peer: str) -> None:
        """Its request may pass: count it and ask Asterisk. Raises Refused."""
        address = address_behind(self.plan.proxies, peer, admitted.forwarded)
        if not self._crowd.enter(address):
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "crowd")
        visitor.behind_address = address
        visitor.name = admitted.name
        theirs = self._names.setdefault(admitted.name, deque())
        theirs.append(visitor)
        if len(theirs) > EACH_NAME:
            # Asterisk rings the newest; what a network lost is still here, and locks nobody out.
            self.refused("replaced")
            theirs[0].cut()
        task = asyncio.create_task(self._reach(visitor, admitted.onward), name="gate-reach")
        self._joining[visitor] = task

    def refused(self, why: str) -> None:
        """Count it, and say so now and then."""
        self.refusals[why] += 1
        now = asyncio.get_running_loop().time()
        if now - self._told.get(why, -TOLD_EVERY) >= TOLD_EVERY:
            self._told[why] = now
            log.warning("gate.refused", why=why, so_far=self.refusals[why])

    # -- Asterisk ---------------------------------------------------------------------------

    @property
    def _local(self) -> tuple[str, int] | None:
        return (self.plan.local, 0) if self.plan.local else None

    async def _reach(self, visitor: Visitor, onward: bytes) -> None:
        behind = Behind(visitor, onward)
        visitor.other = behind
        try:
            async with asyncio.timeout(self._deadlines.reach):
                await asyncio.get_running_loop().create_connection(
                    lambda: behind,
                    self.plan.asterisk,
                    self.plan.asterisk_port,
                    local_addr=self._local,
                )
        except (OSError, TimeoutError):
            visitor.refuse(Refused(HTTPStatus.BAD_GATEWAY, "asterisk"))
        finally:
            self._joining.pop(visitor, None)

    # -- deadlines --------------------------------------------------------------------------

    def _hold(self, visitor: Visitor) -> None:
        now, allowed, other = asyncio.get_running_loop().time(), self._deadlines, visitor.other
        if visitor.closing_since is not None:
            if now - visitor.closing_since > allowed.stuck:
                visitor.cut()
        elif not visitor.name:
            if now - visitor.came_at > allowed.head:
                visitor.refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "slow"))
        elif not visitor.joined:
            if now - visitor.came_at > allowed.head + allowed.reach + allowed.answer:
                visitor.refuse(Refused(HTTPStatus.BAD_GATEWAY, "asterisk"))
        elif other is not None:
            since = [s.stuck_since for s in (visitor, other) if s.stuck_since is not None]
            if since and now - min(since) > allowed.stuck:
                self.refused("stuck")
                visitor.cut()
            elif now - min(visitor.heard_at, other.heard_at) > allowed.idle:
                self.refused("idle")
                visitor.cut()

"""How one process is: `/healthz`, `/readyz` and `/metrics` on a port of its own.

Every role has it, also those that serve no pages. It never stops a start: a port that is taken is
a line in the log and tried again now and then, and calls go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from agent_console.access import may_read_metrics
from agent_console.listening import GuardedSite, runner_of
from config import descriptors
from config.metrics import Metrics
from config.problems import Problem
from config.secrets import given
from config.settings import Settings
from cti.number import whole
from cti.where import where

log = structlog.get_logger(__name__)

# Each role has its own port, so that all of them fit on one machine.
OFFSETS: Final = {"bridge": 1, "ivr": 2, "web": 3, "live": 4, "gate": 5}
CHECK_SECONDS: Final = 2.0
IDLE: Final = 10.0  # seconds a connection may hold its place without a word
AGAIN_AFTER: Final = 5.0  # seconds until a port that was taken is tried again
STARTING: Final = "starting"
MOST_PORT: Final = 65_535
PORT: Final = "RINGDESK_HEALTH_PORT"
VARIABLE: Final = "RINGDESK_METRICS_TOKEN"

Check = Callable[[], Awaitable[str]]  # one line on what is wrong, "" if nothing is


def port_of(
    settings: Settings, roles: frozenset[str], environment: Mapping[str, str] = os.environ
) -> int:
    """The port of a process with these roles; 0: none. The environment's word is the last one.

    Raises Problem if that is no port.
    """
    said = environment.get(PORT, "")
    if said:
        port = whole(said, -1, most=MOST_PORT + 1)
        if not 0 <= port <= MOST_PORT:
            raise Problem(f"{PORT}: not a port: {said[:20]!r}")
        return port
    first = settings.health.port
    if first == 0 or len(roles) != 1:
        return first
    return first + OFFSETS[next(iter(roles))]


class Health:
    """The figures and the state of this process; `async with` serves them."""

    def __init__(
        self,
        settings: Settings,
        roles: frozenset[str],
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.metrics = Metrics()
        self.port = port_of(settings, roles, environment)
        self.serving = asyncio.Event()  # at that port
        self.bounds = descriptors.for_health()
        self._host = settings.health.host
        self._allow = settings.health.allow
        self._token = given(VARIABLE, environment) or ""
        self._checks: dict[str, Check] = {}
        self._ready = False
        self._stands_by: Callable[[], bool] = bool
        self._runner: web.AppRunner | None = None
        self._waiting: asyncio.Task[None] | None = None

    def check(self, name: str, check: Check) -> None:
        """Have `/readyz` ask this too."""
        self._checks[name] = check

    def ready(self) -> None:
        """The start is through."""
        self._ready = True

    def standby(self, stands_by: Callable[[], bool]) -> None:
        """Have `/readyz` say so while this process only stands by: ready to take over."""
        self._stands_by = stands_by

    async def trouble(self) -> list[str]:
        """What keeps this process from serving, a line each; empty: it serves."""
        if not self._ready:
            return [STARTING]
        said = await asyncio.gather(*(_ask(name, each) for name, each in self._checks.items()))
        return [line for line in said if line]

    async def __aenter__(self) -> Self:
        if not self.port:
            return self
        app = web.Application()
        app.router.add_get("/healthz", _alive)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = runner = runner_of(app, idle=IDLE)
        try:
            await runner.setup()
            await self._listen(runner)
        except OSError as error:
            log.warning(
                "health.not_served",
                host=self._host,
                port=self.port,
                why=error.strerror,
                hint=f"set health.port, or {PORT} for a second process of one role",
            )
            self._waiting = asyncio.create_task(self._until_free(runner), name="health-port")
        except BaseException:
            await runner.cleanup()
            raise
        return self

    async def _listen(self, runner: web.AppRunner) -> None:
        site = GuardedSite(runner, self._host, self.port, self.bounds)
        try:
            await site.start()
        except OSError:
            await site.stop()
            raise
        self.serving.set()

    async def _until_free(self, runner: web.AppRunner) -> None:
        """Who holds it may be the one we are to replace: a bridge that we stand by for."""
        while not self.serving.is_set():
            await asyncio.sleep(AGAIN_AFTER)
            with contextlib.suppress(OSError):
                await self._listen(runner)
        log.info("health.served", port=self.port)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.cancel()
            await asyncio.wait([waiting])
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def word(self) -> str:
        """`ready`, `standby`, or what is wrong, a line each."""
        trouble = await self.trouble()
        return "\n".join(trouble) or ("standby" if self._stands_by() else "ready")

    async def _readyz(self, _request: web.Request) -> web.StreamResponse:
        word = await self.word()
        fine = word in {"ready", "standby"}
        status = HTTPStatus.OK if fine else HTTPStatus.SERVICE_UNAVAILABLE
        return web.Response(text=f"{word}\n", status=status)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        said = request.headers.get("Authorization", "")
        if not may_read_metrics(request.remote or "", said, self._allow, self._token):
            return web.Response(text="not from here\n", status=HTTPStatus.FORBIDDEN)
        page = await self.metrics.page()
        return web.Response(body=page, headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _alive(_request: web.Request) -> web.StreamResponse:
    return web.Response(text="ok\n")


async def _ask(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            said = await check()
    except TimeoutError:
        said = "does not answer"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not ready
        log.warning("health.check_failed", check=name, error=where(error))
        said = "cannot be asked"
    return f"{name}: {said}" if said else ""

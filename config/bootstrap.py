"""The composition root: reads top to bottom, builds everything once, by constructor.

`serve(settings, roles)` runs until it is cancelled or a part fails; whatever was started is then
ended in the opposite order. Nothing is built at import, and nothing is half-started: ports and the
database are looked at before the first part begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import structlog

from agent_console.app import serve_web
from agent_console.context import ConsoleContext
from agent_console.live.socket import LiveServer
from config import logs, pbx
from config.own_asterisk import OwnAsterisk
from config.parts_of import (
    bridge_of,
    bus_of,
    console_of,
    counter_of,
    desk_settings,
    flows_of,
    prompts_of,
    secrets_of,
)
from config.problems import Problem, port_is_free
from config.running import Running
from config.secrets import Secrets
from config.settings import Settings
from cti.agi.server import AgiServer
from cti.bus import Bus
from cti.events import CallFact
from service_desk.desk import Desk, connect
from service_desk.first_start import furnish
from service_desk.intake import Intake
from service_desk.migrations import check_schema, migrate

log = structlog.get_logger(__name__)

Say = Callable[[str], None]
SYNC_SECONDS: Final = 10.0


async def serve(settings: Settings, roles: frozenset[str], *, say: Say) -> None:
    """Run these roles until cancelled. Raises Problem or DeskError when they cannot start."""
    logs.configure()
    async with Running() as running:
        await start(settings, roles, running, say=say)
        say(f"Ringdesk is ready: {', '.join(sorted(roles))}. Ctrl-C ends it.")
        await running.until_one_ends()


async def start(
    settings: Settings,
    roles: frozenset[str],
    running: Running,
    *,
    say: Say,
    prepare: Callable[[Desk], Awaitable[None]] | None = None,
) -> Desk:
    """Start the roles; `running` ends them. Returns the desk when everything takes calls.

    `prepare` is awaited once the database is open and before anybody is served.
    """
    stack = running.stack
    _check_ports(settings, roles)
    secrets = secrets_of(settings)
    flows = flows_of(settings) if "ivr" in roles else {}
    prompts = prompts_of(settings) if "ivr" in roles else None
    asterisk = None
    if "bridge" in roles and settings.asterisk.mode == "own":
        asterisk = OwnAsterisk(settings, secrets)
    bus = bus_of(settings, roles)
    stack.push_async_callback(bus.close)
    desk = await open_desk(settings, bus)
    stack.push_async_callback(desk.close)
    if prepare is not None:
        await prepare(desk)
    if prompts is not None:
        say("Preparing the phone menu's prompts ...")
        for told in await prompts.prepare(*flows.values()):
            log.warning("ivr.prompt_failed", why=told)
        counter = counter_of(settings, flows, prompts, desk)
        stack.push_async_callback(counter.close)
        agi = settings.asterisk.agi
        await stack.enter_async_context(AgiServer(agi.bind, agi.port, counter))
    if roles & {"web", "live"}:
        await _start_console(console_of(settings, secrets, desk, bus), settings, roles, stack)
    if asterisk is not None:
        say("Starting Asterisk ...")
        await asterisk.start()
        stack.push_async_callback(asterisk.stop)
        running.own(_watch(asterisk), "asterisk")
    if "bridge" in roles:
        await _start_bridge(settings, secrets, desk, bus, running)
    return desk


async def open_desk(settings: Settings, bus: Bus | None = None) -> Desk:
    """The database, reachable and of our schema. Raises DeskError.

    The embedded database is brought up to date by itself; a server's schema is changed only by
    `ringdesk db migrate`, since other processes may be using it.
    """
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    engine = connect(settings.database.url)
    if engine.dialect.name == "sqlite":
        await migrate(settings.database.url)
    await check_schema(engine)
    publish = None if bus is None else bus.publish
    desk = Desk(engine, publish=publish, settings=desk_settings(settings))
    await desk.start()
    await furnish(desk)
    return desk


async def _start_console(
    context: ConsoleContext, settings: Settings, roles: frozenset[str], stack: AsyncExitStack
) -> None:
    if "live" in roles:
        live = LiveServer(context)
        await live.start(settings.live.host, settings.live.port)
        stack.push_async_callback(live.close)
    if "web" in roles:
        runner = await serve_web(context, settings.web.host, settings.web.port)
        stack.push_async_callback(runner.cleanup)


async def _start_bridge(
    settings: Settings,
    secrets: Secrets,
    desk: Desk,
    bus: Bus,
    running: Running,
) -> None:
    intake = Intake(desk)
    await intake.start()
    running.stack.push_async_callback(intake.stop)
    running.stack.callback(bus.subscribe(CallFact, intake.take))
    bridge = bridge_of(settings, secrets, bus)
    running.own(bridge.run(), "bridge")
    try:
        async with asyncio.timeout(SYNC_SECONDS):
            await bridge.synced()
    except TimeoutError:
        # It goes on trying; screens say since when they are stale.
        log.warning("bridge.not_yet_connected", host=settings.asterisk.ami.host)


async def _watch(asterisk: OwnAsterisk) -> None:
    """Our Asterisk ending by itself is the end of us: whoever supervises us starts both anew."""
    status = await asterisk.ended()
    raise Problem(f"Asterisk ended by itself (status {status}); calls are lost")


def _check_ports(settings: Settings, roles: frozenset[str]) -> None:
    agi, web, live = settings.asterisk.agi, settings.web, settings.live
    if "ivr" in roles:
        port_is_free("the phone menu", agi.bind, agi.port, "asterisk.agi.port")
    if "web" in roles:
        port_is_free("the pages", web.host, web.port, "web.port")
    if "live" in roles:
        port_is_free("the live screens", live.host, live.port, "live.port")


def render_pbx(settings: Settings, folder: Path | None) -> Path:
    """Write Asterisk's files for somebody else's Asterisk (or to look at); returns the folder."""
    target = folder or settings.data_folder / "asterisk" / "etc"
    pbx.render(settings, target, secrets=secrets_of(settings))
    return target


async def serve_pbx(settings: Settings, *, say: Say) -> None:
    """Run only Asterisk, until cancelled."""
    logs.configure()
    asterisk = OwnAsterisk(settings, secrets_of(settings))
    await asterisk.start()
    try:
        say(f"Asterisk is ready (process {asterisk.pid}). Ctrl-C ends it and its calls.")
        await _watch(asterisk)
    finally:
        await asterisk.stop()

"""The composition root: reads top to bottom, builds everything once, by constructor.

`serve(settings, roles)` runs until it is cancelled or a part fails; whatever was started is then
ended in the opposite order. Nothing is built at import, and nothing is half-started: ports and the
database are looked at before the first part begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from agent_console.app import serve_web
from agent_console.context import ConsoleContext
from agent_console.live.socket import LiveServer
from config import descriptors, logs, pbx
from config.descriptor_watch import DescriptorWatch
from config.figures_of import of_bridge, of_jobs, of_listener, of_live, of_menu, of_process
from config.gate.plan import plan_of
from config.gate.run import run_gate
from config.health import Health
from config.journal_keeper import JournalKeeper
from config.own_telephony import OwnTelephony
from config.parts_of import (
    bridge_of,
    bus_of,
    console_of,
    counter_of,
    demo_callers_of,
    desk_settings,
    flows_of,
    prompts_of,
    secrets_of,
)
from config.phones import Phones, Renew
from config.privacy import keep_private
from config.problems import Problem, can_be_written, port_is_free
from config.progress import Progress
from config.rendered_elsewhere import RenderedElsewhere
from config.running import Ending, Running, first_of
from config.secrets import SecretError, Secrets, open_cookie_key
from config.settings import Settings
from config.telephone_watch import TelephoneWatch
from cti.agi.server import AgiServer
from cti.bus import Bus, InProcessBus
from cti.events import CallFact
from service_desk.actions.bridge_lock import one_active_bridge
from service_desk.audit_chain import keep_sealed
from service_desk.desk import Desk, connect
from service_desk.first_start import furnish
from service_desk.intake import Intake
from service_desk.jobs.scheduler import Scheduler
from service_desk.migrations import check_schema, migrate
from service_desk.queries import staff

log = structlog.get_logger(__name__)

Say = Callable[[str], None]
SYNC_SECONDS: Final = 10.0


async def serve(
    settings: Settings,
    roles: frozenset[str],
    *,
    say: Say,
    apart: bool = True,
    ending: Ending | None = None,
) -> None:
    """Run these roles until cancelled. Raises Problem or DeskError when they cannot start.

    `apart`: the other roles run in processes of their own. `ending` says what becomes of Asterisk.
    """
    logs.configure()
    async with Running(ending) as running:
        await start(settings, roles, running, say=say, apart=apart)
        running.settle()
        say(f"Ringdesk is ready: {', '.join(sorted(roles))}. Ctrl-C ends it.")
        await running.until_one_ends()


async def start(
    settings: Settings,
    roles: frozenset[str],
    running: Running,
    *,
    say: Say,
    apart: bool = False,
    prepare: Callable[[Desk], Awaitable[None]] | None = None,
) -> Desk:
    """Start the roles; `running` ends them. Returns the desk when everything takes calls.

    A bridge that finds another one acting stands by; everything else is then ready all the same.

    `prepare` is awaited once the database is open and before anybody is served.
    """
    stack = running.stack
    descriptors.raise_limit()
    _check_ports(settings, roles)
    can_be_written(settings.data_folder, "data.folder")
    keep_private(settings)
    secrets = secrets_of(settings)
    health = await stack.enter_async_context(Health(settings, roles))
    flows = flows_of(settings) if "ivr" in roles else {}
    prompts = prompts_of(settings) if "ivr" in roles else None
    own = None
    if "bridge" in roles and settings.asterisk.mode == "own":
        own = OwnTelephony(settings, secrets, keep=lambda: running.ending.keep_asterisk)
        own.check_ports()
        health.check("gate", own.gate.trouble)
    bus = bus_of(settings, roles, apart=apart)
    stack.push_async_callback(bus.close)
    desk = await open_desk(settings, bus)
    stack.push_async_callback(desk.close)
    of_process(health, settings, desk, bus)
    running.own(keep_sealed(desk), "audit-seal")
    few = DescriptorWatch(desk, settings.system, roles)
    running.own(descriptors.keep_watch(told=few.tell), "descriptors")
    if prepare is not None:
        await prepare(desk)
    if prompts is not None:
        spoken = Progress(say, "Speaking the phone menu's prompts")
        for told in await prompts.prepare(*flows.values(), progress=spoken):
            log.warning("ivr.prompt_failed", why=told)
        counter = counter_of(settings, flows, prompts, desk)
        stack.push_async_callback(counter.close)
        agi = settings.asterisk.agi
        most = descriptors.shared(descriptors.limit(), roles)["ivr"]
        server = await stack.enter_async_context(
            AgiServer(agi.bind, agi.port, counter, max_sessions=most)
        )
        of_menu(health, server, counter)
        counter.tell_leftovers()
    if roles & {"web", "live"}:
        callers = await demo_callers_of(settings, desk)
        console = console_of(
            settings, secrets, desk, bus, callers=callers, metrics=health.metrics.page
        )
        await _start_console(console, settings, roles, stack, health)
        if "bridge" not in roles and "live" in roles:
            health.metrics.listen(bus)
    if "bridge" in roles:
        # Whether it acts or stands by: the jobs are the database's, and have an owner of their own.
        scheduler = Scheduler(desk, system=settings.system)
        running.own(scheduler.run(), "jobs")
        of_jobs(health, desk, scheduler)
        phones = _phones_of(settings, secrets, own, desk, bus)
        telephone = _Telephone(settings, secrets, own, phones, say)
        await _start_bridge(telephone, desk, bus, running, health)
    health.ready()
    return desk


async def open_desk(settings: Settings, bus: Bus | None = None) -> Desk:
    """The database, reachable and of our schema. Raises DeskError.

    The embedded database is brought up to date by itself; a server's schema is changed only by
    `ringdesk db migrate`, since other processes may be using it.
    """
    can_be_written(settings.data_folder, "data.folder")
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
    context: ConsoleContext,
    settings: Settings,
    roles: frozenset[str],
    stack: AsyncExitStack,
    health: Health,
) -> None:
    files, proxies = descriptors.limit(), settings.web.proxies
    if "live" in roles:
        bounds = descriptors.bounds_of("live", files, roles, trusted=proxies)
        live = LiveServer(context, bounds=bounds)
        of_live(health, live)
        of_listener(health, bounds)
        await live.start(settings.live.host, settings.live.port)
        stack.push_async_callback(live.close)
    if "web" in roles:
        bounds = descriptors.bounds_of("web", files, roles, trusted=proxies)
        runner = await serve_web(context, settings.web.host, settings.web.port, bounds)
        of_listener(health, bounds)
        stack.push_async_callback(runner.cleanup)


def _phones_of(
    settings: Settings, secrets: Secrets, own: OwnTelephony | None, desk: Desk, bus: Bus
) -> Phones:
    renew: Renew | None = None
    if own is not None:
        renew = own.asterisk.renew_phones
    elif settings.asterisk.files:
        renew = RenderedElsewhere(settings, secrets).renew_phones
    return Phones(desk, bus, renew, settings.agents)


class _Telephone:
    """What only the one active bridge of an Asterisk does: run it, write its calls."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        own: OwnTelephony | None,
        phones: Phones,
        say: Say,
    ) -> None:
        self.settings = settings
        self.secrets = secrets
        self.own = own
        self.phones = phones
        self.acting = asyncio.Event()
        self.standby = asyncio.Event()
        # Asterisk's own records, read and compared for as long as we act.
        self.keep: Callable[[], Coroutine[Any, Any, None]] | None = None
        self._say = say

    @asynccontextmanager
    async def lock(self, desk: Desk, bus: Bus, intake: Intake) -> AsyncIterator[None]:
        """Wait until we are the one; then have Asterisk run and its calls written."""
        async with one_active_bridge(
            desk, self.settings.system, on_standby=self._stand_by
        ) as lease:
            undo = bus.subscribe(CallFact, intake.take)
            try:
                async with (
                    self._asterisk_running(),
                    _while_acting(self.phones.keep(), "phones"),
                    _while_acting(self._watch(desk, bus).keep(), "telephone-watch"),
                    self._records_kept(),
                    _told(desk),
                ):
                    self.acting.set()
                    yield
            finally:
                undo()
                # Asterisk belongs to whoever has taken over: calls go on there.
                if self.own is not None and not lease.lost:
                    await self.own.stop()

    @asynccontextmanager
    async def _asterisk_running(self) -> AsyncIterator[None]:
        if self.own is None:
            yield
            return
        self._say("Starting Asterisk ...")
        asterisk = self.own.asterisk
        asterisk.phones = await self.phones.generations()
        await self.own.start()
        if asterisk.adopted:
            self._say(f"Asterisk ran already (process {asterisk.pid}): its calls go on.")
        async with _while_acting(self.own.keep_running(), "asterisk"):
            yield

    @asynccontextmanager
    async def _records_kept(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            keeping = None if self.keep is None else group.create_task(self.keep(), name="journal")
            yield
            if keeping is not None:
                keeping.cancel()

    def _watch(self, desk: Desk, bus: Bus) -> TelephoneWatch:
        return TelephoneWatch(desk, bus, self.settings.system)

    def _stand_by(self, active: str) -> None:
        self._say(f"Standing by: another bridge ({active}) acts for {self.settings.system}.")
        self.standby.set()


@asynccontextmanager
async def _while_acting(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work, name=name)
        yield
        task.cancel()


@asynccontextmanager
async def _told(desk: Desk) -> AsyncIterator[None]:
    """What any process left in the outbox is published by the one that acts."""
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(desk.keep_told(), name="outbox-leftovers")
        yield
        telling.cancel()


async def _start_bridge(
    telephone: _Telephone, desk: Desk, bus: Bus, running: Running, health: Health
) -> None:
    intake = Intake(desk)
    await intake.start()
    running.stack.push_async_callback(intake.stop)
    bridge = bridge_of(
        telephone.settings,
        telephone.secrets,
        bus,
        desk,
        lock=lambda: telephone.lock(desk, bus, intake),
    )
    keeper = JournalKeeper(telephone.settings, desk, intake, bridge)
    keeper.measured(health)
    telephone.keep = keeper.run
    acting = telephone.acting.is_set
    health.metrics.listen(bus, system=telephone.settings.system, acting=acting)
    logs.name_cases(bus, acting)
    of_bridge(health, bridge, intake, acting=acting)
    task = running.own(bridge.run(), "bridge")
    await first_of(task, telephone.acting.wait(), telephone.standby.wait())
    if not telephone.acting.is_set():
        return
    try:
        async with asyncio.timeout(SYNC_SECONDS):
            await first_of(task, bridge.synced())
    except TimeoutError:
        # It goes on trying; screens say since when they are stale.
        log.warning("bridge.not_yet_connected", host=telephone.settings.asterisk.ami.host)


def _check_ports(settings: Settings, roles: frozenset[str]) -> None:
    agi, web, live = settings.asterisk.agi, settings.web, settings.live
    if "ivr" in roles:
        port_is_free("the phone menu", agi.bind, agi.port, "asterisk.agi.port")
    if "web" in roles:
        port_is_free("the pages", web.host, web.port, "web.port")
    if "live" in roles:
        port_is_free("the live screens", live.host, live.port, "live.port")


async def render_pbx(settings: Settings, folder: Path | None) -> Path:
    """Write Asterisk's files for somebody else's Asterisk (or to look at); returns the folder.

    Raises DeskError when the database cannot tell which passwords telephones have by now.
    """
    said = folder or settings.asterisk.files or settings.data_folder / "asterisk" / "etc"
    desk = await open_desk(settings)
    try:
        phones = await staff.phones(desk)
    finally:
        await desk.close()
    generations = {name: phone.generation for name, phone in phones.items()}
    pbx.render(settings, Path(said), secrets=secrets_of(settings), phones=generations)
    return Path(said)


async def stop_pbx(settings: Settings) -> int | None:
    """End an Asterisk of ours that was left running, and its calls; its pid, None if none runs."""
    own = OwnTelephony(settings, secrets_of(settings))
    pid = own.find()
    await own.stop()
    return pid


async def serve_gate(settings: Settings, *, say: Say) -> None:
    """Run only the gate, before somebody else's Asterisk, until cancelled. Raises Problem."""
    gate = settings.gate
    port_is_free("the browser phones' gate", gate.host, gate.port, "gate.port")
    try:
        key = open_cookie_key(settings.data_folder)
    except SecretError as why:
        raise Problem(f"secrets: {why}") from None
    await run_gate(plan_of(settings, key), say=say)


async def serve_pbx(settings: Settings, *, say: Say) -> None:
    """Run only Asterisk and its gate, until cancelled. Raises DeskError without the database."""
    logs.configure()
    own = OwnTelephony(settings, secrets_of(settings))
    desk = await open_desk(settings)
    phones = Phones(desk, InProcessBus(), own.asterisk.renew_phones)
    try:
        own.asterisk.phones = await phones.generations()
        await own.start()
        async with _while_acting(phones.keep(), "phones"):
            say(f"Asterisk is ready (process {own.asterisk.pid}). Ctrl-C ends it and its calls.")
            await own.keep_running()
    finally:
        await own.stop()
        await desk.close()

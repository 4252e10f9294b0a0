"""Which part tells which figure, and what keeps a process from being ready."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Final, get_args, get_type_hints

from sqlalchemy import Connection, func, select

from agent_console.live.socket import LiveServer
from config.descriptors import nearly_out
from config.disk_watch import folders_of, free_in
from config.health import Health
from config.metrics import Read
from config.settings import Settings
from cti.agi.server import AgiServer
from cti.bounds import Bounds
from cti.bridge import Bridge
from cti.bus import Bus
from cti.events import AgentStatus, BoardSnapshot, LiveCall
from ivr.counter import Counter as MenuCounter
from service_desk.desk import Desk
from service_desk.errors import DeskError
from service_desk.intake import Intake
from service_desk.jobs.scheduler import Scheduler
from service_desk.migrations import newest
from service_desk.model import Outbox
from service_desk.queries.jobs import JobView, jobs

LEAST_FREE: Final = 1_000_000_000  # bytes: some 17 hours of recordings
CALL_STATES: Final = get_args(get_type_hints(LiveCall)["state"])


def program_version() -> str:
    """Ours, as installed."""
    try:
        return version("ringdesk")
    except PackageNotFoundError:
        return "unknown"


def of_process(health: Health, settings: Settings, desk: Desk, bus: Bus) -> None:
    """What every role has: the program, its disks, its database, its bus."""
    metrics = health.metrics
    metrics.provide("ringdesk_info", lambda: {f"{program_version()} schema {newest()}": 1})
    folders = folders_of(settings)
    metrics.provide("ringdesk_disk_free_bytes", lambda: free_in(folders))
    metrics.alarm("disk_low", lambda: sum(free < LEAST_FREE for free in free_in(folders).values()))
    metrics.provide("ringdesk_tasks", lambda: len(asyncio.all_tasks()))
    metrics.provide("ringdesk_bus_waiting", lambda: bus.waiting)
    metrics.provide("ringdesk_bus_unsent", lambda: bus.unsent)
    metrics.provide("ringdesk_bus_dropped", lambda: bus.dropped)
    metrics.alarm("descriptors_low", nearly_out)
    of_listener(health, health.bounds)
    outbox = _Outbox(desk)
    metrics.before(outbox.look)
    metrics.provide("ringdesk_outbox_waiting", lambda: outbox.waiting)
    metrics.provide("ringdesk_database_up", lambda: outbox.up)
    health.check("database", outbox.asked)


def of_listener(health: Health, bounds: Bounds) -> None:
    """How full it is, and how many it turned away."""
    health.metrics.provide("ringdesk_connections", lambda: {bounds.name: bounds.held})
    health.metrics.provide("ringdesk_connections_refused", lambda: {bounds.name: bounds.refused})


def of_menu(health: Health, server: AgiServer, counter: MenuCounter) -> None:
    """The phone menu."""
    health.metrics.provide("ringdesk_agi_sessions", lambda: server.sessions)
    health.metrics.provide(
        "ringdesk_agi_ended",
        lambda: {
            "refused": server.refused,
            "garbled": server.garbled,
            "hung_up": server.ended_early,
            "failed": server.failed,
        },
    )
    health.metrics.provide("ringdesk_menu_untold", lambda: counter.telling.under_way)


def of_live(health: Health, live: LiveServer) -> None:
    """The live screens."""
    health.metrics.provide("ringdesk_live_clients", lambda: live.clients)
    health.metrics.provide("ringdesk_live_cut", lambda: live.cut)


def of_bridge(
    health: Health, bridge: Bridge, intake: Intake, *, acting: Callable[[], bool]
) -> None:
    """The bridge and its intake; while it stands by it knows of no calls."""
    metrics = health.metrics

    def counted(known: Collection[str], found: Callable[[BoardSnapshot], Iterable[str]]) -> Read:
        def read() -> Mapping[str, float]:
            if not acting():
                return {}
            many = Counter(found(bridge.snapshot()))
            return {state: many[state] for state in known}

        return read

    def waiting() -> Mapping[str, float]:
        queues = bridge.snapshot().queues.values() if acting() else ()
        return {queue.queue: len(queue.waiting) for queue in queues}

    def failing() -> float:
        since = intake.failing_since
        return 0.0 if since is None else intake.desk.clock.monotonic() - since

    async def is_connected() -> str:
        """A standby is ready: to stand by is what it is for."""
        return "" if bridge.connected or not acting() else "not connected"

    health.standby(lambda: not acting())
    metrics.provide("ringdesk_bridge_acting", acting)
    metrics.provide("ringdesk_link_up", lambda: bridge.connected if acting() else None)
    metrics.provide("ringdesk_link_logins", lambda: bridge.link.logins)
    metrics.provide("ringdesk_bridge_held_back", lambda: bridge.held_back)
    metrics.provide(
        "ringdesk_active_calls",
        counted(CALL_STATES, lambda board: (call.state for call in board.calls.values())),
    )
    metrics.provide(
        "ringdesk_agents",
        counted(
            get_args(AgentStatus), lambda board: (agent.status for agent in board.agents.values())
        ),
    )
    metrics.provide("ringdesk_queue_waiting", waiting)
    metrics.provide("ringdesk_intake_waiting", lambda: intake.waiting)
    metrics.provide("ringdesk_intake_written", lambda: intake.written)
    metrics.provide("ringdesk_intake_lost", lambda: intake.lost)
    metrics.provide("ringdesk_intake_failing_seconds", failing)
    metrics.alarm("link_down", lambda: acting() and not bridge.connected)
    metrics.alarm("intake_failing", lambda: intake.failing_since is not None)
    metrics.alarm("facts_lost", lambda: intake.lost > 0)
    health.check("Asterisk", is_connected)


def of_jobs(health: Health, desk: Desk, scheduler: Scheduler) -> None:
    """The jobs, as their rows tell; the same in every process that could run them."""
    table = _Jobs(desk)
    metrics = health.metrics
    metrics.before(table.look)
    metrics.provide("ringdesk_jobs_owned", lambda: scheduler.owns)
    for figure, read in (
        ("ringdesk_job_done_timestamp_seconds", lambda job: _timestamp(job.done_at)),
        ("ringdesk_job_due_timestamp_seconds", lambda job: _timestamp(job.due_at)),
        ("ringdesk_job_duration_seconds", lambda job: job.seconds or 0.0),
        ("ringdesk_job_running", lambda job: float(job.state == "running")),
        ("ringdesk_job_failures", lambda job: float(job.failures)),
    ):
        metrics.provide(figure, partial(table.told, read))


def _timestamp(at: datetime | None) -> float:
    return 0.0 if at is None else at.timestamp()


class _Jobs:
    """The jobs' rows, read before each look; unknown while the database is away."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._jobs: tuple[JobView, ...] = ()

    async def look(self) -> None:
        """Read them."""
        self._jobs = ()
        with suppress(DeskError):
            self._jobs = (await jobs(self._desk)).jobs

    def told(self, read: Callable[[JobView], float]) -> Mapping[str, float]:
        """One figure of each."""
        return {job.name: read(job) for job in self._jobs}


class _Outbox:
    """The database, asked before each look."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.waiting: float | None = None
        self.up = 0.0

    async def look(self) -> None:
        """Count what waits; unknown while the database is away."""
        self.waiting, self.up = None, 0.0
        try:
            rows = await self._desk.fetch(_outbox)
            self.waiting = max(rows - len(self._desk.outbox.delivered()), 0)
        except DeskError:
            return
        self.up = 1.0

    async def asked(self) -> str:
        """Whether it answers, for `/readyz`."""
        try:
            await self._desk.fetch(_outbox)
        except DeskError:
            return "does not answer"
        return ""


def _outbox(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(Outbox)) or 0

"""The figures of one process, for Prometheus: read when somebody looks, so that they cost nothing.

Every figure of ours is a line of the TABLE below. A part that has one gives a function that reads
it: `metrics.provide("ringdesk_agi_sessions", lambda: server.sessions)`. Labels are states and names
out of the settings, never anything that came by telephone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

import structlog
from msgspec import Struct
from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from config.lag import Lag
from cti.bus import Bus
from cti.events import BoardResynced, CallArrived, CallEnded, Fact
from cti.where import where
from service_desk.clock import Clock, SystemClock
from service_desk.events import CaseOpened

log = structlog.get_logger(__name__)

Read = Callable[[], "float | Mapping[str, float] | None"]
Undo = Callable[[], None]

MOST_LABELS: Final = 500  # values of one figure: more is a mistake somewhere, and is cut
REFRESH_SECONDS: Final = 2.0


class Figure(Struct, frozen=True):
    """What a figure says, the name of its one label if it has one, and whether it only grows."""

    says: str
    label: str = ""
    counts: bool = False


FIGURES: Final[Mapping[str, Figure]] = {
    "ringdesk_info": Figure("1; the version and the schema's revision", "version"),
    "ringdesk_link_up": Figure("1 while the link with Asterisk is up and compared with it"),
    "ringdesk_link_logins": Figure("Logins to Asterisk's manager", counts=True),
    "ringdesk_bridge_acting": Figure("1 if this bridge acts, 0 while it stands by"),
    "ringdesk_bridge_held_back": Figure("Events held back while the bridge compares itself"),
    "ringdesk_active_calls": Figure("Calls that go on now", "state"),
    "ringdesk_queue_waiting": Figure("Callers who wait now", "queue"),
    "ringdesk_agents": Figure("Agents by what they do now", "state"),
    "ringdesk_intake_waiting": Figure("Facts of calls that are not written yet"),
    "ringdesk_intake_written": Figure("Facts of calls that were written", counts=True),
    "ringdesk_intake_lost": Figure("Facts refused: the journal brings them back", counts=True),
    "ringdesk_intake_failing_seconds": Figure("For how long nothing could be written"),
    "ringdesk_journal_behind_bytes": Figure("Asterisk's call records that were not read yet"),
    "ringdesk_journal_behind_seconds": Figure("Age of the first record that was not read yet"),
    "ringdesk_journal_set_aside": Figure("Lines of the records nobody could read", counts=True),
    "ringdesk_alarms": Figure("1: an alarm of this kind is on", "kind"),
    "ringdesk_alarm_subjects": Figure("What the alarms of this kind are about", "kind"),
    "ringdesk_outbox_waiting": Figure("Units of work that were committed and not told yet"),
    "ringdesk_database_up": Figure("1 if the database answered just now"),
    "ringdesk_bus_waiting": Figure("Events that wait for a subscriber in this process"),
    "ringdesk_bus_unsent": Figure("Events that wait for Redis"),
    "ringdesk_bus_dropped": Figure("Events dropped: a subscriber was too far behind", counts=True),
    "ringdesk_agi_sessions": Figure("Callers in the phone menu now"),
    "ringdesk_agi_ended": Figure("FastAGI sessions that did not go to their end", "how", True),
    "ringdesk_menu_untold": Figure("What the menu has not yet told the desk"),
    "ringdesk_live_clients": Figure("Live screens that are connected"),
    "ringdesk_live_cut": Figure("Live screens cut because they did not read", counts=True),
    "ringdesk_connections": Figure("Connections that are open now", "listener"),
    "ringdesk_connections_refused": Figure("Connections turned away", "listener", True),
    "ringdesk_jobs_owned": Figure("1 if this process runs the jobs, 0 while it stands by"),
    "ringdesk_job_done_timestamp_seconds": Figure("When it last did its work (0: never)", "name"),
    "ringdesk_job_due_timestamp_seconds": Figure("When it is due", "name"),
    "ringdesk_job_duration_seconds": Figure("How long its last run took", "name"),
    "ringdesk_job_running": Figure("1 while it runs", "name"),
    "ringdesk_job_failures": Figure("How often in a row it did not do its work", "name"),
    "ringdesk_gate_refused": Figure("Browser phones turned away or cut", "why", True),
    "ringdesk_disk_free_bytes": Figure("Free space", "folder"),
    "ringdesk_tasks": Figure("Tasks of this process that have not ended"),
}  # fmt: skip


class Metrics:
    """The figures of this process."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        self.registry = CollectorRegistry()
        self._clock = clock or SystemClock()
        self._reads: dict[str, list[Read]] = {}
        self._refreshes: list[Callable[[], Awaitable[None]]] = []
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.registry.register(self)

    def provide(self, name: str, read: Read) -> Undo:
        """Have `read` tell a figure of the TABLE: a number, or a number by label; None: unknown.

        Several may provide one figure that has a label. Returns what undoes it.
        """
        if name not in FIGURES:
            raise ValueError(f"no such figure: {name}")
        reads = self._reads.setdefault(name, [])
        reads.append(read)
        return lambda: reads.remove(read)

    def alarm(self, kind: str, on: Callable[[], float]) -> Undo:
        """Have an alarm of this kind shown: `on` tells about how many things it is, 0: it is off.

        Whoever causes a thousand of them has raised one alarm.
        """
        undo = (
            self.provide("ringdesk_alarms", lambda: {kind: float(on() > 0)}),
            self.provide("ringdesk_alarm_subjects", lambda: {kind: float(on())}),
        )

        def both() -> None:
            for each in undo:
                each()

        return both

    def before(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Await this before the figures are read: what must be asked of a database."""
        self._refreshes.append(refresh)

    def listen(
        self, bus: Bus, *, system: str = "", acting: Callable[[], bool] | None = None
    ) -> list[Undo]:
        """Measure how late events are. A bridge counts too, while it acts: calls of its Asterisk
        (`system`), and cases. One that stands by hears the same and counts nothing."""
        lag = Lag()
        self.registry.register(lag)

        def late(fact: Fact) -> None:
            if not isinstance(fact, BoardResynced):
                lag.observe((self._clock.now() - fact.at).total_seconds())

        return [
            bus.subscribe(Fact, late),
            *(() if acting is None else self._count(bus, system, acting)),
        ]

    def _count(self, bus: Bus, system: str, acting: Callable[[], bool]) -> Iterator[Undo]:
        arrived = Counter(
            "ringdesk_calls_arrived", "Calls that began", ["direction"], registry=self.registry
        )
        ended = Counter("ringdesk_calls_ended", "Calls that ended", ["how"], registry=self.registry)
        opened = Counter(
            "ringdesk_cases_opened", "Cases that were opened", ["by"], registry=self.registry
        )
        for direction in ("inbound", "outbound", "internal"):
            arrived.labels(direction)
        for how in ("told", "lost"):
            ended.labels(how)
        for by in ("call", "person"):
            opened.labels(by)

        def began(fact: CallArrived) -> None:
            if acting() and fact.system == system:
                arrived.labels(fact.direction).inc()

        def over(fact: CallEnded) -> None:
            if acting() and fact.system == system:
                ended.labels("lost" if fact.lost else "told").inc()

        def filed(told: CaseOpened) -> None:
            if acting():
                opened.labels("call" if told.call_id else "person").inc()

        yield bus.subscribe(CallArrived, began)
        yield bus.subscribe(CallEnded, over)
        yield bus.subscribe(CaseOpened, filed)

    async def page(self) -> bytes:
        """Everything in Prometheus' text format; what cannot be read is left out."""
        for refresh in self._refreshes:
            try:
                async with asyncio.timeout(REFRESH_SECONDS):
                    await refresh()
            except Exception as error:  # noqa: BLE001 - a figure's edge: the others are shown
                log.warning("metrics.not_refreshed", error=where(error))
        return generate_latest(self.registry)

    # -- what prometheus_client asks for -----------------------------------------------------

    def describe(self) -> Iterator[Metric]:
        """Nothing: names are ours alone, and reading at registration is too early."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """One family a figure that somebody provides."""
        for name, reads in self._reads.items():
            figure = FIGURES[name]
            values: dict[str, float] = {}
            for read in tuple(reads):
                values |= _read(name, read)
            if values:
                yield _family(name, figure, values)


def _read(name: str, read: Read) -> dict[str, float]:
    try:
        value = read()
    except Exception as error:  # noqa: BLE001 - a figure's edge: the others are shown
        log.warning("metrics.not_read", figure=name, error=where(error))
        return {}
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(label): float(value[label]) for label in list(value)[:MOST_LABELS]}
    return {"": float(value)}


def _family(name: str, figure: Figure, values: Mapping[str, float]) -> Metric:
    kind = CounterMetricFamily if figure.counts else GaugeMetricFamily
    family = kind(name, figure.says, labels=[figure.label] if figure.label else None)
    for label, value in values.items():
        family.add_metric([label] if figure.label else [], value)
    return family

"""The figures of a process: what they say, what they never hold, and that one that fails is one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from config.figures_of import of_bridge, of_live, of_menu, of_process
from config.health import Health
from config.metrics import FIGURES, MOST_LABELS, Metrics
from config.settings import load
from cti.agi.server import AgiServer
from cti.bridge import AgentPlan, Bridge, QueuePlan
from cti.bus import InProcessBus
from cti.events import CallArrived, CallEnded, CallFact, CallQueued
from service_desk.clock import HandClock
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.migrations import migrate
from tests.config.outside import Site

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CALLER, NAME = "+4930555019", "Erika Mustermann"


async def read(metrics: Metrics) -> dict[str, float]:
    """The page as a dictionary: `name{label}` -> value."""
    found = {}
    for family in text_string_to_metric_families((await metrics.page()).decode()):
        for sample in family.samples:
            label = ",".join(f"{v}" for k, v in sample.labels.items())
            found[sample.name + (f"{{{label}}}" if label else "")] = sample.value
    return found


def arrived(call_id: str = "c1", at: datetime = NOW) -> CallArrived:
    return CallArrived(
        at=at, system="x", call_id=call_id, leg_id=f"{call_id}-leg", channel="PJSIP/carrier-1",
        direction="inbound", caller_number=CALLER, caller_name=NAME, dialed="2000",
    )  # fmt: skip


async def test_the_lag_of_events_is_measured_and_calls_are_counted() -> None:
    clock = HandClock(NOW)
    metrics, bus = Metrics(clock=clock), InProcessBus()
    metrics.listen(bus, system="x", acting=lambda: True)
    bus.publish(structs.replace(arrived("c3"), system="another-asterisks"))
    bus.publish(arrived(at=NOW - timedelta(seconds=0.2)))
    bus.publish(arrived("c2", at=NOW + timedelta(seconds=3)))  # their clock is ahead of ours
    bus.publish(CallEnded(at=NOW, system="x", call_id="c1", cause=16, by="caller", lost=True))
    page = await read(metrics)
    assert page["ringdesk_event_lag_seconds_count"] == 4
    assert page["ringdesk_event_lag_seconds_sum"] == pytest.approx(0.2)
    assert page["ringdesk_event_lag_seconds_bucket{0.1}"] == 3
    assert page["ringdesk_event_lag_seconds_bucket{0.25}"] == 4
    assert page["ringdesk_calls_arrived_total{inbound}"] == 2
    assert page["ringdesk_calls_ended_total{lost}"] == 1
    assert page["ringdesk_calls_ended_total{told}"] == 0


async def test_a_figure_that_cannot_be_read_hides_no_other() -> None:
    metrics = Metrics()

    def broken() -> float:
        raise RuntimeError(CALLER)

    async def away() -> None:
        raise OSError

    metrics.before(away)
    metrics.provide("ringdesk_agi_sessions", broken)
    metrics.provide("ringdesk_live_clients", lambda: 3)
    page = await read(metrics)
    assert page["ringdesk_live_clients"] == 3
    assert "ringdesk_agi_sessions" not in page
    assert page["process_open_fds"] > 0


async def test_a_figure_has_its_line_in_the_table_and_a_bound() -> None:
    """What is not in the table is refused; labels are cut at a number no installation has."""
    metrics = Metrics()
    with pytest.raises(ValueError, match="ringdesk_surprise"):
        metrics.provide("ringdesk_surprise", lambda: 1)
    metrics.provide("ringdesk_queue_waiting", lambda: {f"q{n}": n for n in range(9_999)})
    page = await read(metrics)
    assert len([name for name in page if name.startswith("ringdesk_queue")]) == MOST_LABELS


async def test_alarms_of_several_parts_are_one_figure_and_the_journal_has_its_own() -> None:
    metrics = Metrics()
    metrics.alarm("link_down", lambda: True)
    undo = metrics.alarm("journal_stuck", lambda: 2)
    metrics.provide("ringdesk_journal_behind_bytes", lambda: 4096)
    page = await read(metrics)
    assert page["ringdesk_alarms{link_down}"] == 1
    assert page["ringdesk_alarms{journal_stuck}"] == 1
    assert page["ringdesk_alarm_subjects{journal_stuck}"] == 2
    assert page["ringdesk_journal_behind_bytes"] == 4096
    undo()
    assert "ringdesk_alarms{journal_stuck}" not in await read(metrics)
    assert "ringdesk_alarm_subjects{journal_stuck}" not in await read(metrics)


def test_every_figure_is_described_for_whoever_watches(checkout: Path) -> None:
    said = (checkout / "docs/operations.md").read_text()
    for name, figure in FIGURES.items():
        assert f"`{name}{'_total' if figure.counts else ''}" in said, name


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> object:
    url = f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"
    await migrate(url)
    made = Desk(connect(url))
    yield made
    await made.close()


async def test_the_parts_of_a_process_tell_their_figures(tmp_path: Path, desk: Desk) -> None:
    """A waiting call, an agent, a row in the outbox; nothing of who calls."""
    settings = load(Site(tmp_path).file)
    bus = InProcessBus()
    health = Health(settings, frozenset({"bridge", "ivr", "live"}), {})
    intake = Intake(desk)
    plans = {"ava": AgentPlan(name="ava", extension="101", queues={"support": 0})}
    bridge = Bridge.over_ami(
        "127.0.0.1", 1, "x", "y", bus, system="x", agents=plans,
        queues={"support": QueuePlan(name="support")},
    )  # fmt: skip
    acting = [False]
    health.metrics.listen(bus, system="x", acting=lambda: acting[0])
    of_process(health, settings, desk, bus)
    of_bridge(health, bridge, intake, acting=lambda: acting[0])
    idle = await read(health.metrics)
    assert idle["ringdesk_bridge_acting"] == 0
    health.ready()
    assert await health.word() == "standby"
    assert "ringdesk_link_up" not in idle  # a standby has no link to be down
    assert idle["ringdesk_alarms{link_down}"] == 0

    bus.publish(arrived("c0"))
    idle = await read(health.metrics)
    assert idle["ringdesk_calls_arrived_total{inbound}"] == 0, "the one that acts counts it"

    acting[0] = True
    assert await health.word() != "standby"
    bus.subscribe(CallFact, intake.take)
    for fact in (
        arrived(),
        CallQueued(at=NOW, system="x", call_id="c1", queue="support", position=1, leg_id="c1-leg"),
    ):
        bridge.board.apply(fact)
        bus.publish(fact)
    page = await read(health.metrics)
    assert page["ringdesk_calls_arrived_total{inbound}"] == 1
    assert page["ringdesk_link_up"] == 0
    assert page["ringdesk_alarms{link_down}"] == 1
    assert page["ringdesk_active_calls{waiting}"] == 1
    assert page["ringdesk_active_calls{talking}"] == 0
    assert page["ringdesk_queue_waiting{support}"] == 1
    assert page["ringdesk_agents{signed_out}"] == 1
    assert page["ringdesk_intake_waiting"] == 2
    assert page["ringdesk_database_up"] == 1
    assert page["ringdesk_outbox_waiting"] == 0
    assert page["ringdesk_disk_free_bytes{data}"] > 0
    assert page["ringdesk_tasks"] >= 1
    text = (await health.metrics.page()).decode()
    assert CALLER not in text
    assert NAME not in text

    await intake.start()
    await intake.settled()
    await intake.stop()
    page = await read(health.metrics)
    assert page["ringdesk_intake_waiting"] == 0
    assert page["ringdesk_intake_written_total"] == 2


async def test_a_case_that_a_call_opens_is_counted(tmp_path: Path, desk: Desk) -> None:
    """Cases a minute: the rate of this."""
    bus, metrics = InProcessBus(), Metrics()
    metrics.listen(bus, acting=lambda: True)
    desk.outbox.publish = bus.publish
    intake = Intake(desk)
    bus.subscribe(CallFact, intake.take)
    await intake.start()
    bus.publish(arrived())
    bus.publish(arrived())  # told twice: still one case
    await intake.settled()
    await intake.stop()
    page = await read(metrics)
    assert page["ringdesk_cases_opened_total{call}"] == 1
    assert page["ringdesk_cases_opened_total{person}"] == 0


async def test_the_database_that_is_away_is_a_figure(tmp_path: Path) -> None:
    desk = Desk(connect(f"sqlite+aiosqlite:///{tmp_path / 'none' / 'a.db'}"))
    health = Health(load(Site(tmp_path).file), frozenset({"web"}), {})
    of_process(health, load(Site(tmp_path).file), desk, InProcessBus())
    health.ready()
    page = await read(health.metrics)
    assert page["ringdesk_database_up"] == 0
    assert "ringdesk_outbox_waiting" not in page
    assert await health.trouble() == ["database: does not answer"]
    await desk.close()


async def test_the_menu_and_the_screens_tell_theirs(tmp_path: Path) -> None:
    class Part:
        """What the figures read of a counter and of a live side."""

        clients, cut, under_way = 4, 1, 2

        @property
        def telling(self) -> Part:
            return self

    async def nobody(_channel: object) -> None: ...

    health = Health(load(Site(tmp_path).file), frozenset({"ivr"}), {})
    server = AgiServer("127.0.0.1", 0, nobody)
    server.ended_early = 5
    of_menu(health, server, Part())
    of_live(health, Part())
    page = await read(health.metrics)
    assert page["ringdesk_agi_sessions"] == 0
    assert page["ringdesk_agi_ended_total{hung_up}"] == 5
    assert page["ringdesk_menu_untold"] == 2
    assert page["ringdesk_live_clients"] == 4
    assert page["ringdesk_live_cut_total"] == 1


async def test_a_subscriber_that_is_behind_is_seen() -> None:
    bus = InProcessBus()

    async def slow(_fact: CallArrived) -> None:
        raise AssertionError

    bus.subscribe(CallArrived, slow, depth=2)
    for _ in range(3):
        bus.publish(arrived())
    assert (bus.waiting, bus.dropped, bus.unsent) == (2, 1, 0)
    await bus.close()

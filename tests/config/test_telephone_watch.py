"""What the telephone tells of somebody who tries becomes an alarm, once, and goes by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.telephone_watch import KEPT, TelephoneWatch
from cti.bus import InProcessBus
from cti.events import CapReached, EventsRefused
from service_desk.alarms import alarms_on
from service_desk.clock import HandClock
from service_desk.desk import Desk, connect
from service_desk.errors import DatabaseAway
from service_desk.migrations import migrate

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> HandClock:
    return HandClock(NOON)


@pytest.fixture
async def desk(tmp_path: Path, clock: HandClock) -> AsyncIterator[Desk]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = Desk(connect(url), clock=clock)
    await made.start()
    yield made
    await made.close()


async def on(desk: Desk) -> dict[str, list[str]]:
    return {a.kind: [each.about for each in a.newest] for a in await alarms_on(desk, "lab")}


async def test_forged_events_and_caps_are_alarms_for_a_day(desk: Desk, clock: HandClock) -> None:
    bus = InProcessBus()
    watch = TelephoneWatch(desk, bus, "lab")
    for many in range(1, 500):
        bus.publish(EventsRefused(at=NOON, system="lab", many=many))
    for _ in range(3):
        bus.publish(CapReached(at=NOON, system="lab", agent="ava", why="agent_calls"))
    await bus.drained()
    await watch.look()
    expected = {
        "cap_reached": ["ava: agent_calls"],
        "events_forged": ["2026-12-01 12:00 UTC"],
    }
    assert await on(desk) == expected
    clock.advance(KEPT.total_seconds() - 1)
    await watch.look()
    assert await on(desk) == expected
    clock.advance(120)
    await watch.look()
    assert await on(desk) == {}
    watch.close()
    await bus.close()


async def test_what_the_database_did_not_take_is_written_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = InProcessBus()
    watch = TelephoneWatch(desk, bus, "lab")
    bus.publish(CapReached(at=NOON, system="lab", agent="ava", why="night"))
    await bus.drained()

    def away(**_: object) -> None:
        raise DatabaseAway("no")

    with monkeypatch.context() as broken:
        broken.setattr(desk, "write", away)
        with pytest.raises(DatabaseAway):
            await watch.look()
    await watch.look()
    assert await on(desk) == {"cap_reached": ["ava: night"]}
    await bus.close()

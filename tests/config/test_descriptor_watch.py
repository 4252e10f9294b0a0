"""File descriptors that run out are an alarm on the board until there are enough again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config import descriptors
from config.descriptor_watch import DescriptorWatch
from service_desk.alarms import alarms_on
from service_desk.desk import Desk, connect
from service_desk.events import AlarmsChanged, DeskEvent
from service_desk.migrations import migrate
from service_desk.queries.alarms import alarms_by_kind

SECONDS = 10.0
EVERY = 0.001


@pytest.fixture
def told() -> asyncio.Queue[DeskEvent]:
    return asyncio.Queue()


@pytest.fixture
async def desk(tmp_path: Path, told: asyncio.Queue[DeskEvent]) -> AsyncIterator[Desk]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = Desk(connect(url), publish=told.put_nowait)
    await made.start()
    yield made
    await made.close()


async def changed(told: asyncio.Queue[DeskEvent]) -> None:
    """The screens are told that alarms have changed."""
    async with asyncio.timeout(SECONDS):
        assert isinstance(await told.get(), AlarmsChanged)


@contextlib.asynccontextmanager
async def watched(watch: DescriptorWatch) -> AsyncIterator[None]:
    watching = asyncio.create_task(descriptors.keep_watch(EVERY, watch.tell))
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def test_it_is_on_the_board_while_it_lasts(
    desk: Desk, told: asyncio.Queue[DeskEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "limit", lambda: 100)
    used = [81]
    monkeypatch.setattr(descriptors, "in_use", lambda: used[0])
    watch = DescriptorWatch(desk, "lab", {"web", "live"})
    async with watched(watch):
        await changed(told)
        [alarm] = await alarms_by_kind(desk, "lab")
        assert (alarm.kind, alarm.count) == ("descriptors_few", 1)
        assert alarm.newest[0].about.startswith("live, web (")
        assert alarm.newest[0].data == {"used": 81, "limit": 100}
        used[0] = 20
        await changed(told)
        assert await alarms_on(desk, "lab") == []


async def test_a_process_that_was_killed_meanwhile_takes_it_back(
    desk: Desk, told: asyncio.Queue[DeskEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = DescriptorWatch(desk, "lab", {"bridge"})
    await other.tell(True, 90, 100)
    await DescriptorWatch(desk, "lab", {"web"}).tell(True, 90, 100)
    for _ in range(2):
        await changed(told)
    monkeypatch.setattr(descriptors, "in_use", lambda: 1)
    async with watched(DescriptorWatch(desk, "lab", {"web"})):
        await changed(told)
    [alarm] = await alarms_on(desk, "lab")
    assert [each.about for each in alarm.newest] == [other.about]

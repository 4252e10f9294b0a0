"""A full disk is loud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from config import disk_watch
from config.disk_watch import FULL, DiskWatch, free_in
from config.settings import Data, Queue, Settings
from service_desk import alarms
from service_desk.alarms import subjects_on
from service_desk.desk import Desk, connect
from service_desk.errors import DatabaseAway
from service_desk.migrations import migrate
from service_desk.model import Conversation, Recording
from service_desk.queries import recording_files

SYSTEM = "ringdesk-1"


class StillClock:
    """It moves when told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def desk(tmp_path: Path, clock: StillClock) -> Any:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = Desk(connect(url), clock=clock)
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(system=SYSTEM, data=Data(folder=str(tmp_path)), queues={"support": Queue()})
    made.recordings_folder.mkdir()
    return made


async def on(desk: Desk) -> set[tuple[str, str]]:
    return {(each.kind, each.about) for each in await subjects_on(desk, SYSTEM)}


async def test_a_folder_without_room_is_an_alarm_until_there_is_some(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = DiskWatch(settings, desk)
    room = {"data": FULL, "recordings": FULL - 1, "records": FULL}
    monkeypatch.setattr(disk_watch, "free_in", lambda _: room)
    assert await watch.look()
    assert await on(desk) == {(alarms.DISK_FULL, "recordings")}
    assert not await watch.look()
    # Whoever starts next finds the alarm, and clears it.
    room["recordings"] = FULL
    assert await DiskWatch(settings, desk).look()
    assert await on(desk) == set()


async def recorded(desk: Desk, name: str, ended_at: datetime, talked: float = 30.0) -> None:
    def write(connection: Connection) -> None:
        times = {"arrived_at": ended_at - timedelta(minutes=1), "answered_at": ended_at}
        connection.execute(
            insert(Conversation),
            {"call_id": name, "system": SYSTEM, "ended_at": ended_at, "talked": talked, **times},
        )
        connection.execute(
            insert(Recording), {"call_id": name, "file": f"{name}.wav", "started_at": ended_at}
        )

    await desk.transact(write)


async def test_a_recording_that_was_not_written_is_an_alarm_for_a_day(
    settings: Settings, desk: Desk, clock: StillClock
) -> None:
    for name, size in (("whole", 16_044), ("empty", 0)):
        (settings.recordings_folder / f"{name}.wav").write_bytes(b"\0" * size)
    for name in ("whole", "empty", "none"):
        await recorded(desk, name, clock.at)
    await recorded(desk, "short", clock.at, talked=1.0)
    watch = DiskWatch(settings, desk)
    await watch.look()
    assert await on(desk) == set()  # its file may not be closed yet
    clock.at += timedelta(seconds=20)
    assert await watch.look()
    missing = {(alarms.RECORDING_MISSING, f"{name}.wav") for name in ("empty", "none")}
    assert await on(desk) == missing
    (settings.recordings_folder / "none.wav").write_bytes(b"\0" * 100)  # out of a backup
    clock.at += timedelta(seconds=20)
    await watch.look()
    assert await on(desk) == {(alarms.RECORDING_MISSING, "empty.wav")}
    clock.at += timedelta(days=1, seconds=1)
    await watch.look()
    assert await on(desk) == set()


async def test_an_asterisk_elsewhere_keeps_its_recordings_there(
    settings: Settings, desk: Desk, clock: StillClock
) -> None:
    await recorded(desk, "none", clock.at - timedelta(minutes=1))
    settings.recordings_folder.rmdir()
    await DiskWatch(settings, desk).look()
    assert await on(desk) == set()


async def test_a_database_that_is_away_is_no_end(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseAway("away")

    monkeypatch.setattr(disk_watch, "free_in", lambda _: {"data": 0})
    watch = DiskWatch(settings, desk)
    with monkeypatch.context() as broken:
        broken.setattr(alarms, "raise_alarms", away)
        assert not await watch.look()
    assert await watch.look()
    assert (alarms.DISK_FULL, "data") in await on(desk)


def test_room_is_looked_for_where_the_folder_will_be(tmp_path: Path) -> None:
    (free,) = free_in({"records": tmp_path / "not" / "yet"}).values()
    assert free > 0


def test_a_name_that_is_none_is_a_file_that_is_missing(tmp_path: Path) -> None:
    assert recording_files.is_missing(tmp_path, "a\0b")
    assert recording_files.is_missing(tmp_path, "none.wav")

"""A message whose telling was cut off is told by the menu that starts next."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from ivr import leftovers
from ivr.desk import Desk
from ivr.leftovers import Leftovers, look
from ivr.simulate import CannedDesk
from ivr.sound import write_wav
from ivr.telling import Telling
from service_desk.desk import Desk as ServiceDesk
from service_desk.desk import connect
from service_desk.migrations import migrate
from service_desk.model import Case, Recording

NOW = 1_800_000_000.0
HOUR = 3600.0


def message(folder: Path, number: str = "", *, age: float = HOUR, loud: int = 9_000) -> str:
    """Two seconds somebody spoke, `age` seconds ago; the file's name."""
    folder.mkdir(exist_ok=True)
    name = f"{uuid.uuid4()}{number}.wav"
    (folder / name).write_bytes(write_wav([loud, 0] * 8_000))
    os.utime(folder / name, (NOW - age, NOW - age))
    return name


async def tell(folder: Path, desk: CannedDesk | Desk, every: float = 0.0) -> None:
    telling = Telling(pauses=(0.0,))
    work = Leftovers(folder, "messages", desk=desk, telling=telling, now=lambda: NOW, every=every)
    async with asyncio.timeout(5):
        await work.run()
    await telling.close()


@pytest.fixture
async def business(tmp_path: Path) -> AsyncIterator[ServiceDesk]:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = ServiceDesk(connect(url))
    await made.start()
    yield made
    await made.close()


async def test_a_file_without_a_recording_becomes_its_calls_message_once(
    tmp_path: Path, business: ServiceDesk
) -> None:
    folder, desk = tmp_path / "messages", Desk(business, system="pbx")
    first = message(folder)
    second = message(folder, "-2")
    await desk.leave_message(first.removesuffix(".wav"), f"messages/{first}", 2.0)
    for _ in range(2):
        await tell(folder, desk)
    rows = await business.fetch(lambda c: c.execute(select(Recording).order_by(Recording.id)).all())
    assert [(row.call_id, row.file, row.kind, row.seconds) for row in rows] == [
        (first.removesuffix(".wav"), f"messages/{first}", "message", 2.0),
        (second.removesuffix("-2.wav"), f"messages/{second}", "message", 2.0),
    ]
    kinds = await business.fetch(lambda c: c.execute(select(Case.kind)).scalars().all())
    assert kinds == ["message", "message"]


async def test_it_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    class Away(CannedDesk):
        asked: int = 0

        async def known_messages(self, files: Sequence[str]) -> frozenset[str]:
            self.asked += 1
            if self.asked < 40:
                raise OSError
            return await super().known_messages(files)

    desk = Away()
    name = message(tmp_path)
    await tell(tmp_path, desk)
    assert desk.messages == [(f"messages/{name}", 2.0)]


async def test_what_is_being_written_is_told_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The menu ended, and Asterisk records on; what begins later is the new menu's own."""
    name = message(tmp_path, age=2.0)
    looks: list[set[str] | None] = []

    def watch(folder: Path, now: float, only: set[str] | None = None) -> list[leftovers.Left]:
        looks.append(only)
        found = look(folder, now, only)
        message(tmp_path, age=2.0)  # of a call that the new menu serves
        os.utime(tmp_path / name, (NOW - HOUR, NOW - HOUR))
        return found

    monkeypatch.setattr(leftovers, "look", watch)
    desk = CannedDesk()
    await tell(tmp_path, desk)
    assert looks == [None, {name}]
    assert desk.messages == [(f"messages/{name}", 2.0)]


async def test_it_gives_up_on_what_is_written_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "LOOKS", 3)
    message(tmp_path, age=0.0)
    desk = CannedDesk()
    await tell(tmp_path, desk)
    assert desk.messages == []


async def test_silence_old_files_and_other_names_are_left_alone(tmp_path: Path) -> None:
    message(tmp_path, loud=3)
    message(tmp_path, age=leftovers.OLDEST + 1)
    for name in ("notes.wav", f"{uuid.uuid4()}.txt", f"{uuid.uuid4()}-1.wav"):
        (tmp_path / name).write_bytes(write_wav([9_000, 0] * 8_000))
    (tmp_path / f"{uuid.uuid4()}.wav").write_bytes(b"")
    desk = CannedDesk()
    await tell(tmp_path, desk)
    await tell(tmp_path / "none", desk)
    assert desk.messages == []


def test_of_very_many_the_newest_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "MOST", 2)
    names = [message(tmp_path, age=age) for age in (100.0, 300.0, 200.0)]
    assert [left.name for left in look(tmp_path, NOW)] == [names[2], names[0]]

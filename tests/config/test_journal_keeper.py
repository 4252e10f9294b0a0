"""The keeper of Asterisk's records: nothing that a disk or a database does ends it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec import structs

from config import journal_keeper
from config.health import Health
from config.journal_keeper import JournalKeeper, details_of
from config.settings import AsteriskSettings, Data, Queue, Settings
from cti.bridge import Bridge
from service_desk import alarms
from service_desk.alarms import subjects_on
from service_desk.desk import Desk, connect
from service_desk.errors import DatabaseAway
from service_desk.intake import Intake
from service_desk.migrations import migrate
from tests.fakes.cel_recording import lines


class NoBridge:
    """A bridge that is not connected."""

    connected = False
    booted = None


async def shown(keeper: JournalKeeper, settings: Settings, kind: str) -> bool:
    """Whether the figures tell of one alarm of the kind."""
    health = Health(settings, frozenset({"bridge"}))
    keeper.measured(health)
    page = (await health.metrics.page()).decode()
    return f'ringdesk_alarms{{kind="{kind}"}} 1.0' in page


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        system="ringdesk-1", data=Data(folder=str(tmp_path)), queues={"support": Queue()}
    )


@pytest.fixture
async def desk(tmp_path: Path) -> Any:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = Desk(connect(url))
    await made.start()
    yield made
    await made.close()


async def keeper_of(settings: Settings, desk: Desk) -> JournalKeeper:
    intake = Intake(desk)
    return JournalKeeper(settings, desk, intake, cast(Bridge, NoBridge()))


async def run_for(keeper: JournalKeeper, rounds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many rounds, however long they would take."""
    done = asyncio.Event()
    left = rounds

    async def sleep(_seconds: float) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            done.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(journal_keeper.asyncio, "sleep", sleep)
    task = asyncio.create_task(keeper.run())
    await asyncio.wait_for(done.wait(), 20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_records_are_read_at_the_start(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.records_folder.mkdir()
    (settings.records_folder / "cel.json").write_bytes(b"\n".join(lines("answered")) + b"\n")
    keeper = await keeper_of(settings, desk)
    await run_for(keeper, 1, monkeypatch)
    assert keeper.journal.tally.seen == 1
    assert keeper.journal.behind == 0


async def test_a_folder_that_cannot_be_read_is_an_alarm_until_it_can(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = await keeper_of(settings, desk)
    read = keeper.journal.reader.journal.read

    def broken(*_: Any) -> Any:
        raise PermissionError("no")

    monkeypatch.setattr(keeper.journal.reader.journal, "read", broken)
    await run_for(keeper, 2, monkeypatch)
    assert [each.kind for each in await subjects_on(desk, "ringdesk-1")] == [
        alarms.RECORDS_UNREADABLE
    ]
    assert await shown(keeper, settings, alarms.RECORDS_UNREADABLE)
    monkeypatch.setattr(keeper.journal.reader.journal, "read", read)
    await run_for(keeper, 1, monkeypatch)
    assert await subjects_on(desk, "ringdesk-1") == []
    assert not await shown(keeper, settings, alarms.RECORDS_UNREADABLE)


async def test_a_database_that_is_away_only_costs_time(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.records_folder.mkdir()
    (settings.records_folder / "cel.json").write_bytes(b"\n".join(lines("answered")) + b"\n")
    keeper = await keeper_of(settings, desk)
    transact, tries = desk.transact, 0

    async def away(*what: Any, **more: Any) -> Any:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise DatabaseAway("away")
        return await transact(*what, **more)

    monkeypatch.setattr(desk, "transact", away)
    await run_for(keeper, 5, monkeypatch)
    assert keeper.journal.tally.seen == 1


async def test_what_fails_for_another_reason_is_tried_again(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = await keeper_of(settings, desk)
    rounds = 0

    async def bad() -> None:
        nonlocal rounds
        rounds += 1
        raise ValueError("a bug")

    monkeypatch.setattr(keeper, "_read_on", bad)
    await run_for(keeper, 4, monkeypatch)
    assert rounds == 3
    assert await shown(keeper, settings, alarms.RECORDS_UNREADABLE), "records that wait are told"


async def test_its_figures_are_told(settings: Settings, desk: Desk) -> None:
    keeper = await keeper_of(settings, desk)
    health = Health(settings, frozenset({"bridge"}))
    keeper.measured(health)
    page = (await health.metrics.page()).decode()
    for line in (
        "ringdesk_journal_behind_bytes 0.0",
        "ringdesk_journal_behind_seconds 0.0",
        "ringdesk_journal_set_aside_total 0.0",
        'ringdesk_alarms{kind="cdr_without_call"} 0.0',
    ):
        assert line in page


def test_details_are_known_of_our_own_asterisk_alone(settings: Settings) -> None:
    assert details_of(settings) is not None
    other = structs.replace(settings, asterisk=AsteriskSettings(mode="external"))
    assert details_of(other) is None

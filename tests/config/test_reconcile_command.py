"""`ringdesk reconcile`: what it finds, repairs and says."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import select

from config import reconcile as command
from config.cli import ringdesk
from config.reconcile import reconcile
from config.settings import Agent, Data, Queue, Settings
from service_desk import alarms
from service_desk.actions.bridge_lock import one_active_bridge
from service_desk.actor import SYSTEM
from service_desk.alarms import raise_alarms
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from service_desk.model import Case, Conversation, ConversationFacts, Leg
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import lines

NONSENSE = b"nonsense \x1b[31m\n"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "records").mkdir()
    raw = NONSENSE + b"\n".join([*lines("answered"), *lines("abandoned")]) + b"\n"
    (tmp_path / "records" / "cel.json").write_bytes(raw)
    return Settings(
        system="ringdesk-1",
        data=Data(folder=str(tmp_path)),
        queues={"support": Queue()},
        agents={name: Agent(extension=number) for name, number in EXTENSIONS.items()},
    )


@pytest.fixture
async def desk(settings: Settings) -> Any:
    url = f"sqlite+aiosqlite:///{settings.data_folder / 'ringdesk.db'}"
    await migrate(url)
    made = Desk(connect(url))
    await made.start()
    yield made
    await made.close()


async def rows(desk: Desk, *columns: Any) -> list[Any]:
    return await desk.fetch(lambda connection: list(connection.execute(select(*columns)).all()))


async def test_without_a_bridge_it_repairs_itself(settings: Settings, desk: Desk) -> None:
    first = await reconcile(settings, desk, LONG_AGO)
    assert (first.seen, first.right, first.missing, first.left) == (2, 0, 2, 0)
    assert (first.lines_aside, first.by_bridge) == (1, False)
    assert [each.kind for each in first.alarms] == [alarms.RECORDS_ASIDE]
    assert "  not JSON: b'nonsense \\x1b[31m'" in first.lines()
    assert len(await rows(desk, Case.id)) == 2
    again = await reconcile(settings, desk, LONG_AGO)
    assert (again.seen, again.right, again.to_repair) == (2, 2, 0)


async def test_it_repairs_what_is_behind_the_cursor_too(settings: Settings, desk: Desk) -> None:
    """An end that went missing is put back; a call that ended and whose facts were swept (after
    days) is not opened again, and is told as not repaired."""
    await reconcile(settings, desk, LONG_AGO)
    async with desk.engine.begin() as connection:
        await connection.execute(
            Leg.__table__.delete().where(Leg.agent.is_not(None), Leg.answered_at.is_not(None))
        )
        await connection.execute(
            Conversation.__table__.update()
            .where(Conversation.outcome == "abandoned")
            .values(ended_at=None)
        )
        await connection.execute(ConversationFacts.__table__.delete())
    found = await reconcile(settings, desk, LONG_AGO)
    assert (found.unended, found.legs_missing, found.left) == (1, 1, 1)


async def test_calls_before_since_are_left_alone(settings: Settings, desk: Desk) -> None:
    found = await reconcile(settings, desk, datetime(2100, 1, 1, tzinfo=UTC))
    assert found.seen == 0


async def test_beside_a_bridge_it_writes_nothing(
    settings: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bridge alone writes calls; what it does not repair in time is told."""
    monkeypatch.setattr(command, "LOCK_SECONDS", 0.2)
    monkeypatch.setattr(command, "BRIDGE_SECONDS", 0.2)
    monkeypatch.setattr(command, "LOOK_SECONDS", 0.1)
    async with one_active_bridge(desk, settings.system, holder="another-machine:1:x"):
        found = await reconcile(settings, desk, LONG_AGO)
    assert (found.by_bridge, found.missing, found.left) == (True, 2, 2)
    assert await rows(desk, Case.id) == []


def test_the_command_prints_a_table_and_fails_while_alarms_are_on(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "ringdesk.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "system": "ringdesk-1",
                "data": {"folder": str(tmp_path)},
                "queues": {"support": {}},
                "agents": {},
            }
        )
    )
    records = tmp_path / "records" / "cel.json"
    records.write_bytes(records.read_bytes().removeprefix(NONSENSE))
    ask = ["reconcile", "--settings", str(file), "--since", "2020-01-01"]
    done = CliRunner().invoke(ringdesk, ask)
    assert done.exit_code == 0, done.output
    assert "calls in the records            2" in done.output
    done = CliRunner().invoke(ringdesk, [*ask[:-1], "2020-01-01T06:30:00Z"])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(ringdesk, [*ask[:-1], "2999-01-01"])
    assert done.exit_code == 2, "a slip of the pen must not look as if all were right"
    assert "is not over yet" in done.output
    asyncio.run(_alarm(tmp_path))
    done = CliRunner().invoke(ringdesk, ask)
    assert done.exit_code == 1
    assert "cdr_without_call: x-1" in done.output


async def _alarm(folder: Path) -> None:
    desk = Desk(connect(f"sqlite+aiosqlite:///{folder / 'ringdesk.db'}"))
    async with desk.write(by=SYSTEM) as unit:
        about = {"x-1": {"channel": "PJSIP/x"}}
        await raise_alarms(unit, "ringdesk-1", alarms.DETAIL_WITHOUT_CALL, about)
    await desk.close()

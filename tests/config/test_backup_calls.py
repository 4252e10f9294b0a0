"""Exactly one case a call, also after a restore: calls that come while the backup is made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from config import backup
from config.restore import restore
from config.settings import Settings, load
from cti.journal import Journal
from cti.journal_reader import JournalReader
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.intake_journal import JournalIntake
from service_desk.migrations import migrate
from service_desk.model import Case
from service_desk.state_hash import state_hash
from tests.config.outside import Site
from tests.config.test_backup import new_database, quiet
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import SYSTEM, lines


async def read_on(settings: Settings) -> tuple[int, str]:
    """What a bridge does at its start: the records from the position on. Cases, and the state."""
    desk = Desk(connect(settings.database.url))
    intake = Intake(desk)
    reader = JournalReader(Journal(settings.records_folder, SYSTEM), EXTENSIONS)
    journal = JournalIntake(desk, intake, reader)
    await intake.start()
    try:
        await journal.load()
        while await journal.step():
            pass
        await intake.settled()
        return await desk.fetch(_cases), await state_hash(desk)
    finally:
        await intake.stop()
        await desk.close()


def _cases(connection: Connection) -> int:
    return connection.scalar(select(func.count()).select_from(Case)) or 0


@pytest.mark.postgresql
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_call_that_comes_between_database_and_records_is_one_case(
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is over, one that goes on across it, one that comes then; the file is rotated."""
    sites = []
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name)
        site.config["system"] = SYSTEM
        if kind == "postgresql":
            server = str(request.getfixturevalue("postgres_url"))
            site.config["database"] = {"url": asyncio.run(new_database(server))}
        site.write()
        sites.append(site)
    old, new = (load(site.file) for site in sites)
    old.records_folder.mkdir(parents=True)
    asyncio.run(migrate(old.database.url))
    records = old.records_folder / "cel.json"
    across = lines("answered")
    middle = len(across) // 2
    said = b"".join(line + b"\n" for line in (*lines("abandoned"), *across[:middle]))
    records.write_bytes(said)
    assert asyncio.run(read_on(old))[0] == 1  # the other is told when it has ended

    dump = backup._dump
    after: list[tuple[int, str]] = []

    def and_then_calls(*given: object) -> dict[str, int]:
        done = dump(*given)  # passed on as it came
        with records.open("ab") as out:
            out.writelines(line + b"\n" for line in across[middle:])
        records.rename(records.with_name("cel.json.1"))
        records.write_bytes(b"".join(line + b"\n" for line in lines("rejected")))
        after.append(asyncio.run(read_on(old)))
        return done

    monkeypatch.setattr(backup, "_dump", and_then_calls)
    backup.back_up(Path(sites[0].file), old, tmp_path / "b.tar.gz", say=quiet)
    restore(tmp_path / "b.tar.gz", Path(sites[1].file), say=quiet)
    assert after[0][0] == 3
    assert asyncio.run(read_on(new)) == after[0]
    assert asyncio.run(read_on(new)) == after[0]  # and once more

"""The audit grows and never changes; who changes it all the same breaks a chain, and is found."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from service_desk import audit_chain
from service_desk.actions import checks
from service_desk.actor import SYSTEM, Actor
from service_desk.audit_chain import AT_ONCE, START, Checked, check, seal_all, seal_some
from service_desk.clock import HandClock
from service_desk.copies import copy_sqlite, dump_tables, load_tables
from service_desk.desk import Desk, connect
from service_desk.model import Audit
from tests.service_desk.conftest import fresh_database

AVA = Actor("ava", "agent", 1, "10.0.0.1")


async def act(desk: Desk, many: int = 1, by: Actor = AVA) -> None:
    async with desk.write(by=by) as uow:
        for number in range(many):
            await checks.audit(uow, "case.status", f"C-2026-{number}", status="open", naïve="é")


async def checked(desk: Desk) -> Checked:
    return await desk.fetch(check)


def done(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))


async def forced(desk: Desk, *statements: str) -> None:
    """As somebody with the database's own password: the triggers are put aside first."""
    aside = (
        [f"DROP TRIGGER audit_no_{each}" for each in ("update", "delete", "replace")]
        if desk.is_sqlite
        else ["ALTER TABLE audit DISABLE TRIGGER USER"]
    )
    for each in (*aside, *statements):
        await desk.transact(done, each)


FORBIDDEN = [
    "UPDATE audit SET actor = 'eve' WHERE id = 1",
    "UPDATE audit SET detail = '{}' WHERE id = 1",
    "UPDATE audit SET seal = NULL, hash = NULL WHERE id = 1",
    "UPDATE audit SET hash = 'x' WHERE id = 1",
    "UPDATE audit SET seal = 99 WHERE id = 1",
    "UPDATE audit SET seal = 99, hash = 'x', actor = 'eve' WHERE id = 3",
    "UPDATE audit SET seal = 99 WHERE id = 3",
    "DELETE FROM audit WHERE id = 1",
    "DELETE FROM audit WHERE id = 3",
    "DELETE FROM audit",
]
OF_SQLITE = [
    "REPLACE INTO audit SELECT id, at, 'eve', role, address, act, about, detail, seal, hash"
    " FROM audit WHERE id = 1",
    "INSERT OR REPLACE INTO audit (at, actor, role, address, act, about, detail, seal, hash)"
    " SELECT at, 'eve', role, address, act, about, detail, seal, hash FROM audit WHERE id = 1",
]
OF_POSTGRESQL = ["TRUNCATE audit", "TRUNCATE audit CASCADE"]


async def test_no_row_is_changed_or_removed(desk: Desk) -> None:
    """Sealed or not, by whatever statement; a seal is given once."""
    await act(desk, 2)
    assert await seal_all(desk) == 2
    await act(desk)
    rows = select(Audit).order_by(Audit.id)
    before = await desk.fetch(lambda connection: connection.execute(rows).all())
    for statement in FORBIDDEN + (OF_SQLITE if desk.is_sqlite else OF_POSTGRESQL):
        with pytest.raises(DBAPIError, match="append-only"):
            await desk.transact(done, statement)
    assert await desk.fetch(lambda connection: connection.execute(rows).all()) == before


async def test_each_row_hangs_on_the_one_before(desk: Desk) -> None:
    """Nobody waits for it: a row is there at once, and sealed a moment later."""
    await act(desk, 3)
    found = await checked(desk)
    assert (found.sealed, found.head, found.waiting, found.broken) == (0, START, 3, None)
    assert await seal_all(desk) == 3
    await act(desk, AT_ONCE + 5)
    assert await seal_all(desk) == AT_ONCE + 5
    found = await checked(desk)
    assert (found.sealed, found.waiting, found.broken) == (AT_ONCE + 8, 0, None)
    rows = await desk.fetch(lambda c: c.execute(select(Audit).order_by(Audit.seal)).all())
    assert [each.seal for each in rows] == list(range(1, AT_ONCE + 9))
    assert rows[-1].hash == found.head
    assert rows[1].hash == audit_chain.digest(rows[0].hash, rows[1])


CHANGES = {
    "UPDATE audit SET actor = 'eve' WHERE seal = 4": (4, "is not as it was written"),
    "UPDATE audit SET at = (SELECT at FROM audit WHERE seal = 9) WHERE seal = 4": (
        4,
        "is not as it was written",
    ),
    """UPDATE audit SET detail = '{"status": "closed"}' WHERE seal = 7""": (
        7,
        "is not as it was written",
    ),
    "DELETE FROM audit WHERE seal = 5": (5, "is missing"),
    "DELETE FROM audit WHERE seal = 1": (1, "is missing"),
    "UPDATE audit SET seal = 99 WHERE seal = 10": (10, "is missing"),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_the_first_row_that_was_changed_is_named(
    desk: Desk, clock: HandClock, change: str
) -> None:
    for _ in range(12):
        await act(desk)
        clock.advance(1)
    await seal_all(desk)
    await forced(desk, change)
    seal, why = CHANGES[change]
    broken = (await checked(desk)).broken
    assert broken is not None
    assert (broken.seal, broken.why) == (seal, why)
    assert (broken.row is None) is (why == "is missing")


async def test_a_row_that_was_slipped_in_is_named(desk: Desk) -> None:
    """With a hash of its own making: it does not hang on the one before, nor the next on it."""
    await act(desk, 3)
    await seal_all(desk)
    forged: dict[str, Any] = {
        "at": desk.clock.now(), "actor": "eve", "role": "agent", "address": "", "act": "sign_in",
        "about": "eve", "detail": {}, "seal": 4, "hash": "f" * 64,
    }  # fmt: skip
    await desk.transact(lambda connection: connection.execute(insert(Audit), forged))
    await act(desk)
    await seal_all(desk)
    broken = (await checked(desk)).broken
    assert broken is not None
    assert (broken.seal, broken.why) == (4, "is not as it was written")


async def test_many_write_and_many_seal_at_once(desk: Desk) -> None:
    """Several processes do; each row is sealed once, and the chain is one."""
    over = asyncio.Event()
    others = [
        Desk(connect(desk.engine.url.render_as_string(hide_password=False))) for _ in range(2)
    ]

    async def seal(by: Desk) -> None:
        while not over.is_set():
            await by.transact(seal_some)

    sealers = [asyncio.create_task(seal(each)) for each in (desk, *others)]
    await asyncio.gather(*(act(desk, 3, Actor(f"a{n}", "agent", n)) for n in range(60)))
    over.set()
    await asyncio.gather(*sealers)
    await seal_all(desk)
    for each in others:
        await each.close()
    found = await checked(desk)
    assert (found.sealed, found.waiting, found.broken) == (180, 0, None)


async def test_what_is_committed_late_comes_later_in_the_chain(desk: Desk) -> None:
    """On PostgreSQL a row with a lower id may appear after a higher one was sealed."""
    if desk.is_sqlite:
        return  # one writes after the other: there is no such row
    row = {
        "at": desk.clock.now(),
        "role": "agent",
        "address": "",
        "act": "x",
        "about": "",
        "detail": {},
    }
    late: AsyncConnection
    async with desk.engine.connect() as late, late.begin() as open_still:
        await late.execute(insert(Audit), {**row, "actor": "late"})
        await act(desk)
        assert await seal_all(desk) == 1
        await open_still.commit()
    assert await seal_all(desk) == 1
    found = await checked(desk)
    assert (found.sealed, found.broken) == (2, None)
    order = select(Audit.actor).order_by(Audit.seal)
    assert await desk.fetch(lambda c: list(c.scalars(order))) == ["ava", "late"]


async def test_rights_alone_would_keep_it_too(desk: Desk) -> None:
    """An ordinary owner of the table may not, even where a trigger is put aside."""
    if desk.is_sqlite:
        return  # it knows no rights
    for statement in (
        "CREATE ROLE plain_owner NOLOGIN",
        "GRANT ALL ON SCHEMA public TO plain_owner",
        "ALTER TABLE audit OWNER TO plain_owner",
    ):
        await desk.transact(done, statement)
    try:
        await act(desk)
        await desk.transact(done, "ALTER TABLE audit DISABLE TRIGGER USER")
        for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'eve'", "TRUNCATE audit"):
            with pytest.raises(DBAPIError, match="permission denied"):
                await desk.transact(_as_plain, statement)
        await desk.transact(_as_plain, "UPDATE audit SET seal = 1, hash = 'x'")
    finally:
        with contextlib.suppress(DBAPIError):
            for statement in ("DROP OWNED BY plain_owner CASCADE", "DROP ROLE plain_owner"):
                await desk.transact(done, statement)


def _as_plain(connection: Connection, statement: str) -> None:
    connection.execute(text("SET LOCAL ROLE plain_owner"))
    connection.execute(text(statement))


async def test_a_copy_put_back_holds_the_same_chain(
    desk: Desk, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """And goes on with it; and cannot be rewritten either."""
    await act(desk, 20)
    await seal_all(desk)
    await act(desk, 3)
    before = await checked(desk)
    url = desk.engine.url.render_as_string(hide_password=False)
    if desk.is_sqlite:
        file = tmp_path / "copy.db"
        copy_sqlite(Path(desk.engine.url.database or ""), file, lambda *_: None)
        again = Desk(connect(f"sqlite+aiosqlite:///{file}"))
    else:
        sequences = await dump_tables(url, tmp_path, lambda *_: None)
        fresh = await fresh_database(request.getfixturevalue("postgres_url"))
        await load_tables(fresh, tmp_path, sequences)
        again = Desk(connect(fresh))
    try:
        assert await checked(again) == before
        await act(again, by=SYSTEM)
        assert await seal_all(again) == 4
        found = await checked(again)
        assert (found.sealed, found.broken) == (24, None)
        with pytest.raises(DBAPIError, match="append-only"):
            await again.transact(done, "DELETE FROM audit")
    finally:
        await again.close()


async def test_a_process_seals_by_itself(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_chain, "EVERY", 0.01)
    sealing = asyncio.create_task(audit_chain.keep_sealed(desk))
    await act(desk, 2)
    async with asyncio.timeout(20):
        while (await checked(desk)).waiting:  # noqa: ASYNC110 - the database tells no event
            await asyncio.sleep(0.01)
    sealing.cancel()
    await asyncio.gather(sealing, return_exceptions=True)
    count = select(func.count()).select_from(Audit)
    assert await desk.fetch(lambda connection: connection.scalar(count)) == 2

"""The schema: what migrations make is what the tables say, and a mismatch is one clear line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_desk import generations
from service_desk.desk import Desk, connect
from service_desk.errors import BadValue, DatabaseAway, SchemaTooNew, SchemaTooOld
from service_desk.migrations import check_schema, migrate, newest, upgrade
from service_desk.model import PairCount, metadata
from service_desk.model.base import UtcDateTime, table_of
from service_desk.queries.customer_page import customer_page


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_migrations_make_what_the_model_says(database_url: str) -> None:
    """No table, column, type or index differs; migrating twice changes nothing."""
    assert await migrate(database_url) == newest()
    assert await migrate(database_url) == newest()
    engine = connect(database_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await check_schema(engine)
    await engine.dispose()


async def test_a_new_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Customers and calls are nobody else's to read, also not in the files beside it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'new' / 'desk.db'}"
    await migrate(url)
    engine = connect(url)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT count(*) FROM customer"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "new").iterdir()}
    await engine.dispose()
    assert modes.keys() >= {"desk.db", "desk.db-wal"}
    assert set(modes.values()) == {0o600}


async def test_an_empty_database_is_too_old(database_url: str) -> None:
    """The message says what to do."""
    engine = connect(database_url)
    with pytest.raises(SchemaTooOld, match="ringdesk db migrate"):
        await check_schema(engine)
    await engine.dispose()


async def test_a_newer_database_is_refused(database_url: str) -> None:
    """Neither used nor migrated by a program that does not know it."""
    await migrate(database_url)
    engine = connect(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="newer version"):
        await check_schema(engine)
    with pytest.raises(SchemaTooNew):
        await migrate(database_url)
    await engine.dispose()


async def test_a_database_that_is_away_is_one_line() -> None:
    """A port where nobody listens."""
    engine = connect("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    with pytest.raises(DatabaseAway) as raised:
        await check_schema(engine)
    assert "\n" not in str(raised.value)
    await engine.dispose()


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite+aiosqlite://"])
def test_a_wrong_url_is_refused(url: str) -> None:
    """Named as the setting it is."""
    with pytest.raises(BadValue, match=r"database\.url"):
        connect(url)


async def test_a_subject_that_nobody_wrote_becomes_kind_and_value(database_url: str) -> None:
    """ "Call to 1000" was English for everybody; what a person wrote stays as it is."""
    engine = connect(database_url)
    async with engine.connect() as raw:
        connection = await raw.execution_options(ringdesk_writes=True)
        async with connection.begin():
            await connection.run_sync(lambda plain: upgrade(plain, "0001"))
            for key, subject, auto in (
                (1, "Call to +49301", True),
                (2, "Call", True),
                (3, "Call to order", False),
            ):
                await connection.execute(
                    text(
                        "INSERT INTO service_case (id, year, subject, subject_auto, kind, status, "
                        "priority, opened_at, touched) VALUES (:key, 2026, :subject, :auto, "
                        "'call', 'new', 'normal', '2026-01-01 00:00:00', :auto)"
                    ),
                    {"key": key, "subject": subject, "auto": auto},
                )
    await migrate(database_url)
    async with engine.connect() as connection:
        found = await connection.execute(
            text("SELECT id, subject_kind, subject, subject_zh FROM service_case ORDER BY id")
        )
        assert [tuple(row) for row in found] == [
            (1, "number", "+49301", ""),
            (2, "number", "", ""),
            (3, "text", "Call to order", ""),
        ]
    await engine.dispose()


async def test_a_database_that_is_silent_is_away() -> None:
    """A server that hangs ends in a TimeoutError, which has no words of its own."""

    class Silent:
        def connect(self) -> Any:
            raise TimeoutError

    with pytest.raises(DatabaseAway, match="does not answer: TimeoutError"):
        await check_schema(cast(AsyncEngine, Silent()))


async def test_what_was_computed_before_the_jobs_is_the_first_generation(
    database_url: str,
) -> None:
    """Worth and pairs are read as before, and what hangs on a customer stays."""
    engine = connect(database_url)
    at = bindparam("at", datetime(2026, 1, 1, tzinfo=UTC), UtcDateTime())
    customer = text(
        "INSERT INTO customer (id, name, name_key, kind, organisation, city, language, value, "
        "preferred_channel, do_not_contact, value_percentile, segment, created_at, changed_at) "
        "VALUES (1, 'C', 'c', 'person', '', '', 'en', 0.5, 'phone', false, 97, 'A', :at, :at)"
    )
    statements = (
        customer.bindparams(at),
        text(
            "INSERT INTO contact_point (customer_id, kind, value, raw) VALUES (1, 'phone', '1', '')"
        ),
        text(
            "INSERT INTO product (id, sku, name_en, name_zh, pitch_en, pitch_zh, category, price, "
            "currency, active) VALUES (1, 'a', '', '', '', '', '', 1, 'EUR', true), "
            "(2, 'b', '', '', '', '', '', 1, 'EUR', true)"
        ),
        text(
            "INSERT INTO pair_count (first_id, second_id, have_first, have_both) "
            "VALUES (1, 2, 9, 8)"
        ),
    )
    async with engine.connect() as raw:
        connection = await raw.execution_options(ringdesk_writes=True)
        async with connection.begin():
            await connection.run_sync(lambda plain: upgrade(plain, "0004"))
            for statement in statements:
                await connection.execute(statement)
    await migrate(database_url)
    desk = Desk(engine)
    found = (await customer_page(desk, 1)).customer
    assert (found.segment, found.value_percentile) == ("A", 97)
    assert [each.value for each in found.contact_points] == ["1"]
    pairs = select(PairCount.have_both).where(
        PairCount.generation == generations.current(table_of(PairCount))
    )
    assert await desk.fetch(lambda c: list(c.scalars(pairs))) == [8]
    await desk.close()

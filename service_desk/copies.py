"""A whole database copied while others write to it, and put into an empty one.

SQLite: the online backup API, under one read transaction, so that it is one moment's state however
long it takes, and nobody who writes waits. PostgreSQL: COPY of every table in one repeatable-read
transaction (no `pg_dump`: its version would have to be the server's, and the way back would need
`psql`). Both are put back into the same kind and schema only.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
from sqlalchemy import Connection, delete, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from service_desk.desk import connect
from service_desk.errors import Conflict, DatabaseAway
from service_desk.migrations import upgrade
from service_desk.model import Audit, BridgeLock, Lease, metadata

Progress = Callable[[int, int], None]

PAGES: Final = 2_000  # of SQLite in one step
FILE: Final = "ringdesk.db"
ENDING: Final = ".copy"
CONNECT_SECONDS: Final = 10.0
# The program's own; written by the migrations.
OWN: Final = frozenset({"alembic_version"})
# Who acts: nobody yet, on a database that was just put back.
ACTING: Final = (BridgeLock, Lease)


@contextlib.contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DatabaseAway(f"the database does not answer: {why}") from error


# SQLite


def copy_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """Copy an embedded database that is in use. Raises DatabaseAway."""
    with (
        _away(),
        contextlib.closing(_open(source)) as old,
        contextlib.closing(_open(target)) as new,
    ):
        old.execute("BEGIN")
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()  # from here on: this moment

        def told(_status: int, left: int, total: int) -> None:
            progress(total - left, total)

        old.backup(new, pages=PAGES, progress=told)
        new.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it


def check_sqlite(file: Path) -> None:
    """A copy just put back: whole, and nobody acts on it. Raises Conflict, DatabaseAway."""
    with _away(), contextlib.closing(_open(file)) as database:
        found = database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise Conflict("the database in the archive is damaged")
        for noun in ACTING:
            database.execute(str(delete(noun)))


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=10, isolation_level=None)


# PostgreSQL


async def dump_tables(url: str, folder: Path, progress: Progress) -> dict[str, int]:
    """Write each table into `folder`; where its numbering stands, by sequence. Raises DatabaseAway.

    One moment's state: what is committed meanwhile is not in it.
    """
    tables = [table for table in metadata.sorted_tables if table.name not in OWN]
    with _away():
        connection = await asyncpg.connect(_plain(url), timeout=CONNECT_SECONDS)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                for done, table in enumerate(tables, 1):
                    columns = [column.name for column in table.columns]
                    with (folder / f"{table.name}{ENDING}").open("wb") as out:
                        await connection.copy_from_table(table.name, columns=columns, output=out)
                    progress(done, len(tables))
                numbers = await _sequences(connection)
                return {name: last for name, last in numbers.items() if last is not None}
        finally:
            await connection.close()


async def load_tables(url: str, folder: Path, sequences: dict[str, int]) -> None:
    """Make the schema in an empty database and fill it, all or nothing.

    Raises Conflict if the database is not empty, DatabaseAway.
    """
    engine = connect(url)
    try:
        with _away():
            async with engine.begin() as connection:
                await connection.run_sync(_must_be_empty)
                await connection.run_sync(upgrade)
                await connection.run_sync(_empty)
                raw: Any = (await connection.get_raw_connection()).driver_connection
                for table in metadata.sorted_tables:
                    file = folder / f"{table.name}{ENDING}"
                    if table.name in OWN | {noun.__tablename__ for noun in ACTING}:
                        continue
                    columns = [column.name for column in table.columns]
                    await raw.copy_to_table(table.name, columns=columns, source=file)
                known = set(await _sequences(raw))
                for name in known & set(sequences):
                    await raw.execute(
                        "SELECT setval($1::text::regclass, $2)", name, sequences[name]
                    )
    except DBAPIError as error:
        raise DatabaseAway(f"the database refuses it: {type(error.orig).__name__}") from error
    finally:
        await engine.dispose()


async def must_be_empty(url: str) -> None:
    """Raises Conflict if a PostgreSQL database has tables already, DatabaseAway."""
    engine = connect(url)
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_must_be_empty)
    except (DBAPIError, OSError) as error:
        raise DatabaseAway(f"the database does not answer: {type(error).__name__}") from error
    finally:
        await engine.dispose()


def _must_be_empty(connection: Connection) -> None:
    found = connection.scalar(
        text("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
    )
    if found:
        raise Conflict(f"the database is not empty: it has {found} tables; give it an empty one")


def _empty(connection: Connection) -> None:
    """What a migration itself fills in is in the copies too."""
    for table in reversed(metadata.sorted_tables):
        if table.name != Audit.__tablename__:  # nothing fills it in, and nobody may empty it
            connection.execute(table.delete())


async def _sequences(connection: Any) -> dict[str, int | None]:
    """Each sequence and the last number it gave; None: none yet."""
    rows = await connection.fetch(
        "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public'"
    )
    return dict(rows)


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)

"""The schema: brought to the newest revision by `migrate`, compared by `check_schema`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from service_desk.desk import connect
from service_desk.errors import DatabaseAway, SchemaTooNew, SchemaTooOld

FOLDER = Path(__file__).parent


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """The revision this program was written for."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("no migrations are installed with this program")
    return head


async def migrate(url: str) -> str:
    """Bring the database to the newest revision; returns it. Makes SQLite's folder if need be.

    Raises DatabaseAway, and SchemaTooNew for a database of a newer program.
    """
    engine = connect(url)
    if engine.dialect.name == "sqlite" and engine.url.database:
        _make_file(Path(engine.url.database))
    try:
        found = await _revision(engine)
        if found == newest():
            return found
        if found is not None and not _is_known(found):
            raise SchemaTooNew(_too_new(found))
        async with engine.connect() as raw:
            connection = await raw.execution_options(ringdesk_writes=True)
            async with connection.begin():
                await connection.run_sync(upgrade)
        return newest()
    finally:
        await engine.dispose()


def _make_file(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Everybody's history will be in it; SQLite gives the files beside it the same mode.
    file.touch(mode=0o600)


async def check_schema(engine: AsyncEngine) -> None:
    """Raises SchemaTooOld or SchemaTooNew with one clear line, DatabaseAway if it is away."""
    found = await _revision(engine)
    if found == newest():
        return
    if found is not None and not _is_known(found):
        raise SchemaTooNew(_too_new(found))
    raise SchemaTooOld(
        f"the database is at revision {found or 'none'} and this program needs {newest()}: "
        "run 'ringdesk db migrate'"
    )


def _too_new(found: str) -> str:
    return (
        f"the database is at revision {found}, which this program does not know: "
        "it was migrated by a newer version; update this program"
    )


def _is_known(revision: str) -> bool:
    known = {each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()}
    return revision in known


async def _revision(engine: AsyncEngine) -> str | None:
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(
                lambda plain: MigrationContext.configure(plain).get_current_revision()
            )
    except (DBAPIError, OSError) as error:
        said = getattr(error, "orig", None) or error
        why = (str(said).splitlines() or [type(said).__name__])[0]  # a TimeoutError says nothing
        raise DatabaseAway(f"the database does not answer: {why}") from error


def upgrade(connection: Connection, to: str = "head") -> None:
    """Bring the database behind a connection to a revision, within its transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)

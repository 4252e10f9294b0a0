"""The desk: the database, the time, and how others are told.

A write is a unit of work: it commits, then publishes what it collected. The events lie in an
outbox row of the same transaction, so a crash in between delays them and loses none.

SQLite has one writer: a lock per process keeps our own writers in a line, `BEGIN IMMEDIATE` and
the busy timeout do it between processes. Reads on SQLite run in a thread on a plain connection,
all queries of one screen in one hop: a hop per statement costs more than the statements.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import structlog
from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service_desk.actor import Actor
from service_desk.bounded import READ_SECONDS, bound
from service_desk.clock import Clock, SystemClock
from service_desk.errors import BadValue, DatabaseAway
from service_desk.events import DeskEvent
from service_desk.outbox import (
    LEFTOVER_AFTER,
    LEFTOVERS_EVERY,
    TIDY_EVERY,
    Outbox,
    Publish,
    leftovers,
)
from service_desk.settings import DeskSettings

P = ParamSpec("P")
T = TypeVar("T")

log = structlog.get_logger(__name__)

BUSY_SECONDS = 10
READERS = 4
WRITES = "ringdesk_writes"


def _nobody(_event: DeskEvent) -> None:
    """Publish to nobody: tools that write while nobody watches."""


def connect(url: str) -> AsyncEngine:
    """An engine for `sqlite+aiosqlite:///file` or `postgresql+asyncpg://...`; connects lazily.

    Raises BadValue for a URL of another kind.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise BadValue("database.url", "needs a file; a database in memory is lost at the end")
        engine = create_async_engine(
            parsed, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS}
        )
        _tune_sqlite(engine.sync_engine)
        return engine
    return create_async_engine(
        parsed,
        hide_parameters=True,  # what people said and dialled stays out of errors, and so of logs
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"timeout": 5, "command_timeout": 30},
    )


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadValue("database.url", "is no database URL") from None
    if parsed.drivername not in ("sqlite+aiosqlite", "postgresql+asyncpg"):
        raise BadValue(
            "database.url", "must begin with sqlite+aiosqlite:// or postgresql+asyncpg://"
        )
    return parsed


def _tune_sqlite(engine: Engine) -> None:
    """WAL, durable commits, foreign keys; and transactions that begin when and how we say."""

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_SECONDS * 1000}",
            "cache_size=-16000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A reader that later writes would fail at once when somebody wrote in between.
        writes = connection.get_execution_options().get(WRITES, False)
        cursor = connection.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
        cursor.close()


class UnitOfWork:
    """One transaction of one actor, and the events it will tell."""

    def __init__(self, desk: Desk, connection: AsyncConnection, by: Actor) -> None:
        self.desk = desk
        self.connection = connection
        self.by = by
        self.now = desk.clock.now()
        self.events: list[DeskEvent] = []

    async def execute(
        self,
        statement: Executable,
        rows: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run one Core statement in this transaction."""
        return await self.connection.execute(statement, rows)

    async def run(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a function over the plain connection in this transaction."""
        return await self.connection.run_sync(function, *args, **kwargs)

    def tell(self, told: DeskEvent) -> None:
        """Publish this after the commit; the same thing is told once."""
        if told not in self.events:
            self.events.append(told)


class Desk:
    """What every action and query takes first.

    `publish` is called after each commit with each event (`Bus.publish`; plain or async).
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Clock | None = None,
        publish: Publish | None = None,
        settings: DeskSettings | None = None,
    ) -> None:
        self.engine = engine
        self.clock: Clock = clock or SystemClock()
        self.settings = settings or DeskSettings()
        self.is_sqlite = engine.dialect.name == "sqlite"
        self.outbox = Outbox(self.clock, publish or _nobody)
        self.writing = asyncio.Lock()
        self._tidying: asyncio.Task[None] | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._plain: Engine | None = None
        self._write_connection: Connection | None = (
            None  # kept open: a screen waits for every write
        )
        if self.is_sqlite:
            self._plain = create_engine(
                engine.url.set(drivername="sqlite+pysqlite"),
                hide_parameters=True,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
                pool_size=READERS + 1,
            )
            _tune_sqlite(self._plain)
            self._threads = ThreadPoolExecutor(READERS + 1, thread_name_prefix="desk")

    async def start(self) -> None:
        """Publish what a crash left in the outbox, and keep it tidy. Raises DatabaseAway."""
        await self.publish_leftovers()
        self._tidying = asyncio.create_task(self._keep_tidy(), name="outbox")

    async def close(self) -> None:
        """Empty what was delivered from the outbox, and let go of the database."""
        if self._tidying is not None:
            self._tidying.cancel()
            await asyncio.gather(self._tidying, return_exceptions=True)
        with contextlib.suppress(DBAPIError, OSError, DatabaseAway):
            await self.tidy()
        self.let_go()
        await self.engine.dispose()

    def let_go(self) -> None:
        """Close this desk's own connections and threads, and leave the engine to others."""
        if self._threads is not None:
            self._threads.shutdown(wait=True)
        if self._write_connection is not None:
            self._write_connection.close()
            self._write_connection = None
        if self._plain is not None:
            self._plain.dispose()

    # Writing

    @contextlib.asynccontextmanager
    async def write(self, *, by: Actor) -> AsyncIterator[UnitOfWork]:
        """One transaction: commits at the end of the block, then publishes; else rolls back.

        Raises DatabaseAway if the database cannot be reached or stays locked.
        """
        async with self._in_line():
            with _database_errors():
                async with self.engine.connect() as raw:
                    connection = await raw.execution_options(**{WRITES: True})
                    async with connection.begin():
                        unit = UnitOfWork(self, connection, by)
                        yield unit
                        forget, keep = self.outbox.delivered(), unit.events
                        row = await connection.run_sync(self.outbox.leave, keep, forget)
        self.outbox.forgot(forget)
        await self.outbox.deliver(keep, row)

    async def transact(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One transaction of a plain function: on SQLite in one hop to a thread.

        The function writes what it has to tell with `outbox.leave`; the caller delivers.
        """
        async with self._in_line():
            with _database_errors():
                if self._plain is None:
                    async with self.engine.begin() as connection:
                        return await connection.run_sync(function, *args, **kwargs)
                return await self._in_thread(self._write_plain, function, *args, **kwargs)

    def _write_plain(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Only under the lock `writing`: there is one connection for it."""
        assert self._plain is not None  # noqa: S101 - for the type checker; SQLite only
        if self._write_connection is None:
            self._write_connection = self._plain.connect().execution_options(**{WRITES: True})
        try:
            with self._write_connection.begin():
                return function(self._write_connection, *args, **kwargs)
        except BaseException:
            # Whatever it was: the next write begins with a connection that is known to be good.
            failed, self._write_connection = self._write_connection, None
            failed.close()
            raise

    @contextlib.asynccontextmanager
    async def _in_line(self) -> AsyncIterator[None]:
        """Our own writers one after the other on SQLite. Raises DatabaseAway after a busy wait."""
        if not self.is_sqlite:
            yield
            return
        try:
            async with asyncio.timeout(BUSY_SECONDS):
                await self.writing.acquire()
        except TimeoutError:
            raise DatabaseAway("the database does not answer: another write takes long") from None
        try:
            yield
        finally:
            self.writing.release()

    # The outbox

    async def publish_leftovers(self) -> int:
        """Publish what others left behind (a crash between commit and publish); how many rows.

        Raises DatabaseAway.
        """
        before = self.clock.now() - LEFTOVER_AFTER
        told = await self.outbox.tell(await self.fetch(leftovers, before))
        await self.tidy()
        return told

    async def tidy(self) -> None:
        """Delete what was told, without waiting for a write to do it. Raises DatabaseAway."""
        forget = self.outbox.delivered()
        if forget:
            await self.transact(self.outbox.leave, (), forget)
            self.outbox.forgot(forget)

    async def keep_told(self) -> None:
        """The owner's task, one among all processes: publish what others left, until cancelled."""
        while True:
            await asyncio.sleep(LEFTOVERS_EVERY)
            try:
                if found := await self.publish_leftovers():
                    log.warning("outbox.leftovers", rows=found)
            except DatabaseAway:
                log.warning("outbox.not_looked", why="the database is away")

    async def _keep_tidy(self) -> None:
        """Every process's: else the owner would take for left behind what was told long ago."""
        while True:
            await asyncio.sleep(TIDY_EVERY)
            with contextlib.suppress(DatabaseAway):
                await self.tidy()

    # Reading

    async def fetch(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a reading function over one plain connection: one snapshot, one hop on SQLite.

        Raises DatabaseAway.
        """
        seconds = READ_SECONDS.get()

        def read(connection: Connection) -> T:
            with nullcontext() if seconds is None else bound(connection, seconds):
                return function(connection, *args, **kwargs)

        with _database_errors():
            if self._plain is None:
                async with self.engine.connect() as connection:
                    return await connection.run_sync(read)
            return await self._in_thread(self._read_plain, read)

    def _read_plain(self, function: Callable[[Connection], T]) -> T:
        assert self._plain is not None  # noqa: S101 - for the type checker; SQLite only
        with self._plain.connect() as connection:
            return function(connection)

    async def _in_thread(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: function(*args, **kwargs))

    def database_file(self) -> Path | None:
        """The file of an embedded database, None for PostgreSQL."""
        return Path(self.engine.url.database or "") if self.is_sqlite else None


@contextlib.contextmanager
def _database_errors() -> Any:
    """The database being away, locked or full is one kind of error with one line."""
    try:
        yield
    except DBAPIError as error:
        if _is_away(error):
            raise DatabaseAway(f"the database does not answer: {_line(error.orig)}") from error
        raise
    except (TimeoutError, OSError, sqlite3.OperationalError, PoolTimeout) as error:
        raise DatabaseAway(f"the database does not answer: {_line(error)}") from error


def _is_away(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    # asyncpg's word for a value that does not fit; trying again would never help.
    cause = getattr(error.orig, "__cause__", None)
    if any(kind.__name__ == "DataError" for kind in type(cause).__mro__):
        return False
    return type(error).__name__ in ("OperationalError", "InterfaceError", "DBAPIError")


def _line(error: BaseException | None) -> str:
    return str(error).splitlines()[0][:200] if error and str(error) else type(error).__name__

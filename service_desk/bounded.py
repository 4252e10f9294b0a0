"""Reads that end: a query that takes too long is broken off by the database itself.

A thread cannot be told to stop, and a connection that is given up in the middle of a query is lost
to the pool. SQLite asks now and then whether to go on; PostgreSQL has a timeout for statements.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final

from sqlalchemy import Connection, text

STEPS: Final = 10_000  # of SQLite's machine between two looks at the clock: a millisecond or less
STEP: Final = 500  # milliseconds: who reads ten things within the same step sets it once
_STANDS: Final = "ringdesk_statement_timeout"
_UNTIL: Final = "ringdesk_reads_until"
_SET: Final = text("SELECT set_config('statement_timeout', :limit, true)")
# Seconds that `Desk.fetch` gives the reads of who sets it; None: as long as they take.
READ_SECONDS: ContextVar[float | None] = ContextVar("READ_SECONDS", default=None)


@contextlib.contextmanager
def bound(connection: Connection, seconds: float) -> Iterator[None]:
    """What is read within ends after so many seconds: on SQLite all of it, on PostgreSQL each
    statement. It raises a DBAPIError then, and the connection is as good as before.

    On PostgreSQL the bound stays until the transaction ends.
    """
    if connection.dialect.name != "sqlite":
        _time_out(connection, math.ceil(seconds * 1000 / STEP) * STEP)
        yield
        return
    driver = connection.connection.dbapi_connection
    hook = getattr(driver, "set_progress_handler", None)
    if hook is None:  # the asynchronous driver's: a unit of work, which is not read aside
        yield
        return
    outer: float | None = connection.info.get(_UNTIL)  # of a bound around this one
    until = time.monotonic() + seconds
    _end_at(connection, hook, until if outer is None else min(until, outer))
    try:
        yield
    finally:
        _end_at(connection, hook, outer)


def _end_at(connection: Connection, hook: Callable[..., None], until: float | None) -> None:
    connection.info[_UNTIL] = until
    hook(None if until is None else lambda: time.monotonic() > until, STEPS)


def _time_out(connection: Connection, milliseconds: int) -> None:
    """Have it stand in this transaction; a round trip only if it does not already."""
    stands = connection.info.get(_STANDS)
    if stands is None or stands != (connection.get_transaction(), milliseconds):
        connection.execute(_SET, {"limit": f"{milliseconds}ms"})
        connection.info[_STANDS] = connection.get_transaction(), milliseconds

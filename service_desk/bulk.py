"""A large database in little time, for measuring: made by the database itself, row by row number.

Customer i has number `number_of(i)`; call n belongs to customer 1 + n mod customers.
"""

# ruff: noqa: S608 - the statements are put together of our own words and bind all values
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from service_desk.demo_people import load_catalogue
from service_desk.desk import WRITES, Desk
from service_desk.jobs.work import Work
from service_desk.model.base import EPOCH, MICROSECOND
from service_desk.offers import counts, value

STEP = 25  # seconds between two calls
_SERIES = (
    "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS BIGINT) UNION ALL "
    "SELECT i + 1 FROM n WHERE i < :last) "
)
CHUNK = 100_000


def number_of(customer: int) -> str:
    """The E.164 number of a customer (counted from 1)."""
    return f"+4930{20_000_000 + customer}"


async def fill(engine: AsyncEngine, *, customers: int, conversations: int) -> None:
    """Fill a migrated, empty database: customers with purchases, calls with their cases.

    On two cores 100,000 customers and 1,000,000 calls take a minute or two.
    """
    async with engine.connect() as raw:
        connection = await raw.execution_options(**{WRITES: True})
        async with connection.begin():
            await connection.run_sync(_customers, customers)
        for first in range(1, conversations + 1, CHUNK):
            last = min(first + CHUNK - 1, conversations)
            async with connection.begin():
                await connection.run_sync(_calls, first, last, customers)
        async with connection.begin():
            await connection.run_sync(_finish)
    await _compute(engine)
    async with engine.connect() as raw:
        await raw.execution_options(isolation_level="AUTOCOMMIT")
        await raw.run_sync(lambda plain: plain.exec_driver_sql("ANALYZE"))


async def _compute(engine: AsyncEngine) -> None:
    """What the jobs would; nobody else writes, so nobody needs a pause."""
    desk = Desk(engine)
    try:
        work = Work(desk, pause=_no_pause, portion=CHUNK)
        await counts.refresh(work)
        await value.refresh(work)
    finally:
        desk.let_go()


async def _no_pause(_seconds: float) -> None: ...


def _time(connection: Connection, seconds: str) -> str:
    """SQL of a time so many seconds before `:base`."""
    if connection.dialect.name == "sqlite":
        return f"(:base - ({seconds}) * 1000000)"
    return f"to_timestamp((CAST(:base AS DOUBLE PRECISION) / 1000000) - ({seconds}))"


def _base() -> int:
    at = datetime.now(UTC) - timedelta(hours=1)
    return (at - EPOCH) // MICROSECOND


def _run(connection: Connection, statement: str, **values: Any) -> None:
    connection.execute(text(statement), values)


def _customers(connection: Connection, customers: int) -> None:
    load_catalogue(connection)
    since = _time(connection, "i * 600")
    span = {"first": 1, "last": customers, "base": _base()}
    _run(
        connection,
        "INSERT INTO customer (id, name, name_key, kind, organisation, city, language, "
        "preferred_channel, do_not_contact, since, created_at, "
        f"changed_at) {_SERIES} SELECT i, 'Customer ' || i, 'customer ' || i, 'person', '', "
        f"'City ' || (i % 500), 'en', 'phone', (1 = 0), {since}, {since}, {since} FROM n",
        **span,
    )
    _run(
        connection,
        "INSERT INTO contact_point (customer_id, kind, value, raw) "
        f"{_SERIES} SELECT i, 'phone', '+4930' || (20000000 + i), '' FROM n",
        first=1,
        last=customers,
    )
    for part in range(4):
        _run(
            connection,
            "INSERT INTO purchase (customer_id, product_id, bought_at, price, currency) "
            f"{_SERIES} SELECT i, 1 + (i * (7 + {part}) + {part} * 11) % 40, "
            f"{_time(connection, f'i * 60 + {part} * 86400')}, 9900, 'EUR' FROM n",
            **span,
        )


def _calls(connection: Connection, first: int, last: int, customers: int) -> None:
    at = _time(connection, f"i * {STEP}")
    span = {"first": first, "last": last, "base": _base(), "customers": customers}
    _run(
        connection,
        "INSERT INTO service_case (id, year, opened_by_call_id, subject_kind, subject, subject_zh, "
        "kind, status, priority, opened_at, customer_id, owner, touched) "
        f"{_SERIES} SELECT i, 2026, 'bulk-' || i, 'number', '1000', '', 'call', "
        "CASE WHEN i % 200 = 0 THEN 'open' ELSE 'resolved' END, 'normal', "
        f"{at}, 1 + i % :customers, 'agent' || (i % 100), (1 = 1) FROM n",
        **span,
    )
    array = "'[]'" if connection.dialect.name == "sqlite" else "CAST('[]' AS JSONB)"
    _run(
        connection,
        "INSERT INTO conversation (call_id, system, direction, number_raw, number, caller_name, "
        "dialed, arrived_at, answered_at, ended_at, queue, agents, outcome, waited, talked, held, "
        "case_id, customer_id, customer_chosen, path) "
        f"{_SERIES} SELECT 'bulk-' || i, 'bulk', 'inbound', '', "
        "'+4930' || (20000001 + i % :customers), '', '1000', "
        f"{at}, {at}, {at}, 'support', {array}, 'answered', 10.0, 60.0, 0.0, "
        f"i, 1 + i % :customers, (1 = 0), {array} FROM n",
        **span,
    )


def _finish(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for table in ("customer", "service_case"):
            connection.execute(
                text(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
            )

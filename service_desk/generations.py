"""A table that is computed anew while it is read: the new rows are written beside the old ones, one
tiny transaction makes them the ones that are read, and the old ones are deleted. All else is done
in portions; whoever reads sees the one or the other, never half of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, tuple_, update

from service_desk.jobs.work import Work
from service_desk.model import Generation


def current(table: Table) -> Any:
    """The generation that is read, as part of a statement; NULL before the first."""
    return select(Generation.current).where(Generation.name == table.name).scalar_subquery()


async def replace(work: Work, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Have `table` (with a column `generation`) hold these rows; how many.

    What a run before left half-written goes first.
    """
    now = await work.read(_current, table)
    await _forget(work, table, keep=now)
    many = await work.write_rows(insert(table), ({**row, "generation": now + 1} for row in rows))
    await work.write(_switch, table, now + 1, work.desk.clock.now())
    await _forget(work, table, keep=now + 1)
    return many


def _current(connection: Connection, table: Table) -> int:
    found = connection.scalar(select(Generation.current).where(Generation.name == table.name))
    return found or 0


def _switch(connection: Connection, table: Table, to: int, now: datetime) -> None:
    values = {"current": to, "at": now}
    changed = connection.execute(
        update(Generation).where(Generation.name == table.name).values(values)
    )
    if not changed.rowcount:
        connection.execute(insert(Generation), {"name": table.name, **values})


async def _forget(work: Work, table: Table, *, keep: int) -> None:
    others = await work.read(
        lambda connection: [
            *connection.scalars(
                select(table.c.generation).where(table.c.generation != keep).distinct()
            )
        ]
    )
    for each in others:
        await work.repeat(partial(_drop, table, each))


def _drop(table: Table, generation: int, connection: Connection, most: int) -> int:
    key = tuple(table.primary_key.columns)
    these = select(*key).where(table.c.generation == generation).limit(most)
    gone = connection.execute(
        delete(table).where(table.c.generation == generation, tuple_(*key).in_(these))
    )
    return gone.rowcount

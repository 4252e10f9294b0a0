"""The chain through the audit: whoever rewrites, removes or slips in a row breaks it there.

Rows are written without it, so that no act waits for another. A step every few seconds gives those
that have none the next numbers and hashes, in the order in which it finds them: on PostgreSQL a
row with a lower id may be committed later, and then simply comes later in the chain.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import structlog
from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, select, text, update

from cti.where import where
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.model import Audit
from service_desk.model.base import microseconds

log = structlog.get_logger(__name__)

EVERY: Final = 5.0  # seconds between two looks for rows without a seal
AT_ONCE: Final = 200  # rows in one transaction: writers wait for some milliseconds
BREATH: Final = 0.1  # seconds between two transactions, for whoever waits to write
START: Final = "0" * 64  # stands for the hash before the first
LOCK: Final = 0x72696E67  # PostgreSQL's advisory lock of who seals
READ: Final = 5_000  # rows read at once by who checks


class Broken(Struct, frozen=True, kw_only=True):
    """The first place where the chain does not hold."""

    seal: int
    row: int | None  # its id; None where a row is missing
    at: datetime | None
    why: str


class Checked(Struct, frozen=True, kw_only=True):
    """What a check found: how many rows are sealed, the last one's hash, how many wait."""

    sealed: int
    head: str
    waiting: int
    waiting_since: datetime | None
    broken: Broken | None = None


def digest(before: str, row: Any) -> str:
    """The hash of a row after the one with the hash `before`; the same on every database."""
    values = [row.id, microseconds(row.at), row.actor, row.role, row.address, row.act, row.about]
    said = json.dumps([*values, row.detail], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{said}".encode()).hexdigest()


def seal_some(connection: Connection) -> int:
    """Give rows that have no place in the chain the next ones; how many. One at a time seals."""
    if connection.dialect.name == "postgresql" and not connection.scalar(
        text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": LOCK}
    ):
        return 0
    last = connection.execute(_SEALED.order_by(Audit.seal.desc()).limit(1)).first()
    number, before = (0, START) if last is None else (last.seal, last.hash)
    places = []
    for row in connection.execute(_WAITING):
        number, before = number + 1, digest(before, row)
        places.append({"row": row.id, "seal": number, "hash": before})
    if places:
        connection.execute(_PLACE, places)
    return len(places)


async def keep_sealed(desk: Desk) -> None:
    """A process' task: seal what it finds, until cancelled. Any number of processes may do so."""
    while True:
        await asyncio.sleep(EVERY)
        try:
            await seal_all(desk)
        except DatabaseAway:
            continue  # what waits is sealed later
        except Exception as error:  # noqa: BLE001 - the task's edge: calls go on without a seal
            log.error("audit.not_sealed", error=where(error))


async def seal_all(desk: Desk) -> int:
    """Seal what waits, in portions between which others write; how many. Raises DatabaseAway."""
    many = 0
    while await desk.fetch(_any_waiting):
        done = await desk.transact(seal_some)
        many += done
        if done < AT_ONCE:
            break
        await asyncio.sleep(BREATH)
    return many


def check(connection: Connection) -> Checked:
    """Walk the whole chain; the first place that does not hold is in the answer."""
    waiting = connection.execute(
        select(func.count().label("many"), func.min(Audit.at).label("since")).where(
            Audit.seal.is_(None)
        )
    ).one()
    number, before, broken = 0, START, None
    for row in _rows(connection):
        broken = _broken(number, before, row)
        if broken is not None:
            break
        number, before = row.seal, row.hash
    return Checked(
        sealed=number,
        head=before,
        waiting=waiting.many,
        waiting_since=waiting.since,
        broken=broken,
    )


def _broken(number: int, before: str, row: Any) -> Broken | None:
    if row.seal != number + 1:
        return Broken(seal=number + 1, row=None, at=None, why="is missing")
    if row.hash != digest(before, row):
        return Broken(seal=row.seal, row=row.id, at=row.at, why="is not as it was written")
    return None


def _rows(connection: Connection) -> Iterator[Any]:
    after = 0
    while rows := connection.execute(
        _SEALED.where(Audit.seal > after).order_by(Audit.seal).limit(READ)
    ).all():
        yield from rows
        after = rows[-1].seal


def _any_waiting(connection: Connection) -> bool:
    return (
        connection.execute(select(Audit.id).where(Audit.seal.is_(None)).limit(1)).first()
        is not None
    )


_SEALED = select(Audit).where(Audit.seal.is_not(None))
_WAITING = select(Audit).where(Audit.seal.is_(None)).order_by(Audit.id).limit(AT_ONCE)
_PLACE = (
    update(Audit)
    .where(Audit.id == bindparam("row"))
    .values(seal=bindparam("seal"), hash=bindparam("hash"))
)

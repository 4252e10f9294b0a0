"""One number for all that is known of calls: equal if, and only if, the same is known.

Row numbers that a database gave are replaced by what they stand for, so that two databases, or one
before and after a replay, can be compared. What went into another call (signposts) and what only
one of two databases can have (sessions, the outbox, cursors) is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, select

from service_desk.desk import Desk
from service_desk.model import (
    Base,
    Case,
    CaseEntry,
    Conversation,
    ConversationAlias,
    Leg,
    QueueVisit,
    Recording,
)
from service_desk.model.base import table_of

HASHED: tuple[type[Base], ...] = (
    Conversation,
    Leg,
    ConversationAlias,
    QueueVisit,
    Recording,
    Case,
    CaseEntry,
)
PORTION = 5_000
LeaveOut = Callable[[str, dict[str, Any]], dict[str, Any]]


def everything(_table: str, row: dict[str, Any]) -> dict[str, Any]:
    """Leave out nothing."""
    return row


async def state_hash(desk: Desk, leave_out: LeaveOut = everything) -> str:
    """The hash (hex). Reads everything: 100,000 calls take some seconds.

    `leave_out` says what of a table's row counts (shared_state.py).
    """
    return await desk.fetch(hash_of, leave_out)


async def state_lines(desk: Desk) -> list[str]:
    """What the hash is made of, a line a row, for looking at what differs."""
    return await desk.fetch(lambda connection: sorted(line.decode() for line in _lines(connection)))


def hash_of(connection: Connection, leave_out: LeaveOut = everything) -> str:
    """Rows in any order: their hashes are added up, so that nothing need be sorted or kept."""
    total = 0
    for line in _lines(connection, leave_out):
        total += int.from_bytes(hashlib.blake2b(line, digest_size=16).digest(), "big")
    return f"{total % (1 << 128):032x}"


def rows_of(connection: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and row, for every row that counts."""
    cases = {
        row.id: row.opened_by_call_id or f"#{row.id}"
        for row in connection.execute(select(Case.id, Case.opened_by_call_id))
    }
    for noun in HASHED:
        table = table_of(noun)
        for row in _rows(connection, table, cases):
            yield table.name, row


def _lines(connection: Connection, leave_out: LeaveOut = everything) -> Iterator[bytes]:
    encode = msgspec.json.Encoder(order="sorted").encode
    for table, row in rows_of(connection):
        yield table.encode() + b" " + encode(leave_out(table, row))


def _rows(connection: Connection, table: Table, cases: dict[int, str]) -> Iterator[dict[str, Any]]:
    statement = select(table)
    if "merged_into" in table.c:
        statement = statement.where(table.c.merged_into.is_(None))
    found = connection.execution_options(yield_per=PORTION).execute(statement)
    for row in found.mappings():
        values: dict[str, Any] = dict(row)
        values.pop("id", None)
        if values.get("case_id") is not None:
            values["case_id"] = cases[values["case_id"]]
        yield values

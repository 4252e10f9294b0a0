"""The outbox: what a unit of work has to tell lies in a row of its own transaction until then.

A crash between commit and publish delays events and loses none: whoever is the owner publishes
what others left behind. Rows that were told are deleted with the next write, or soon after.
"""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection, delete, insert, select

from cti.about import about
from service_desk.clock import Clock
from service_desk.events import AnyDeskEvent, DeskEvent
from service_desk.model.outbox import Outbox as Row

Publish = Callable[[DeskEvent], Awaitable[None] | None]

log = structlog.get_logger(__name__)

TIDY_EVERY: Final = 5.0  # seconds a row may stay that was told, while nothing else is written
LEFTOVERS_EVERY: Final = 30.0  # seconds between two looks for what others left behind
# A younger row is still being published by the process that wrote it, or about to be deleted.
LEFTOVER_AFTER: Final = timedelta(seconds=10)
MOST: Final = 10_000  # rows at a time


class Outbox:
    """One process's side of it. Whoever writes leaves rows in its own transaction."""

    def __init__(self, clock: Clock, publish: Publish) -> None:
        self.publish = publish
        self.writer = secrets.token_hex(8)
        self._clock = clock
        self._delivered: list[int] = []

    def leave(
        self, connection: Connection, events: Sequence[DeskEvent], forget: Sequence[int] = ()
    ) -> int | None:
        """Write the events (and delete rows delivered before) in the caller's transaction."""
        if forget:
            connection.execute(delete(Row).where(Row.id.in_(forget)))
        if not events:
            return None
        body = msgspec.json.encode(list(events)).decode()
        result = connection.execute(
            insert(Row), {"at": self._clock.now(), "writer": self.writer, "body": body}
        )
        key = result.inserted_primary_key
        return None if key is None else int(key[0])

    async def deliver(self, events: Sequence[DeskEvent], row: int | None) -> None:
        """Publish after the commit; a bus that is away costs nothing that was written."""
        for told in events:
            try:
                waiting = self.publish(told)
                if inspect.isawaitable(waiting):
                    await waiting
            except Exception:
                what = type(told).__name__
                log.warning("desk.publish_failed", told=what, exc_info=True, **about(told))
                return
        if row is not None:
            self._delivered.append(row)

    def delivered(self) -> list[int]:
        """Rows that were told and may be deleted with the next write."""
        return self._delivered[:]

    def forgot(self, rows: Collection[int]) -> None:
        """These rows are deleted."""
        if rows:
            gone = set(rows)
            self._delivered = [row for row in self._delivered if row not in gone]

    async def tell(self, leftovers: Sequence[tuple[int, str]]) -> int:
        """Publish what others left behind; how many rows."""
        mine = set(self._delivered)
        others = [(row, body) for row, body in leftovers if row not in mine]
        for row, body in others:
            try:
                events = msgspec.json.decode(body, type=list[AnyDeskEvent])
            except msgspec.MsgspecError:
                events = []  # of another version; screens read everything afresh at connect
            await self.deliver(events, row)
        return len(others)


def leftovers(connection: Connection, before: datetime) -> list[tuple[int, str]]:
    """Rows written before this time and told by nobody, oldest first."""
    statement = select(Row.id, Row.body).where(Row.at < before).order_by(Row.id).limit(MOST)
    return [(row.id, row.body) for row in connection.execute(statement)]

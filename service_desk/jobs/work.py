"""What a job works with: short reads, and writes in small portions with pauses between them.

A call's commit waits for whoever writes before it. So a job computes outside of transactions, and
what it writes it writes in portions of at most `PORTION` rows, each followed by a pause three times
as long as the portion took: at any moment the way to the database is free for three quarters.

Each portion commits only while its lease is still ours: an owner that had been stopped for too
long, and was replaced meanwhile, can spoil nothing when it wakes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import Connection, Executable

from service_desk.desk import Desk
from service_desk.lease import Lease, confirm

P = ParamSpec("P")
T = TypeVar("T")

PORTION: Final = 500  # rows of one transaction: some 5 ms
SHORTEST_PAUSE: Final = 0.02  # seconds: another process that waits for the file looks so often
PAUSES: Final = 3  # as long as the portion took

Pause = Callable[[float], Awaitable[object]]


class Work:
    """The desk, as a job may use it. `lease`: what must be ours when something is written."""

    def __init__(
        self,
        desk: Desk,
        *,
        lease: Lease | None = None,
        pause: Pause = asyncio.sleep,
        portion: int = PORTION,
    ) -> None:
        self.desk = desk
        self.portion = portion
        self._lease = lease
        self._pause = pause

    async def read(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One short snapshot: one that stays open keeps SQLite from tidying up behind writers."""
        return await self.desk.fetch(function, *args, **kwargs)

    async def write(
        self,
        function: Callable[Concatenate[Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """One portion in a transaction of its own, then a pause.

        Raises Conflict if the lease is another's by now, DatabaseAway.
        """
        begun = self.desk.clock.monotonic()
        done = await self.desk.transact(self._confirmed, lambda c: function(c, *args, **kwargs))
        took = self.desk.clock.monotonic() - begun
        await self._pause(max(SHORTEST_PAUSE, PAUSES * took))
        return done

    async def write_rows(self, statement: Executable, rows: Iterable[Mapping[str, Any]]) -> int:
        """Run a statement for every row, a portion at a time; how many rows."""
        many = 0
        for portion in _portions(rows, self.portion):
            await self.write(_run, statement, portion)
            many += len(portion)
        return many

    async def repeat(self, function: Callable[[Connection, int], int]) -> int:
        """Write portion after portion until one has nothing left; the sum of what they did.

        `function` is given how many rows it may touch, and returns how many it did.
        """
        many = 0
        while done := await self.write(function, self.portion):
            many += done
        return many

    def _confirmed(self, connection: Connection, function: Callable[[Connection], T]) -> T:
        if self._lease is not None:
            confirm(connection, self._lease)
        return function(connection)


def _portions(rows: Iterable[Mapping[str, Any]], most: int) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(rows)
    while portion := list(islice(left, most)):
        yield portion


def _run(connection: Connection, statement: Executable, rows: list[Mapping[str, Any]]) -> None:
    connection.execute(statement, rows)

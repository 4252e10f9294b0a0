"""Bringing a file in: portion by portion, each line once, whatever else is wrong with it.

A file that is brought in again changes nothing, and one that was cut off goes on where it was:
each line has a key by which it is found again. Calls go on meanwhile: the portions are small, with
pauses between them (`service_desk/jobs/work.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, Final, Protocol

from msgspec import Struct
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.errors import Conflict
from service_desk.imports.lines import Columns, Line, Reader
from service_desk.jobs import runs
from service_desk.jobs.table import OF_PURCHASES
from service_desk.jobs.work import Work

PORTION: Final = 200  # lines of one transaction

Refused = Callable[[int, str], None]  # a line's number, and why


class Brought(Struct):
    """How many lines were what; `same`: they were there already."""

    made: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0

    def add(self, other: Brought) -> None:
        """Count a portion."""
        self.made += other.made
        self.changed += other.changed
        self.same += other.same


class Kind(Protocol):
    """One kind of file: its columns, and what becomes of some of its lines."""

    columns: Columns

    def bring(self, connection: Connection, lines: list[Line], refused: Refused) -> Brought:
        """Write these lines in one transaction, telling of each that is wrong."""
        ...


async def bring_in(
    work: Work,
    kind: Kind,
    file: BinaryIO,
    *,
    by: Actor,
    refused: Refused,
    passed_over: Callable[[str], None] = lambda _name: None,
    progress: Callable[[], None] = lambda: None,
) -> Brought:
    """Bring a whole file in. Raises BadFile, Conflict, DatabaseAway.

    `refused` is told of each line that is wrong, `passed_over` of columns nobody knows.
    """
    brought = Brought()
    reader = Reader(file, kind.columns)
    for name in reader.passed_over:
        passed_over(name)
    for portion in _portions(reader):
        wrong: dict[int, str] = {line.number: line.why for line in portion if line.why}
        good = [line for line in portion if not line.why]
        if good:
            brought.add(await _bring(work, kind, good, wrong.__setitem__))
        for number in sorted(wrong):
            refused(number, wrong[number])
        brought.refused += len(wrong)
        progress()
    await _finished(work.desk, kind, brought, by)
    return brought


async def _bring(work: Work, kind: Kind, lines: list[Line], refused: Refused) -> Brought:
    try:
        return await work.write(kind.bring, lines, refused)
    except IntegrityError as error:
        why = "somebody else wrote the same at the same moment: bring the file in again"
        raise Conflict(why) from error


async def _finished(desk: Desk, kind: Kind, brought: Brought, by: Actor) -> None:
    if not brought.made and not brought.changed:
        return
    async with desk.write(by=by) as uow:
        what = type(kind).__name__.lower()
        await checks.audit(uow, f"import.{what}", "", made=brought.made, changed=brought.changed)
        for name in OF_PURCHASES:
            await uow.run(runs.ask, name, uow.now)


def _portions(reader: Reader) -> Iterator[list[Line]]:
    lines = iter(reader)
    while portion := list(islice(lines, PORTION)):
        yield portion

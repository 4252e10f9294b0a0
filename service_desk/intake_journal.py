"""What Asterisk wrote down becomes calls and cases: rows and cursor in one transaction.

The journal's facts take the way of the live ones, through the same intake. A portion that could
not be committed is kept and tried again; until then nothing more is read, so the cursor waits
while the database is away, and catches up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from msgspec import Struct
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cti import events as cti
from cti.journal import MOST_BYTES, Cursor, Reject
from cti.journal_ahead import AheadError, ReadAhead
from cti.journal_reader import JournalReader, Portion, encoded
from cti.where import where
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.intake import Batch, Intake, packed
from service_desk.journal_ahead import Ready, command, ready
from service_desk.model import JournalCursor, JournalReject

log = structlog.get_logger(__name__)

REJECTS_KEPT = 1_000  # lines, of all files; more are only counted
# A call that began or ended this long ago and is not in the tables was missed; before that the
# live side may simply not have written it yet.
LATE = timedelta(seconds=10)
CEL = "cel"
# Bytes: a thousand calls. It is then worth another process to read while this one writes.
FAR_BEHIND = 4 * 1024 * 1024
LARGE = 2 * 1024 * 1024  # bytes in a portion then: 600 calls, a third of a second on SQLite


class Tally(Struct):
    """What was found, counted in calls where nothing else is said."""

    records: int = 0  # lines
    seen: int = 0
    missing: int = 0  # had no conversation
    unended: int = 0  # had no end
    rejected: int = 0  # lines
    refused: int = 0  # facts that the database would not take

    def add(self, other: Tally) -> None:
        """Sum up."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def repaired(self) -> int:
        """Calls that were put right."""
        return self.missing + self.unended


class JournalIntake:
    """Brings one Asterisk's records into the tables, through the intake of its bridge.

    >>> journal = JournalIntake(desk, intake, reader)
    >>> await journal.load()
    >>> while await journal.step(): ...
    """

    def __init__(self, desk: Desk, intake: Intake, reader: JournalReader) -> None:
        self.desk = desk
        self.reader = reader
        self.tally = Tally()
        self.behind = 0  # bytes
        self.told_at: datetime | None = None
        self._intake = intake
        self._system = reader.journal.system
        self._pending: Ready | None = None
        self._ahead: ReadAhead[Ready] | None = None
        self._taken: Portion | None = None  # the last one that was read ahead of the reader
        self._news = True  # the last portion told of calls that were in no table
        self._committed: tuple[Cursor, bytes] = {}, b""
        self._alone = False  # another process was tried, and was of no use

    async def load(self) -> None:
        """Go on from where the last process committed. Raises DatabaseAway."""
        row = await self.desk.fetch(cursor_row, self._system, CEL)
        if row is not None:
            self.told_at = row.told_at
            self.tally.rejected = row.rejects
            self._committed = row.files, row.state
            self.reader.restore(*self._committed)

    async def step(self, most: int = 0) -> bool:
        """Read and commit one portion; False if nothing was left. Raises DatabaseAway, OSError.

        Far behind, portions are larger, and the next is read while one is committed; `close` when
        no further step is to come.
        """
        if self._pending is None:
            self._pending = await self._read(most)
        if self._pending is None:
            self.behind = 0
            await self.close()
            return False
        await self._settle()
        return True

    async def close(self) -> None:
        """End what reads ahead; a step begins it again."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await ahead.stop()
        if self._taken is not None:
            await asyncio.to_thread(self.reader.restore, self._taken.cursor, self._taken.state)
            self._taken = None

    async def _read(self, most: int) -> Ready | None:
        if most or self.behind < FAR_BEHIND:
            self._alone = False
            return await self._read_alone(most or MOST_BYTES)
        if self._alone:
            return await self._read_alone(LARGE)
        try:
            self._ahead = self._ahead or await ReadAhead.start(
                self.reader, LARGE, ready, command(self.desk.settings.region)
            )
            # Who is behind leaves more to the other: both end at one time.
            found = await self._ahead.next(more=self._news and not self._ahead.late)
        except (AheadError, OSError) as why:
            log.warning("journal.reads_alone", why=f"{type(why).__name__} {why}")
            self._alone = True
            return await self._read_alone(LARGE)
        if found is not None:
            self._taken = found.portion
        return found

    async def _read_alone(self, most: int) -> Ready | None:
        await self.close()

        def read() -> Ready | None:
            try:
                portion = self.reader.next(most)
                return None if portion is None else ready(encoded(portion))
            except OSError:
                raise  # nothing was read
            except Exception:
                # What was read of it would be missing for ever, or be read in vain again and again.
                self.reader.restore(*self._committed)
                raise

        return await asyncio.to_thread(read)

    async def lose(self, leg_ids: Iterable[str], at: datetime, how: cti.Lost = "unknown") -> None:
        """End these channels as lost. Raises DatabaseAway; the next step then does it."""
        await self._settle()
        await self.close()  # what was read ahead knows nothing of this
        self._pending = ready(encoded(self.reader.lose(leg_ids, at, how)))
        await self._settle()

    async def witness(self, facts: Iterable[cti.CallFact]) -> None:
        """Write what another witness tells of calls without any record. Raises DatabaseAway."""
        refused, _, _ = await self._one_by_one([packed(fact) for fact in facts])
        self._intake.lost += refused

    async def _settle(self) -> None:
        """Commit what waits for it, if anything does. Raises DatabaseAway; it then still waits."""
        if self._pending is not None:
            await self.commit(self._pending)
            self._pending = None

    async def commit(self, what: Ready) -> None:
        """One transaction: what the portion told, and how far that is. Raises DatabaseAway."""
        portion = what.portion
        found = Tally(records=portion.records, rejected=portion.rejected)
        keep = _Keep(portion, self.desk)
        try:
            there = await self._intake.write(what.facts, also=keep, foretold=what.foretold)
        except DatabaseAway:
            raise
        except Exception:
            # A fact that the database refuses stops neither its neighbours nor the reading.
            facts = what.everything()
            log.warning("journal.portion_refused", facts=len(facts), exc_info=True)
            found.refused, there, aside = await self._one_by_one(facts)
            self._intake.lost += found.refused  # an alarm, like those refused live
            portion.rejects += aside
            portion.rejected += len(aside)
            found.rejected += len(aside)
            await self.desk.transact(keep)
        self._committed = portion.cursor, portion.state
        old = self._how_it_was(what, found, there)
        told = what.foretold.keys() | {fact.call_id for fact in portion.facts}
        self._news = not told or not told <= there.keys()
        self.tally.add(found)
        self.behind = portion.left
        self.told_at = portion.told_at or self.told_at
        if old:
            log.warning("journal.repaired", calls=sorted(old)[:5], many=len(old))

    def _how_it_was(self, what: Ready, found: Tally, there: Mapping[str, bool]) -> set[str]:
        """Count the calls of a portion, and those that the live side should have known better.

        `there`: the calls that were stored before, and whether they had ended.
        """
        before = self.desk.clock.now() - LATE
        late, ended = set[str](), set[str]()
        for fact in what.portion.facts:
            found.seen += isinstance(fact, cti.CallArrived)
            if fact.at < before:
                late.add(fact.call_id)
                if isinstance(fact, cti.CallEnded):
                    ended.add(fact.call_id)
        for call_id, each in what.foretold.items():
            call = each.story.conversation
            found.seen += each.began
            if call["arrived_at"] < before:
                late.add(call_id)
                if call["ended_at"] is not None and call["ended_at"] < before:
                    ended.add(call_id)
        missing = late - there.keys()
        unended = {call_id for call_id in ended if there.get(call_id) is False}
        found.missing, found.unended = len(missing), len(unended)
        return missing | unended

    async def _one_by_one(self, facts: Batch) -> tuple[int, dict[str, bool], list[Reject]]:
        """How many were refused, as `Intake.write`, and the calls that are put aside for it."""
        refused, there, aside = 0, dict[str, bool](), list[Reject]()
        calls: dict[str, Batch] = {}
        for each in facts:
            calls.setdefault(each[1].call_id, []).append(each)
        for call_id, batch in calls.items():
            try:
                there |= await self._intake.write(batch)
            except DatabaseAway:
                raise
            except Exception as error:
                log.error("journal.call_refused", call_id=call_id, exc_info=True)
                refused += len(batch)
                at = int(min(fact.at for _, fact in batch).timestamp())
                why = where(error).encode()
                aside.append(Reject(f"call {call_id}", at, "not understood", why, used=False))
        return refused, there, aside


class _Keep:
    """What is written beside the facts, in their transaction: the cursor and the rejects."""

    def __init__(self, portion: Portion, desk: Desk) -> None:
        self._portion = portion
        self._now = desk.clock.now()
        self._postgresql = desk.engine.dialect.name == "postgresql"

    def __call__(self, connection: Connection) -> None:
        self._keep_rejects(connection)
        portion = self._portion
        key = (JournalCursor.system == portion.system) & (JournalCursor.kind == CEL)
        values = {
            "files": portion.cursor,
            "state": portion.state,
            "told_at": portion.told_at,
            "read_at": self._now,
        }
        more = {
            "records": JournalCursor.records + portion.records,
            "rejects": JournalCursor.rejects + portion.rejected,
        }
        done = connection.execute(update(JournalCursor).where(key).values(**values, **more))
        if done.rowcount == 0:
            first = {"records": portion.records, "rejects": portion.rejected}
            named = {"system": portion.system, "kind": CEL}
            connection.execute(insert(JournalCursor), {**named, **values, **first})

    def _keep_rejects(self, connection: Connection) -> None:
        if not self._portion.rejects:
            return
        made = postgresql.insert if self._postgresql else sqlite.insert
        connection.execute(
            made(JournalReject).on_conflict_do_nothing(),
            [
                {
                    "system": self._portion.system,
                    "file": each.file,
                    "position": each.offset,
                    "at": self._now,
                    "reason": each.reason,
                    "line": each.line,
                    "used": each.used,
                }
                for each in self._portion.rejects
            ],
        )
        newest = select(JournalReject.id).order_by(JournalReject.id.desc()).limit(REJECTS_KEPT)
        connection.execute(delete(JournalReject).where(JournalReject.id.not_in(newest)))


class CursorRow(Struct, frozen=True):
    """What stands in `journal_cursor`."""

    files: dict[str, int]
    state: bytes
    records: int
    rejects: int
    told_at: datetime | None


def cursor_row(connection: Connection, system: str, kind: str) -> CursorRow | None:
    """How far one Asterisk's records of this kind were read."""
    row = connection.execute(
        select(
            JournalCursor.files,
            JournalCursor.state,
            JournalCursor.records,
            JournalCursor.rejects,
            JournalCursor.told_at,
        ).where(JournalCursor.system == system, JournalCursor.kind == kind)
    ).first()
    return None if row is None else CursorRow(*row)

"""Records against cases, again and again: what is certain is repaired, the rest is an alarm.

Certain: a call, a leg or an end that Asterisk wrote down (the journal itself brings those), and
that a channel which Asterisk no longer has is gone (at once, if Asterisk was started anew since).
Not certain, so an alarm: a call that only one of two witnesses knows, a call that goes on in the
tables though Asterisk has no channel of it, and a line of the records that nobody can read.
Whatever could be a matter of moments must be so in two rounds that follow each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import structlog
from msgspec import Struct
from sqlalchemy import Connection, Executable, insert, select, update

from cti.detail_facts import WITNESS, facts_of
from cti.journal import Batch, Journal
from service_desk import alarms
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.intake_journal import JournalIntake, cursor_row
from service_desk.model import (
    Alarm,
    Conversation,
    ConversationAlias,
    ConversationFacts,
    JournalCursor,
    JournalReject,
)

log = structlog.get_logger(__name__)

CDR = "cdr"
SETTLED = timedelta(seconds=60)  # what is younger may still be on its way
MOST_PORTIONS = 4_000  # in one round: a gigabyte of records
MOST_DETAILS = 4 * 1024 * 1024  # bytes in one round of those that have just come: 300 calls/s
ASIDE_KEPT = timedelta(days=1)  # the alarm of a line put aside; it stays counted for good
BOOT_TOLD = timedelta(seconds=1)  # Asterisk tells its start in whole seconds
MOST_CALLS = 5_000  # looked at in one round, of each kind
REMEMBERED = 100_000  # details of calls: an hour of a busy centre

# Uniqueids of the channels that Asterisk has, as far as the bridge knows; None while it does not.
Channels = Callable[[], Collection[str] | None]
# When the Asterisk that runs was started; None if that is not known.
Booted = Callable[[], datetime | None]


class _Open(Struct, frozen=True):
    """A call that goes on in the tables."""

    call_id: str
    arrived_at: datetime
    aliases: frozenset[str]


class Reconciler:
    """Compares one Asterisk's records with the tables. `details` are the CDRs, if there are any.

    >>> reconciler = Reconciler(desk, journal, details, channels=lambda: ...)
    >>> await reconciler.round()  # every minute
    """

    def __init__(
        self,
        desk: Desk,
        journal: JournalIntake,
        details: Journal | None,
        *,
        channels: Channels,
        booted: Booted = lambda: None,
    ) -> None:
        self.desk = desk
        self.journal = journal
        self.details = details
        self.alarms: dict[str, int] = {}  # by kind, how many are on
        self._channels = channels
        self._booted = booted
        self._system = journal.reader.journal.system
        self._gone: dict[str, datetime] = {}  # legs: open in the journal, not in Asterisk
        self._endless: set[str] = set()  # calls: open in the tables, nowhere else
        self._cursor: dict[str, int] | None = None  # of the details
        self._details: Batch | None = None  # read, and not yet compared
        self._witnessed: dict[str, None] = {}  # uniqueids of details, the oldest first
        self._watching_since = self._witnessed_until = desk.clock.now()

    @property
    def details_cursor(self) -> dict[str, int]:
        """How far each file of details was read."""
        return self._cursor or {}

    async def catch_up(self, most: int = MOST_PORTIONS) -> bool:
        """Bring the journal's records into the tables; False if there is more. Raises
        DatabaseAway, OSError."""
        for _ in range(most):
            if not await self.journal.step():
                await self._lose_with_asterisk()
                return True
        return False

    async def round(self) -> None:
        """One comparison. Raises DatabaseAway, OSError."""
        before = self._channels()
        caught_up = await self.catch_up()
        after = self._channels()
        here = None if before is None or after is None else frozenset(before) | frozenset(after)
        if here is not None and caught_up:
            await self._lose_vanished(here)
            await self._find_endless(here)
        if self.details is not None:
            await self._compare_details(self.details, all_read=caught_up)
        since = self.desk.clock.now() - ASIDE_KEPT
        aside = await self.desk.fetch(_aside, self._system, since)
        await self._alarm_only(alarms.RECORDS_ASIDE, aside)
        self.alarms = await self.desk.fetch(alarms.count_of, self._system)

    # Channels that vanished

    async def _lose_with_asterisk(self) -> None:
        """End what went on when Asterisk ended: no need to look twice, its channels cannot be."""
        boot, here = self._booted(), self._channels()
        if boot is None or here is None or boot > self.desk.clock.now():
            return
        legs = self.journal.reader.open_legs()
        # What began in the very second of its start began before: it takes longer to start.
        over = boot + BOOT_TOLD
        gone = [leg for leg, (_, begun) in legs.items() if begun < over and leg not in here]
        if gone:
            log.warning("journal.lost_with_asterisk", many=len(gone))
            told = self.journal.told_at or boot
            at = told if told < boot else over
            await self.journal.lose(sorted(gone), at, "asterisk")

    async def _lose_vanished(self, here: Collection[str]) -> None:
        """End what the journal holds for open and Asterisk has not had for two rounds."""
        reader = self.journal.reader
        now = min(self.desk.clock.now(), self.journal.told_at or self.desk.clock.now())
        gone = {leg: self._gone.get(leg, now) for leg in reader.open_legs() if leg not in here}
        lost = gone.keys() & self._gone.keys()
        self._gone = {leg: since for leg, since in gone.items() if leg not in lost}
        if lost:
            at = max(gone[leg] for leg in lost)
            log.warning("journal.channels_vanished", many=len(lost))
            await self.journal.lose(sorted(lost), at)

    async def _find_endless(self, here: Collection[str]) -> None:
        """Calls that go on in the tables alone: how they ended nobody knows."""
        in_journal = self.journal.reader.open_legs().keys()
        before = self.desk.clock.now() - SETTLED
        found = await self.desk.fetch(_open_calls, self._system, before)
        endless = {
            call.call_id: call
            for call in found
            if call.aliases.isdisjoint(here) and call.aliases.isdisjoint(in_journal)
        }
        sure = {
            call_id: {"arrived_at": call.arrived_at.isoformat()}
            for call_id, call in endless.items()
            if call_id in self._endless
        }
        self._endless = set(endless)
        await self._alarm_only(alarms.CALL_WITHOUT_END, sure)

    async def _alarm_only(self, kind: str, about: Mapping[str, Mapping[str, str]]) -> None:
        """Exactly these are on."""
        on = await self.desk.fetch(_alarmed, self._system, kind)
        if on == about.keys():
            return
        async with self.desk.write(by=SYSTEM) as unit:
            await alarms.raise_alarms(unit, self._system, kind, about)
            await alarms.clear_alarms(unit, self._system, kind, on - about.keys())

    # The second witness

    async def _compare_details(self, details: Journal, *, all_read: bool) -> None:
        if self._cursor is None:
            row = await self.desk.fetch(cursor_row, self._system, CDR)
            self._cursor = {} if row is None else row.files
        for _ in range(MOST_PORTIONS):
            batch = self._details
            if batch is not None:
                await self._commit_details(batch, all_read=all_read)
                self._details = None
            batch = await asyncio.to_thread(details.read, self._cursor, MOST_DETAILS)
            if not batch.moved:
                break
            self._cursor = batch.cursor
            self._details = batch
            for line in batch.lines:
                self._witnessed[line.record.uniqueid] = None
            while len(self._witnessed) > REMEMBERED:
                del self._witnessed[next(iter(self._witnessed))]
            settled = self.desk.clock.now() - SETTLED
            if any(line.record.ended_at > settled for line in batch.lines):
                break  # compared in the next round: the call may still be on its way
        await self._find_unwitnessed()

    async def _commit_details(self, batch: Batch, *, all_read: bool) -> None:
        """Details whose call is in no table are alarms, and make its case as far as they know it if
        all records are read; the cursor in the transaction of the alarms."""
        rows = {
            line.record.uniqueid: line.record
            for line in batch.lines
            if not line.record.is_plumbing and line.record.uniqueid
        }
        if all_read:
            known = await self.desk.fetch(_known_aliases, self._system, _ids(batch))
            unknown = [
                line.record
                for line in batch.lines
                if not {line.record.uniqueid, line.record.linkedid} & known
            ]
            extensions = self.journal.reader.extensions
            await self.journal.witness(facts_of(unknown, self._system, extensions))
        async with self.desk.write(by=SYSTEM) as unit:
            known = await unit.run(_known_aliases, self._system, rows.keys())
            missing = {
                uniqueid: {"channel": row.channel, "ended_at": row.ended_at.isoformat()}
                for uniqueid, row in rows.items()
                if uniqueid not in known
            }
            await alarms.raise_alarms(unit, self._system, alarms.DETAIL_WITHOUT_CALL, missing)
            on = await unit.run(_alarmed, self._system, alarms.DETAIL_WITHOUT_CALL)
            found = await unit.run(_known_aliases, self._system, on)
            await alarms.clear_alarms(unit, self._system, alarms.DETAIL_WITHOUT_CALL, found)
            await unit.run(_keep_cursor, self._system, batch, unit.now)

    async def _find_unwitnessed(self) -> None:
        """Calls since we began to read that ended and left no detail."""
        since, until = self._witnessed_until, self.desk.clock.now() - 2 * SETTLED
        if until <= since:
            return
        calls = await self.desk.fetch(
            _ended_calls, self._system, self._watching_since, since, until
        )
        alone = {
            call.call_id: {"arrived_at": call.arrived_at.isoformat()}
            for call in calls
            if call.aliases and call.aliases.isdisjoint(self._witnessed)
        }
        if alone:
            async with self.desk.write(by=SYSTEM) as unit:
                await alarms.raise_alarms(unit, self._system, alarms.CALL_WITHOUT_DETAIL, alone)
        self._witnessed_until = until


# Reading


def _ids(batch: Batch) -> set[str]:
    """Of the channels that called, and of their calls."""
    records = [line.record for line in batch.lines]
    return {each.uniqueid for each in records} | {each.linkedid for each in records}


def _open_calls(connection: Connection, system: str, before: datetime) -> list[_Open]:
    # By the facts: theirs is the index that knows open calls from a million others.
    statement = (
        select(Conversation.call_id, Conversation.arrived_at)
        .join(ConversationFacts, ConversationFacts.call_id == Conversation.call_id)
        .where(
            ConversationFacts.ended_at.is_(None),
            Conversation.system == system,
            Conversation.ended_at.is_(None),
            Conversation.merged_into.is_(None),
            Conversation.arrived_at < before,
        )
    )
    return _with_aliases(connection, statement.limit(MOST_CALLS))


def _ended_calls(
    connection: Connection, system: str, arrived: datetime, since: datetime, until: datetime
) -> list[_Open]:
    statement = (
        select(Conversation.call_id, Conversation.arrived_at)
        .join(ConversationFacts, ConversationFacts.call_id == Conversation.call_id)
        .where(
            ConversationFacts.ended_at > since,
            ConversationFacts.ended_at <= until,
            Conversation.system == system,
            Conversation.arrived_at > arrived,
            Conversation.outcome != "lost",  # an Asterisk that was killed wrote none
            Conversation.merged_into.is_(None),
        )
    )
    return _with_aliases(connection, statement.limit(MOST_CALLS))


def _with_aliases(connection: Connection, statement: Executable) -> list[_Open]:
    calls = {row.call_id: row.arrived_at for row in connection.execute(statement)}
    aliases: dict[str, set[str]] = {}
    for part in _parts(calls):
        for row in connection.execute(
            select(ConversationAlias.call_id, ConversationAlias.alias).where(
                ConversationAlias.call_id.in_(part)
            )
        ):
            aliases.setdefault(row.call_id, set()).add(row.alias.removeprefix(WITNESS))
    return [
        _Open(call_id, at, frozenset(aliases.get(call_id, ()))) for call_id, at in calls.items()
    ]


def _known_aliases(connection: Connection, system: str, among: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in _parts(among):
        found |= set(
            connection.scalars(
                select(ConversationAlias.alias).where(
                    ConversationAlias.system == system, ConversationAlias.alias.in_(part)
                )
            )
        )
    return found


def _parts(values: Collection[str], size: int = 500) -> list[list[str]]:
    """In portions that fit a statement."""
    everything = list(values)
    return [everything[at : at + size] for at in range(0, len(everything), size)]


def _aside(connection: Connection, system: str, since: datetime) -> dict[str, dict[str, str]]:
    """Why lines were put aside, but for those of which all that matters was used: one alarm a kind,
    however many a hostile caller makes."""
    rows = connection.scalars(
        select(JournalReject.reason)
        .where(
            JournalReject.system == system,
            JournalReject.at > since,
            JournalReject.used.is_(False),
        )
        .distinct()
    )
    return {reason: {"reason": reason} for reason in sorted(rows)}


def _alarmed(connection: Connection, system: str, kind: str) -> set[str]:
    return set(
        connection.scalars(
            select(Alarm.about).where(
                Alarm.system == system, Alarm.kind == kind, Alarm.cleared_at.is_(None)
            )
        )
    )


def _keep_cursor(connection: Connection, system: str, batch: Batch, now: datetime) -> None:
    values = {"files": batch.cursor, "read_at": now}
    key = (JournalCursor.system == system) & (JournalCursor.kind == CDR)
    many = len(batch.lines)
    done = connection.execute(
        update(JournalCursor)
        .where(key)
        .values(
            **values,
            records=JournalCursor.records + many,
            rejects=JournalCursor.rejects + batch.rejected,
        )
    )
    if done.rowcount == 0:
        named = {"system": system, "kind": CDR, "state": b"", "told_at": None}
        connection.execute(
            insert(JournalCursor),
            {**named, **values, "records": many, "rejects": batch.rejected},
        )

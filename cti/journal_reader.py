"""The journal as facts: portion after portion, each with the cursor and the state it leaves.

Whoever commits a portion commits its `cursor` and `state` with it, and begins there after a
restart: no record is told twice or left out, whatever became of files and processes meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from cti.events import CallFact
from cti.interpret.cel import CelInterpreter
from cti.interpret.saved import restored, saved
from cti.journal import MOST_BYTES, Cursor, Journal, Reject


class Portion(Struct, kw_only=True):
    """What one reading told."""

    system: str
    facts: list[CallFact]
    cursor: Cursor
    state: bytes
    records: int = 0
    rejects: list[Reject] = []
    rejected: int = 0
    told_at: datetime | None = None  # Asterisk's time of the newest record
    left: int = 0  # bytes that were not read yet


class JournalReader:
    """Reads one Asterisk's records on from where a cursor stands. Not for several threads at once.

    `extensions`: agent -> extension, for every agent.
    """

    def __init__(self, journal: Journal, extensions: Mapping[str, str]) -> None:
        self.journal = journal
        self._extensions = extensions
        self._cursor: Cursor = {}
        self._told_at: datetime | None = None
        self._by = CelInterpreter(journal.system, extensions)

    @property
    def cursor(self) -> Cursor:
        """How far each file was read, maybe not yet committed."""
        return self._cursor

    @property
    def unknown(self) -> int:
        """Records of channels whose beginning was not read."""
        return self._by.unknown

    def restore(self, cursor: Mapping[str, int], state: bytes) -> None:
        """Go on from here; a state that cannot be read (of a newer program) is as none."""
        self._cursor = dict(cursor)
        try:
            self._by = restored(state, self.journal.system, self._extensions)
        except msgspec.MsgspecError:
            self._by = CelInterpreter(self.journal.system, self._extensions)

    def next(self, most: int = MOST_BYTES) -> Portion | None:
        """The next portion, None if there is nothing new. Reads files: not for the event loop.

        Raises OSError.
        """
        batch = self.journal.read(self._cursor, most)
        if not batch.moved:
            return None
        facts: list[CallFact] = []
        feed = self._by.feed
        for line in batch.lines:
            facts += feed(line.record)
        if batch.lines:
            self._told_at = batch.lines[-1].record.at
        self._cursor = batch.cursor
        return Portion(
            system=self.journal.system,
            facts=facts,
            cursor=batch.cursor,
            state=saved(self._by),
            records=len(batch.lines),
            rejects=batch.rejects,
            rejected=batch.rejected,
            told_at=self._told_at,
            left=batch.left,
        )

    def open_legs(self) -> dict[str, tuple[str, datetime]]:
        """Channels that have not ended as far as was read: their call, and when that began."""
        return {leg.id: (leg.call.id, leg.call.arrived_at) for leg in self._by.world.legs.values()}

    def lose(self, leg_ids: Iterable[str], at: datetime) -> Portion:
        """These channels are gone, and no record will say so."""
        facts = self._by.lose(at, list(leg_ids))
        return Portion(
            system=self.journal.system, facts=facts, cursor=self._cursor, state=saved(self._by)
        )

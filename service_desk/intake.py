"""Where a call becomes a case.

`take(fact)` never waits; one task gathers what has come, writes it in one transaction and then
tells. The facts of a call may come in any order, any number of times and in any portions: what is
stored is what `fold` says of all of them. The database may fail: the batch is kept and tried
again, with pauses that grow to `LONGEST_PAUSE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec
import structlog
from msgspec import structs
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cti import events as cti
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.fold_facts import TELLING
from service_desk.intake_known import Known
from service_desk.intake_sql import Statements
from service_desk.intake_write import Writing, Written
from service_desk.story import Foretold

log = structlog.get_logger(__name__)

MOST_WAITING = 200_000  # facts: an hour of a busy centre; issue: the journal brings back the rest
MOST_IN_BATCH = 2_000
# Calls. The journal repeats a call some ten seconds after its end: at 100 calls/s it is still known
# then, and the memory for them is full within the first minute.
MOST_CACHED = 2_000
# Seconds an urgent fact waits for its neighbours, at any rate of calls: those that come while a
# write is under way are the next write, so that portions grow by themselves when it matters.
GATHER = 0.002
LINGER = 1.0  # seconds a fact may wait that no screen waits for: fewer writes per call
# Calls in a write that no screen waits for, or this part of all that wait: an arrival that comes
# meanwhile waits for its end.
PORTION, PART = 4, 8
MOST_DELIVERED = 50  # outbox rows that may wait to be deleted with a write nobody waits for
MOST_NAMED = 5  # calls of a portion in one line of the log
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

_encoder = msgspec.msgpack.Encoder()
# A screen waits for these: the case must exist when the card is asked for.
URGENT = (cti.CallArrived, cti.CallMerged)
Batch = list[tuple[bytes, cti.CallFact]]  # a fact's encoded form, and itself
Also = Callable[[Connection], None]


class Waiting(msgspec.Struct):
    """The facts of one call that are not yet written, and since when (monotonic) they wait."""

    since: float
    facts: Batch


class Intake:
    """Writes the facts of calls. One per bridge.

    >>> intake = Intake(desk)
    >>> await intake.start()
    >>> undo = bus.subscribe(CallFact, intake.take)
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.lost = 0  # facts refused because too many waited; told in the log
        self.written = 0
        self.failing_since: float | None = None
        self._waiting: dict[str, Waiting] = {}  # by call, the longest waiting first
        self._count = 0  # facts in it
        self._urgent_calls: set[str] = set()
        self._flush = False
        self._tidy = False  # the next write also deletes what was delivered from the outbox
        self._urgent = asyncio.Event()
        self._any = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._roots: OrderedDict[str, str] = OrderedDict()
        self._statements = Statements(desk.engine.dialect)
        self._alone = asyncio.Lock()

    # Taking

    def take(self, fact: cti.Fact) -> None:
        """Queue a fact; others than those of calls are passed over. Never waits, never raises."""
        if not isinstance(fact, TELLING):
            return
        if self._count >= MOST_WAITING:
            if self.lost == 0:
                log.error("intake.full", waiting=self._count)
            self.lost += 1
            return
        waiting = self._waiting.get(fact.call_id)
        if waiting is None:
            waiting = self._waiting[fact.call_id] = Waiting(time.monotonic(), [])
        waiting.facts.append(packed(fact))
        self._count += 1
        self._idle.clear()
        self._any.set()
        if isinstance(fact, URGENT):
            self._urgent_calls.add(fact.call_id)
            self._urgent.set()

    @property
    def waiting(self) -> int:
        """How many facts are not yet written."""
        return self._count

    # Running

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run(), name="intake")

    async def settled(self) -> None:
        """Wait until everything taken so far is written; not for ever if the database is away."""
        self._flush = True
        self._urgent.set()
        self._any.set()
        await self._idle.wait()

    async def stop(self, timeout: float = 10.0) -> None:
        """Write what waits, for at most `timeout` seconds, and end."""
        if self._task is None:
            return
        self._closing = True
        self._any.set()
        self._urgent.set()
        _, pending = await asyncio.wait({self._task}, timeout=timeout)
        if pending:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = None

    async def _run(self) -> None:
        while True:
            await self._gather()
            while batch := self._due():
                await self._write_for_sure(batch)
            if not self._waiting:
                self._flush = False
                self._idle.set()
                if self._closing:
                    return

    async def _gather(self) -> None:
        """Wait for a fact, then as long as may be for its neighbours."""
        if self._flush or self._closing:
            return
        if not self._waiting:
            self._any.clear()
            await self._any.wait()
        if not self._urgent.is_set() and self._waiting:
            left = LINGER - self._longest_wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), max(left, 0.0))
        if self._urgent.is_set() and not self._closing and not self._flush:
            await asyncio.sleep(GATHER)

    def _longest_wait(self) -> float:
        return time.monotonic() - next(iter(self._waiting.values())).since

    def _due(self) -> Batch:
        """What is written now: the calls that a screen waits for, alone; else, once the oldest of
        the others has waited long enough, a portion of them."""
        if not self._waiting:
            return []
        calls = [call_id for call_id in self._urgent_calls if call_id in self._waiting]
        if self._flush or self._closing or self._count > MOST_IN_BATCH:
            calls += [call_id for call_id in self._waiting if call_id not in self._urgent_calls]
            self._tidy = True
        elif not calls and self._longest_wait() >= LINGER:
            calls = list(islice(self._waiting, max(PORTION, len(self._waiting) // PART)))
            self._tidy = True
        batch: Batch = []
        for call_id in calls:
            if len(batch) >= MOST_IN_BATCH:
                break
            facts = self._waiting[call_id].facts
            batch += facts[:MOST_IN_BATCH]
            if len(facts) > MOST_IN_BATCH:  # a loop somewhere: the rest is the next portion
                self._waiting[call_id].facts = facts[MOST_IN_BATCH:]
                continue
            del self._waiting[call_id]
        self._count -= len(batch)
        self._urgent_calls &= self._waiting.keys()
        if not self._urgent_calls:
            self._urgent.clear()
        return batch

    # Writing

    async def _write_for_sure(self, batch: Sequence[tuple[bytes, cti.CallFact]]) -> None:
        """Write, however long the database is away; a fact that cannot be written is isolated."""
        pause = FIRST_PAUSE
        tries = 0
        while True:
            try:
                await self.write(batch)
            except DatabaseAway as away:
                if self.failing_since is None:
                    self.failing_since = self.desk.clock.monotonic()
                    log.warning("intake.database_away", why=str(away), waiting=self.waiting)
            except Exception as error:  # noqa: BLE001 - the task's edge: it writes for all calls
                # A driver refuses some values with errors of its own (OverflowError).
                tries += 1
                calls = sorted({fact.call_id for _, fact in batch})[:MOST_NAMED]
                why = _why(error)
                log.warning("intake.write_failed", tries=tries, calls=calls, why=why)
                if tries >= 3:
                    await self._isolate(batch, error)
                    return
            else:
                if self.failing_since is not None:
                    log.info("intake.database_back")
                    self.failing_since = None
                return
            self._forget()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _isolate(self, batch: Sequence[tuple[bytes, cti.CallFact]], error: Exception) -> None:
        """Halve until the one fact that the database refuses stands alone; drop only that."""
        if len(batch) == 1:
            fact = batch[0][1]
            what, why = type(fact).__name__, _why(error)
            log.error("intake.fact_refused", fact=what, why=why, call_id=fact.call_id)
            self.lost += 1
            return
        middle = len(batch) // 2
        await self._write_for_sure(batch[:middle])
        await self._write_for_sure(batch[middle:])

    async def write(
        self,
        batch: Sequence[tuple[bytes, cti.CallFact]],
        also: Also | None = None,
        foretold: Mapping[str, Foretold] | None = None,
    ) -> dict[str, bool]:
        """One transaction, then what is told. Raises DatabaseAway and SQLAlchemyError.

        Returns the calls of the batch that were there before: whether they had ended. `also` is
        done in the same transaction; `foretold`: other calls, with what their facts say if they are
        all there is. Whoever writes, live or journal, writes alone: what is known of a call must
        not change between being read and being committed.
        """
        async with self._alone:
            written = await self._transact(batch, also, foretold or {})
        self.written += len(batch) + sum(found.facts for found in (foretold or {}).values())
        await self.desk.outbox.deliver(written.events, written.outbox)
        return written.ended

    async def _transact(
        self,
        batch: Sequence[tuple[bytes, cti.CallFact]],
        also: Also | None,
        foretold: Mapping[str, Foretold],
    ) -> Written:
        writing = Writing(self.desk, self._statements, self._known, self._roots, foretold)
        forget = self.desk.outbox.delivered()
        if not self._tidy and len(forget) < MOST_DELIVERED:
            forget = []
        self._tidy = False

        def write(connection: Connection, *what: Any) -> Written:
            done = writing.write(connection, *what)
            if also is not None:
                also(connection)
            return done

        try:
            written = await self.desk.transact(write, batch, forget)
        except BaseException:
            self._forget()  # it may have been committed all the same
            raise
        self.desk.outbox.forgot(forget)
        self._remember(written)
        return written

    def _remember(self, written: Written) -> None:
        for call_id, root in written.roots.items():
            self._roots[call_id] = root
            self._roots.move_to_end(call_id)
            if call_id != root:
                self._known.pop(call_id, None)
        for call_id, known in written.known.items():
            self._known[call_id] = structs.replace(known, stored=True)
            self._known.move_to_end(call_id)
        while len(self._known) > MOST_CACHED:
            self._known.popitem(last=False)
        while len(self._roots) > 2 * MOST_CACHED:
            self._roots.popitem(last=False)

    def _forget(self) -> None:
        """After a failure nothing cached is trusted: it may have been committed all the same."""
        self._known.clear()
        self._roots.clear()


def packed(fact: cti.CallFact) -> tuple[bytes, cti.CallFact]:
    """The fact with its encoded form; what no database takes as text is replaced."""
    try:
        encoded = _encoder.encode(fact)
    except UnicodeEncodeError:
        fact = _cleaned(fact)
        return _encoder.encode(fact), fact
    if b"\0" in encoded and any(
        isinstance(each, str) and "\0" in each for each in structs.astuple(fact)
    ):
        fact = _cleaned(fact)
        encoded = _encoder.encode(fact)
    return encoded, fact


def _cleaned(fact: cti.CallFact) -> cti.CallFact:
    clean = {
        name: value.encode("utf-8", "replace").decode().replace("\0", "?")
        for name, value in structs.asdict(fact).items()
        if isinstance(value, str)
    }
    return structs.replace(fact, **clean)


def _why(error: Exception) -> str:
    """What kind of error it was: a database's own words repeat the values it was given."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    # asyncpg's error is the cause of the one that SQLAlchemy's dialect raises.
    return " < ".join(
        type(each).__name__ for each in (orig, getattr(orig, "__cause__", None)) if each
    )

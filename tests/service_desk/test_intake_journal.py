"""Asterisk's own records become calls and cases, with the cursor in the same transaction."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from cti.events import CallArrived, CallFact, CallMerged
from cti.interpret import Interpreter
from cti.journal import Journal
from cti.journal_ahead import AheadError, ReadAhead
from cti.journal_reader import JournalReader, Portion, encoded
from service_desk import intake_journal, intake_write, journal_ahead
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.fold import fold
from service_desk.fold_facts import TELLING
from service_desk.intake import Intake, packed
from service_desk.intake_journal import JournalIntake
from service_desk.intake_known import unpack
from service_desk.model import (
    Case,
    Conversation,
    JournalCursor,
    JournalReject,
    Leg,
    metadata,
)
from service_desk.state_hash import state_hash, state_lines
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS, recording
from tests.fakes.cel_recording import CEL_NAMES, SYSTEM, journal_facts, lines, shuffled
from tests.fakes.cel_recording import records as records_of

KINDS = ("answered", "abandoned", "attended_to_agent", "rejected", "overflow")


def heard(name: str) -> list[CallFact]:
    """What the live side tells of a recorded call."""
    by = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for message in recording(name).messages for fact in by.feed(message)]
    return [fact for fact in facts if isinstance(fact, TELLING)]


class Records:
    """A folder as Asterisk writes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "cel.json"

    def write(self, *raw: bytes) -> None:
        with self.file.open("ab") as out:
            out.writelines(each + b"\n" for each in raw)

    def calls(self, *names: str) -> None:
        for name in names:
            self.write(*lines(name))

    def in_files(self, *names: str) -> None:
        """Each call in two files, the older ones first."""
        parts = [part for name in names for part in (lines(name)[:7], lines(name)[7:])]
        for place, part in enumerate(parts):
            self.write(*part)
            os.utime(self.file, (place, place))
            self.file.rename(self.folder / f"cel.json.{place}")


class Bridge:
    """One process: an intake, and the journal on top of it."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.intake = Intake(desk)
        reader = JournalReader(Journal(folder, SYSTEM), EXTENSIONS)
        self.journal = JournalIntake(desk, self.intake, reader)

    async def start(self) -> Bridge:
        await self.intake.start()
        await self.journal.load()
        return self

    async def hear(self, *facts: CallFact) -> None:
        for fact in facts:
            self.intake.take(fact)
        await self.intake.settled()

    async def read(self, most: int = 1 << 20) -> None:
        while await self.journal.step(most):
            pass

    async def stop(self) -> None:
        await self.intake.stop()


@pytest.fixture
def records(tmp_path: Path) -> Records:
    folder = tmp_path / "records"
    folder.mkdir()
    return Records(folder)


@contextlib.contextmanager
def database_away(desk: Desk) -> Iterator[None]:
    """Nothing can be written until the end of the block."""

    async def away(*_: Any, **__: Any) -> Any:
        raise DatabaseAway("away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "transact", away)
        yield


def later(desk: Desk) -> None:
    """Long after the calls were recorded."""
    clock = desk.clock
    assert isinstance(clock, HandClock)
    clock.advance(10**9)


async def rows(desk: Desk, *columns: Any) -> list[Any]:
    return await desk.fetch(lambda connection: list(connection.execute(select(*columns)).all()))


async def wipe(desk: Desk) -> None:
    async with desk.engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            await connection.execute(table.delete())


async def test_a_call_that_only_the_journal_saw_is_a_case(desk: Desk, records: Records) -> None:
    """As it would be live: who, where to, how long, by whom, how it ended."""
    records.calls("rejected")
    later(desk)
    bridge = await Bridge(desk, records.folder).start()
    await bridge.read()
    [row] = await rows(desk, Conversation)
    assert (row.outcome, row.queue, row.agents, row.ended_by) == (
        "answered",
        "support",
        ["ben"],
        "caller",
    )
    assert row.number == "+493012345678"
    assert 1.5 < row.waited < 2.5
    assert 2.5 < row.talked < 3.5
    assert len(await rows(desk, Case.id)) == 1
    assert len(await rows(desk, Leg.leg_id)) == 3
    tally = bridge.journal.tally
    assert (tally.seen, tally.missing, tally.unended) == (1, 1, 0)
    await bridge.stop()


async def test_a_second_process_goes_on_where_the_first_ended(desk: Desk, records: Records) -> None:
    """In the middle of a call: nothing twice, nothing left out."""
    told = lines("answered")
    records.calls("abandoned")
    records.write(*told[:7])
    one = await Bridge(desk, records.folder).start()
    await one.read()
    await one.stop()
    records.file.rename(records.folder / "cel.json.1")
    records.write(*told[7:])
    two = await Bridge(desk, records.folder).start()
    await two.read()
    await two.stop()
    split = await state_hash(desk)
    assert two.journal.tally.records == len(told) - 7
    await wipe(desk)
    (records.folder / "cel.json.1").unlink()
    records.file.unlink()
    records.calls("abandoned", "answered")
    three = await Bridge(desk, records.folder).start()
    await three.read()
    await three.stop()
    assert await state_hash(desk) == split


async def test_the_journal_read_again_changes_nothing(desk: Desk, records: Records) -> None:
    """From the beginning, with an empty cursor, in other portions."""
    records.calls(*KINDS)
    one = await Bridge(desk, records.folder).start()
    await one.read()
    await one.stop()
    before = await state_hash(desk)
    async with desk.engine.begin() as connection:
        await connection.execute(JournalCursor.__table__.delete())
    two = await Bridge(desk, records.folder).start()
    await two.read(100)
    await two.stop()
    assert await state_hash(desk) == before
    assert two.journal.tally.repaired == 0


async def test_the_end_of_a_call_that_nobody_heard_is_found(desk: Desk, records: Records) -> None:
    """The live side was gone when it ended: the journal gives the end its true time."""
    bridge = await Bridge(desk, records.folder).start()
    facts = heard("answered")
    await bridge.hear(*facts[:9])
    [row] = await rows(desk, Conversation.ended_at)
    assert row.ended_at is None
    records.calls("answered")
    later(desk)
    await bridge.read()
    [row] = await rows(desk, Conversation)
    assert abs(row.ended_at - facts[-1].at) < timedelta(seconds=0.1)
    assert row.outcome == "answered"
    assert (bridge.journal.tally.missing, bridge.journal.tally.unended) == (0, 1)
    await bridge.stop()


async def test_an_end_that_was_guessed_gives_way_to_the_one_written(
    desk: Desk, records: Records
) -> None:
    """Lost live, since the leg was gone after a gap; the records know when and how it ended."""
    by = Interpreter(SYSTEM, EXTENSIONS)
    messages = recording("answered").messages
    facts = [fact for message in messages[:12] for fact in by.feed(message)]
    facts += by.resync(facts[-1].at + timedelta(minutes=5), [], [])
    bridge = await Bridge(desk, records.folder).start()
    await bridge.hear(*[fact for fact in facts if isinstance(fact, CallFact)])
    [row] = await rows(desk, Conversation)
    assert row.outcome == "lost"
    records.calls("answered")
    await bridge.read()
    await bridge.stop()
    [row] = await rows(desk, Conversation)
    real = heard("answered")[-1]
    assert row.outcome == "answered"
    assert abs(row.ended_at - real.at) < timedelta(seconds=0.1)
    assert row.talked == pytest.approx(story(heard("answered")).conversation["talked"], abs=0.1)


@pytest.mark.parametrize("name", CEL_NAMES)
async def test_what_was_heard_is_not_made_poorer(name: str, tmp_path: Path) -> None:
    """Hold, positions, why a device rang no more: the story of a call heard in full stays."""
    folder = tmp_path / "records"
    folder.mkdir()
    Records(folder).calls(name)
    reader = JournalReader(Journal(folder, SYSTEM), EXTENSIONS)
    portion = reader.next()
    assert portion is not None
    live = heard(name)
    alone = story(live)
    both = story([*live, *portion.facts])
    for key in ("direction", "number_raw", "dialed", "held", "agents", "outcome", "cause"):
        assert both.conversation[key] == alone.conversation[key]
    assert both.legs.keys() == alone.legs.keys()
    for leg_id, leg in alone.legs.items():
        for key in ("party", "agent", "held", "started_at"):
            assert both.legs[leg_id][key] == leg[key]
        assert both.legs[leg_id]["talked"] == pytest.approx(leg["talked"], abs=0.1)


def story(facts: list[CallFact]) -> Any:
    return fold(facts[0].call_id, dict(packed(fact) for fact in facts), "DE")


def interleaved(draw: random.Random, *streams: list[Any]) -> Iterator[Any]:
    """All of them, each in its own order."""
    left = [stream[:] for stream in streams if stream]
    while left:
        stream = draw.choice(left)
        yield stream.pop(0)
        left = [each for each in left if each]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.sampled_from(KINDS), st.randoms(use_true_random=False))
async def test_both_witnesses_in_any_order(
    desk: Desk, tmp_path_factory: pytest.TempPathFactory, name: str, draw: random.Random
) -> None:
    """Live facts and records, mixed at will, cut into portions, with restarts: one state."""
    results = []
    for mixed in (False, True):
        await wipe(desk)
        records = Records(tmp_path_factory.mktemp("records"))
        bridge = await Bridge(desk, records.folder).start()
        if not mixed:
            await bridge.hear(*heard(name))
            records.calls(name)
            await bridge.read()
        else:
            for each in interleaved(draw, heard(name), lines(name)):
                if isinstance(each, bytes):
                    records.write(each)
                    if draw.random() < 0.3:
                        await bridge.read()
                else:
                    bridge.intake.take(each)
                if draw.random() < 0.1:
                    await bridge.stop()
                    bridge = await Bridge(desk, records.folder).start()
            await bridge.read()
            await bridge.intake.settled()
        await bridge.stop()
        results.append(await state_lines(desk))
    assert results[0] == results[1]


async def test_a_database_that_is_away_holds_the_cursor(desk: Desk, records: Records) -> None:
    """Nothing is skipped: the same portion is committed when it is back."""
    records.calls("answered")
    bridge = await Bridge(desk, records.folder).start()
    with database_away(desk):
        for _ in range(3):
            with pytest.raises(DatabaseAway):
                await bridge.journal.step()
    assert await rows(desk, JournalCursor.records) == []
    await bridge.read()
    await bridge.stop()
    assert len(await rows(desk, Conversation.call_id)) == 1
    [cursor] = await rows(desk, JournalCursor)
    assert cursor.records == len(lines("answered"))


async def test_facts_and_cursor_are_one_transaction(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor that cannot be written takes the calls back with it."""
    records.calls("answered")
    bridge = await Bridge(desk, records.folder).start()

    def broken(*_: Any) -> None:
        raise DatabaseAway("in the middle")

    monkeypatch.setattr(intake_journal._Keep, "__call__", broken)
    with pytest.raises(DatabaseAway):
        await bridge.journal.step()
    assert await rows(desk, Conversation.call_id) == []
    monkeypatch.undo()
    await bridge.read()
    await bridge.stop()
    assert len(await rows(desk, Conversation.call_id)) == 1


async def test_rejects_are_kept_once_and_counted(desk: Desk, records: Records) -> None:
    """They stop nothing; a record cut short is used and shown."""
    records.write(b"nonsense", b'{"eventtype":"CHAN_START","eventtime":1,"uniqueid":"x",'
                               b'"linkedid":"x","system":"another"}')  # fmt: skip
    records.calls("abandoned")
    bridge = await Bridge(desk, records.folder).start()
    await bridge.read()
    await bridge.stop()
    found = await rows(desk, JournalReject.reason, JournalReject.position)
    assert sorted(tuple(each) for each in found) == [("another system", 9), ("not JSON", 0)]
    assert len(await rows(desk, Conversation.call_id)) == 1
    [cursor] = await rows(desk, JournalCursor.rejects)
    assert cursor.rejects == 2


async def test_live_facts_that_were_refused_are_brought_back(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full queue drops what is heard live; the journal finds the call."""
    monkeypatch.setattr("service_desk.intake.MOST_WAITING", 0)
    bridge = await Bridge(desk, records.folder).start()
    await bridge.hear(*heard("answered"))
    assert bridge.intake.lost > 0
    assert await rows(desk, Conversation.call_id) == []
    records.calls("answered")
    await bridge.read()
    await bridge.stop()
    assert len(await rows(desk, Case.id)) == 1


async def test_the_hash_sees_a_difference_and_no_row_numbers(desk: Desk, records: Records) -> None:
    """The same calls after other cases had numbers: equal; one second more: not."""
    records.calls("answered")
    bridge = await Bridge(desk, records.folder).start()
    await bridge.read()
    await bridge.stop()
    first = await state_hash(desk)
    await wipe(desk)
    async with desk.engine.begin() as connection:
        made = await connection.execute(
            insert(Case),
            {"year": 2026, "opened_at": desk.clock.now(), "kind": "call", "opened_by_call_id": "x"},
        )
        await connection.execute(
            Case.__table__.delete().where(Case.id == made.inserted_primary_key[0])
        )
    again = await Bridge(desk, records.folder).start()
    await again.read()
    await again.stop()
    assert await state_hash(desk) == first
    async with desk.engine.begin() as connection:
        await connection.execute(Conversation.__table__.update().values(waited=99.0))
    assert await state_hash(desk) != first


@pytest.mark.parametrize("ahead", [False, True])
async def test_a_call_that_the_database_refuses_stops_no_other(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch, ahead: bool
) -> None:
    """It is counted as lost and kept aside, which are alarms; the cursor goes on."""
    if ahead:
        records.in_files("rejected", "answered", "abandoned")
        Ahead(monkeypatch, "good")
    else:
        records.calls("rejected", "answered", "abandoned")
    bridge = await Bridge(desk, records.folder).start()
    write = bridge.intake.write
    bad = heard("answered")[0].call_id
    stories: set[str] = set()

    async def refusing(batch: Any, also: Any = None, foretold: Any = None) -> dict[str, bool]:
        stories.update(foretold or ())
        if bad in (foretold or ()) or any(fact.call_id == bad for _, fact in batch):
            raise ValueError("no such value")
        return await write(batch, also, foretold)

    monkeypatch.setattr(bridge.intake, "write", refusing)
    while await bridge.journal.step(0 if ahead else 1 << 20):
        pass
    await bridge.stop()
    assert (bad in stories) is ahead
    assert len(await rows(desk, Conversation.call_id)) == 2
    assert bridge.intake.lost == bridge.journal.tally.refused > 0
    [aside] = await rows(desk, JournalReject.file, JournalReject.reason, JournalReject.used)
    assert tuple(aside) == (f"call {bad}", "not understood", False)
    [cursor] = await rows(desk, JournalCursor.records)
    assert cursor.records == sum(len(lines(each)) for each in ("rejected", "answered", "abandoned"))


async def test_a_portion_that_cannot_be_prepared_is_read_again(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader was past it already: what was never committed would be missing for ever."""
    records.calls("rejected", "answered")
    bridge = await Bridge(desk, records.folder).start()

    def failing(_: object) -> object:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(intake_journal, "ready", failing)
        with pytest.raises(MemoryError):
            await bridge.journal.step(1 << 20)
    assert bridge.journal.reader.cursor == {}
    await bridge.read()
    await bridge.stop()
    assert len(await rows(desk, Conversation.call_id)) == 2


async def test_a_call_that_cannot_be_folded_ahead_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever writes gets its facts, and puts it aside alone."""
    facts = [fact for name in ("rejected", "answered") for fact in journal_facts(name)]
    bad = journal_facts("answered")[0].call_id
    told = journal_ahead.fold

    def failing(call_id: str, *args: Any) -> Story:
        if call_id == bad:
            raise IndexError
        return told(call_id, *args)

    monkeypatch.setattr(journal_ahead, "fold", failing)
    portion = Portion(system=SYSTEM, facts=facts, cursor={}, state=b"")
    what = journal_ahead.ready(journal_ahead.foretell(encoded(portion), "DE"))
    assert {fact.call_id for _, fact in what.facts} == {bad}
    assert len(what.foretold) == 1
    assert len(what.everything()) == len(facts)


async def test_channels_interleaved_otherwise_are_the_same_calls_and_cases(
    desk: Desk, records: Records
) -> None:
    """Every recorded kind, the channels of each call in another order in the file."""
    later(desk)
    hashes = set()
    for seed in range(4):
        records.file.unlink(missing_ok=True)
        for name in sorted(CEL_NAMES, key=lambda name: records_of(name)[0].eventtime):
            told = lines(name)
            records.write(*(shuffled(told, random.Random(seed)) if seed else told))
        bridge = await Bridge(desk, records.folder).start()
        await bridge.read(most=30_000 * (seed + 1))
        await bridge.stop()
        hashes.add(await state_hash(desk))
        await wipe(desk)
    assert len(hashes) == 1


class Ahead:
    """Counts who reads ahead: may be of no use, speak another language, or be behind its owner."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
        self.started = 0
        self.good = how != "no process"
        self._start = ReadAhead.start
        if how == "unreadable":
            monkeypatch.setattr(journal_ahead, "_foretold", msgspec.msgpack.Decoder(int))
        late = property(lambda _: how == "late", lambda _, __: None)
        monkeypatch.setattr(ReadAhead, "late", late, raising=False)
        monkeypatch.setattr(intake_journal.ReadAhead, "start", self)
        monkeypatch.setattr(intake_journal, "FAR_BEHIND", 1)
        monkeypatch.setattr(intake_journal, "LARGE", 1)  # a file is a portion
        monkeypatch.setattr(intake_journal, "MOST_BYTES", 1)

    async def __call__(self, *of: Any) -> ReadAhead:
        self.started += 1
        if not self.good:
            raise OSError("no process")
        return await self._start(*of)


@pytest.mark.parametrize("how", ["good", "late", "unreadable", "no process"])
async def test_far_behind_another_process_reads_ahead(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The same as read alone; alone, if that process is of no use. It is there for no longer."""
    records.in_files(*KINDS)
    ahead = Ahead(monkeypatch, how)
    folded: list[str] = []

    def counted(call_id: str, *of: Any) -> Story:
        folded.append(call_id)
        return fold(call_id, *of)

    monkeypatch.setattr(intake_write, "fold", counted)
    one = await Bridge(desk, records.folder).start()
    while await one.journal.step():
        pass
    assert one.journal._ahead is None
    # That process says what a call is, but for the first portion, which is read alone, and but for
    # the last ones if it is behind: some had been asked for before.
    calls = len(await rows(desk, Conversation.call_id))
    assert (len(folded) < calls / 2) is (how == "good")
    await one.stop()
    far = await state_hash(desk)
    assert ahead.started == 1
    monkeypatch.undo()
    await wipe(desk)
    two = await Bridge(desk, records.folder).start()
    await two.read()
    assert one.journal.reader.place() == two.journal.reader.place()
    await two.stop()
    assert await state_hash(desk) == far


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
async def test_what_was_heard_of_a_call_counts_with_what_is_foretold(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch, part: float
) -> None:
    """Of some calls nothing, half or all was heard; the database is away before each portion."""
    known = {name: heard(name) for name in KINDS}
    facts = [fact for told in known.values() for fact in told[: round(part * len(told))]]

    async def both(*, away: bool) -> str:
        bridge = await Bridge(desk, records.folder).start()
        await bridge.hear(*facts)
        more = True
        while more:
            if away:
                with database_away(desk), contextlib.suppress(DatabaseAway):
                    await bridge.journal.step()
            more = await bridge.journal.step()
        await bridge.stop()
        return await state_hash(desk)

    records.in_files(*KINDS)
    expected = await both(away=False)
    await wipe(desk)
    ahead = Ahead(monkeypatch, "good")
    assert await both(away=True) == expected
    assert ahead.started == 1


@pytest.mark.parametrize("name", CEL_NAMES)
async def test_what_is_foretold_of_a_call_is_what_its_facts_say(tmp_path: Path, name: str) -> None:
    """Sent from one process to the other, the stories are the same to the last value, and no fact
    is left out; what cannot be read is told, for its facts are in it."""
    (tmp_path / "cel.json").write_bytes(b"".join(line + b"\n" for line in lines(name)))
    portion = JournalReader(Journal(tmp_path, SYSTEM), EXTENSIONS).next()
    assert portion is not None
    sent = journal_ahead.ready(journal_ahead.foretell(encoded(portion), "DE"))
    facts = [packed(fact) for fact in portion.facts]
    merged = any(isinstance(fact, CallMerged) for fact in portion.facts)
    assert sent.foretold or merged
    for call_id, each in sent.foretold.items():
        own = {encoded: fact for encoded, fact in facts if fact.call_id == call_id}
        assert unpack(each.packed) == own
        assert each.facts == len(own)
        assert each.began is any(isinstance(fact, CallArrived) for fact in own.values())
        assert each.story == fold(call_id, own, "DE")
    assert dict(sent.everything()) == dict(facts)
    with pytest.raises(AheadError):
        journal_ahead.foretold(b"of another version")


async def test_what_was_read_ahead_is_left_when_channels_are_lost(
    desk: Desk, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows nothing of that: the reading goes on from what was committed."""
    records.in_files(*KINDS)
    Ahead(monkeypatch, "good")
    bridge = await Bridge(desk, records.folder).start()
    for _ in range(3):  # one call, and half of the next
        await bridge.journal.step()
    assert bridge.journal._ahead is not None
    committed = await Bridge(desk, records.folder).start()
    open_legs = committed.journal.reader.open_legs()
    await committed.stop()
    assert open_legs
    await bridge.journal.lose(sorted(open_legs), heard("answered")[-1].at)
    assert bridge.journal._ahead is None
    while await bridge.journal.step():
        pass
    await bridge.journal.close()
    await bridge.stop()
    assert len(await rows(desk, Case.id)) == len(KINDS)


async def test_a_portion_that_waits_for_the_database_is_not_forgotten_for_lost_channels(
    desk: Desk, records: Records
) -> None:
    """It is written first: its records are read no second time."""
    records.calls("answered")
    bridge = await Bridge(desk, records.folder).start()
    with database_away(desk), pytest.raises(DatabaseAway):
        await bridge.journal.step()
    await bridge.journal.lose([], heard("answered")[-1].at)
    await bridge.read()
    await bridge.stop()
    assert len(await rows(desk, Case.id)) == 1

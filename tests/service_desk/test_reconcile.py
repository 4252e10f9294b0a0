"""Records against cases: repaired where it is certain, an alarm where it is not."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cti.call_details import parse_detail
from cti.events import CallFact
from cti.interpret import Interpreter, cel
from cti.journal import Journal
from cti.journal_reader import JournalReader
from cti.journal_records import Record
from service_desk import alarms
from service_desk.actor import SYSTEM as ROBOT
from service_desk.alarms import subjects_on
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.events import AlarmsChanged, DeskEvent
from service_desk.fold_facts import TELLING
from service_desk.intake import Intake
from service_desk.intake_journal import JournalIntake
from service_desk.model import Alarm, Conversation, JournalCursor, Leg
from service_desk.queries.alarms import alarms_by_kind
from service_desk.reconcile import Reconciler
from tests.fakes.ami_recording import EXTENSIONS, recording
from tests.fakes.cel_recording import SYSTEM, lines, records


class House:
    """One Asterisk's folders, and the process that compares them with the tables."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk = desk
        self.folder = folder
        self.channels: Collection[str] | None = ()
        self.booted: datetime | None = None
        for name in ("records", "cdr-csv"):
            (folder / name).mkdir()
        clock = desk.clock
        assert isinstance(clock, HandClock)
        self.clock = clock
        # Some minutes after the recorded calls, whenever these were recorded.
        self.at(records("answered")[-1].at + timedelta(minutes=10))
        self.intake = Intake(desk)
        self.writes = False

    def at(self, when: Any) -> None:
        self.clock.advance((when - self.clock.now()).total_seconds())

    async def start(self) -> None:
        if not self.writes:  # a second process of ours compares; the same one writes
            await self.intake.start()
            self.writes = True
        reader = JournalReader(Journal(self.folder / "records", SYSTEM), EXTENSIONS)
        journal = JournalIntake(self.desk, self.intake, reader)
        await journal.load()
        details = Journal(self.folder / "cdr-csv", SYSTEM, "Master.csv", parse=parse_detail)
        self.reconciler = Reconciler(
            self.desk,
            journal,
            details,
            channels=lambda: self.channels,
            booted=lambda: self.booted,
        )

    async def hear(self, *facts: CallFact) -> None:
        for fact in facts:
            self.intake.take(fact)
        await self.intake.settled()

    async def rounds(self, many: int = 2) -> None:
        for _ in range(many):
            await self.reconciler.round()
            self.clock.advance(60)

    def write(self, *raw: bytes) -> None:
        with (self.folder / "records" / "cel.json").open("ab") as out:
            out.writelines(each + b"\n" for each in raw)

    def detail(self, uniqueid: str, channel: str = "PJSIP/carrier-00000001") -> None:
        ended = self.clock.now() - timedelta(minutes=5)
        row = [""] * 5 + [channel, "", "Queue", "support"]
        row += [f"{ended - timedelta(minutes=1):%F %T}"] * 2 + [f"{ended:%F %T}"]
        row += ["1", "1", "ANSWERED", "DOCUMENTATION", uniqueid, ""]
        with (self.folder / "cdr-csv" / "Master.csv").open("a") as out:
            out.write(",".join(f'"{each}"' for each in row) + "\n")

    async def on(self) -> list[tuple[str, str]]:
        return [(each.kind, each.about) for each in await subjects_on(self.desk, SYSTEM)]


@pytest.fixture
async def house(desk: Desk, tmp_path: Path) -> Any:
    made = House(desk, tmp_path)
    await made.start()
    yield made
    await made.intake.stop()


def heard(name: str, upto: int | None = None) -> list[CallFact]:
    by = Interpreter(SYSTEM, EXTENSIONS)
    facts = [fact for message in recording(name).messages for fact in by.feed(message)]
    return [fact for fact in facts if isinstance(fact, TELLING)][:upto]


async def calls(desk: Desk) -> list[Any]:
    return await desk.fetch(lambda connection: list(connection.execute(select(Conversation)).all()))


async def test_all_in_order_is_no_alarm(house: House) -> None:
    """A call that both witnesses and the live side know."""
    await house.hear(*heard("answered"))
    house.write(*lines("answered"))
    house.detail(records("answered")[0].uniqueid)
    await house.rounds(4)
    assert await house.on() == []
    assert house.reconciler.journal.tally.repaired == 0


async def test_a_call_that_went_on_in_the_journal_alone_is_ended_after_two_rounds(
    house: House,
) -> None:
    """Asterisk was killed: it has no such channel and wrote no end."""
    house.write(*lines("answered")[:8])
    await house.rounds(1)
    assert await calls(house.desk) == []  # told when it has ended, or after some minutes
    await house.rounds(1)
    [row] = await calls(house.desk)
    assert row.outcome == "lost"
    assert row.ended_at == records("answered")[7].at
    assert await house.on() == []


@pytest.mark.parametrize("when", ["later", "in the very second of its beginning"])
async def test_a_call_that_went_on_before_asterisk_was_started_is_lost_with_the_cause(
    house: House, when: str
) -> None:
    """Asterisk tells its start in whole seconds."""
    told = records("answered")
    house.booted = told[7].at + timedelta(seconds=30)
    if when != "later":
        house.booted = told[0].at.replace(microsecond=0)
    house.write(*lines("answered")[:8])
    await house.rounds(1)
    [row] = await calls(house.desk)
    assert (row.outcome, row.ended_by) == ("lost", "asterisk")
    assert row.ended_at is not None
    if when == "later":
        assert row.ended_at <= house.booted + timedelta(seconds=1)
    legs = await house.desk.fetch(lambda c: list(c.scalars(select(Leg.ended_by))))
    assert set(legs) == {"asterisk"}


async def test_a_call_that_asterisk_still_has_is_not_lost(house: House) -> None:
    house.write(*lines("answered")[:8])
    house.channels = {record.uniqueid for record in records("answered")}
    await house.rounds(3)
    assert len(house.reconciler.journal.reader.open_legs()) == 2
    assert await house.on() == []
    house.write(*lines("answered")[8:])
    await house.rounds(1)
    [row] = await calls(house.desk)
    assert row.outcome == "answered"


async def test_while_the_link_is_down_nothing_is_concluded(house: House) -> None:
    house.write(*lines("answered")[:8])
    house.channels = None
    await house.rounds(3)
    assert len(house.reconciler.journal.reader.open_legs()) == 2
    assert await house.on() == []


async def test_the_real_end_comes_after_the_call_was_held_for_lost(house: House) -> None:
    """Records that were late (a disk that was full): what is written counts."""
    told = lines("answered")
    house.write(*told[:8])
    await house.rounds(2)
    await house.hear(*heard("answered"))
    [row] = await calls(house.desk)
    assert row.outcome == "answered"
    house.write(*told[8:])
    await house.rounds(1)
    [row] = await calls(house.desk)
    assert row.outcome == "answered"


async def test_a_call_that_nobody_can_end_is_an_alarm_until_it_ends(
    house: House, told: list[DeskEvent]
) -> None:
    """Heard once, in no record, not in Asterisk."""
    facts = heard("answered")
    await house.hear(*facts[:5])
    await house.rounds(1)
    assert await house.on() == []
    await house.rounds(1)
    assert await house.on() == [(alarms.CALL_WITHOUT_END, facts[0].call_id)]
    assert house.reconciler.alarms[alarms.CALL_WITHOUT_END] == 1
    assert any(isinstance(each, AlarmsChanged) for each in told)
    await house.hear(*facts)
    await house.rounds(1)
    assert await house.on() == []
    rows = await house.desk.fetch(
        lambda connection: list(connection.execute(select(Alarm.cleared_at)).all())
    )
    assert rows[0].cleared_at is not None


async def test_a_detail_without_a_call_is_an_alarm_until_the_call_is_found(house: House) -> None:
    """The records' disk was full, the bridge down: only the second witness knows."""
    uniqueid = records("answered")[0].uniqueid
    house.detail(uniqueid)
    await house.rounds(2)
    assert await house.on() == [(alarms.DETAIL_WITHOUT_CALL, uniqueid)]
    house.write(*lines("answered"))
    house.detail(uniqueid)
    await house.rounds(2)
    assert await house.on() == []


async def test_a_line_that_nobody_can_read_is_an_alarm_for_a_day(house: House) -> None:
    """Kept aside, counted and shown; a record whose head told all that matters is none."""
    told = lines("answered")
    cut = told[1].rstrip()[:-2] + b"x" * 1000
    house.write(b"garbage", told[0], cut, *told[2:])
    house.detail(records("answered")[0].uniqueid)
    await house.rounds(2)
    [(kind, _)] = await house.on()
    assert kind == alarms.RECORDS_ASIDE
    [on] = await alarms_by_kind(house.desk, SYSTEM)
    assert (on.kind, on.count, on.newest[0].data) == (kind, 1, {"reason": "not JSON"})
    assert on.newest[0].case_number is None
    house.clock.advance(86_400)
    await house.rounds(1)
    assert await house.on() == []


async def test_however_many_lines_are_bad_there_is_one_alarm_a_kind(house: House) -> None:
    """Who calls with a forged line in a name raises no alarm a call."""
    house.write(*(b"garbage %d" % each for each in range(300)), b'{"eventtype":"X"}')
    await house.rounds(2)
    kind = alarms.RECORDS_ASIDE
    assert await house.on() == [(kind, "not JSON"), (kind, "unknown kind")]
    assert house.reconciler.journal.tally.rejected == 301


async def test_a_call_that_cannot_be_understood_is_an_alarm_and_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = records("abandoned")[0].uniqueid
    queued = cel.TABLE["APP_START"]

    def failing(by: cel.CelInterpreter, record: Record, *more: Any) -> None:
        if record.uniqueid == bad:
            raise ZeroDivisionError
        queued(by, record, *more)

    monkeypatch.setitem(cel.TABLE, "APP_START", failing)
    house.write(*lines("abandoned"), *lines("answered"))
    for name in ("abandoned", "answered"):
        house.detail(records(name)[0].uniqueid)
    await house.rounds(2)
    assert await house.on() == [(alarms.RECORDS_ASIDE, "not understood")]
    found = await calls(house.desk)
    assert sorted(call.outcome for call in found) == ["abandoned", "answered"]


async def test_alarms_are_told_by_kind_the_newest_with_their_cases(house: House) -> None:
    await house.hear(*heard("answered"))
    [call] = await calls(house.desk)
    async with house.desk.write(by=ROBOT) as unit:
        about = {f"{number}.wav": {"call_id": call.call_id} for number in range(30)}
        await alarms.raise_alarms(unit, SYSTEM, alarms.RECORDING_MISSING, about)
    began = house.clock.now()
    house.clock.advance(60)
    async with house.desk.write(by=ROBOT) as unit:
        await alarms.raise_alarms(unit, SYSTEM, alarms.CALL_WITHOUT_DETAIL, {call.call_id: {}})
        await alarms.raise_alarms(unit, "another", alarms.DISK_FULL, {"data": {}})
    last, first = await alarms_by_kind(house.desk, SYSTEM)
    assert (last.kind, last.count) == (alarms.CALL_WITHOUT_DETAIL, 1)
    assert (first.kind, first.count, first.since) == (alarms.RECORDING_MISSING, 30, began)
    assert (len(first.newest), first.newest[0].about) == (20, "29.wav")
    number = f"C-{call.arrived_at.year}-{call.case_id:06d}"
    assert {each.case_number for each in (*last.newest, *first.newest)} == {number}


async def test_asterisks_own_plumbing_is_nobodys_call(house: House) -> None:
    house.detail("x-1", "Local/102@ringdesk-transfer-00000000;2")
    await house.rounds(2)
    assert await house.on() == []


async def test_a_detail_of_a_moment_ago_waits_a_round(house: House) -> None:
    """The live side may not have written the call yet."""
    house.at(house.clock.now() - timedelta(minutes=5) + timedelta(seconds=5))
    house.detail("y-1")
    house.at(house.clock.now() - timedelta(minutes=5) + timedelta(seconds=5))
    await house.rounds(1)
    assert await house.on() == []
    await house.rounds(1)
    assert await house.on() == [(alarms.DETAIL_WITHOUT_CALL, "y-1")]


async def test_a_call_without_a_detail_is_an_alarm(house: House) -> None:
    """Seen since we watch, ended some minutes ago, and Asterisk's CDRs say nothing of it."""
    house.at(records("answered")[0].at - timedelta(minutes=1))
    again = House.__new__(House)
    again.__dict__ |= house.__dict__
    await again.start()
    await again.hear(*heard("answered"))
    again.at(records("answered")[-1].at + timedelta(minutes=1))
    await again.rounds(1)
    assert await again.on() == []
    await again.rounds(2)
    assert await again.on() == [(alarms.CALL_WITHOUT_DETAIL, heard("answered")[0].call_id)]


async def test_details_are_read_once(house: House) -> None:
    """A second process goes on where the first compared to."""
    house.detail("z-1")
    await house.rounds(2)
    await house.start()
    await house.rounds(2)
    rows = await house.desk.fetch(
        lambda connection: list(
            connection.execute(
                select(JournalCursor.records).where(JournalCursor.kind == "cdr")
            ).all()
        )
    )
    assert [row.records for row in rows] == [1]

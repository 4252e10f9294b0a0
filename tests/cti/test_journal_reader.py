"""The journal as facts: a call is told when it has ended, also across a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from cti.events import CallArrived, CallEnded, CallFact
from cti.interpret.gather import LONG
from cti.journal import Journal
from cti.journal_reader import JournalReader, Portion
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import CEL_NAMES, SYSTEM, journal_facts, lines, records


class Files:
    """A folder of records, read by readers that follow each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cursor: dict[str, int] = {}
        self.state = b""

    def write(self, *raw: bytes) -> None:
        with (self.folder / "cel.json").open("ab") as out:
            out.writelines(each + b"\n" for each in raw)

    def reader(self) -> JournalReader:
        made = JournalReader(Journal(self.folder, SYSTEM), EXTENSIONS)
        made.restore(self.cursor, self.state)
        return made

    def read(self, by: JournalReader) -> list[CallFact]:
        portion = by.next()
        return [] if portion is None else self.committed(portion)

    def committed(self, portion: Portion) -> list[CallFact]:
        self.cursor, self.state = portion.cursor, portion.state
        return portion.facts


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize("name", CEL_NAMES)
def test_a_call_is_told_at_its_end_and_whole(files: Files, name: str) -> None:
    told = lines(name)
    reader = files.reader()
    files.write(*told[:-4])
    before = files.read(reader)
    assert len(before) + len(reader.going_on()) > 0
    files.write(*told[-4:])
    facts = [*before, *files.read(reader)]
    assert sorted(map(repr, facts)) == sorted(map(repr, journal_facts(name)))
    assert reader.going_on() == []


def test_a_restart_in_the_middle_of_a_call_loses_none_of_it(files: Files) -> None:
    """A reader after each record; and the files of what was read are gone."""
    facts: list[CallFact] = []
    for number, each in enumerate(lines("attended_to_agent")):
        files.write(each)
        facts += files.read(files.reader())
        (files.folder / "cel.json").rename(files.folder / f"gone-{number}")
    assert facts == journal_facts("attended_to_agent")


def test_a_call_that_goes_on_for_long_is_told_meanwhile(files: Files) -> None:
    """A caller who waits for ever is a case all the same."""
    begun = [record for record in lines("answered") if b"CHAN_START" in record][:1]
    files.write(*begun)
    reader = files.reader()
    assert files.read(reader) == []
    late = records("answered")[0].eventtime + LONG + 60
    files.write(
        f'{{"eventtype":"CHAN_START","eventtime":{late},"uniqueid":"x","linkedid":"x"}}'.encode()
    )
    [arrived, _] = files.read(reader)
    assert isinstance(arrived, CallArrived)


def test_channels_that_vanished_are_told_with_what_was_held(files: Files) -> None:
    files.write(*lines("answered")[:8])
    reader = files.reader()
    assert files.read(reader) == []
    facts = files.committed(reader.lose(list(reader.open_legs()), records("answered")[7].at))
    assert isinstance(facts[0], CallArrived)
    assert isinstance(facts[-1], CallEnded)
    assert facts[-1].lost
    assert files.reader().open_legs() == {}


def test_a_state_that_nobody_can_read_is_as_none(files: Files) -> None:
    files.state = b"\xc1 of a newer program"
    reader = files.reader()
    files.write(*lines("answered"))
    assert files.read(reader) == journal_facts("answered")

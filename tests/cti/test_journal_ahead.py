"""A process that reads the journal ahead tells what a reader alone would tell."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from msgspec import structs

from cti.journal import Journal
from cti.journal_ahead import AheadError, ReadAhead
from cti.journal_reader import Encoded, JournalReader, Portion, encoded
from service_desk import journal_ahead
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import SYSTEM, lines

KINDS = ("answered", "rejected", "attended_to_agent", "overflow")
SMALL = 1  # byte: a portion is what is left of one file, up to 64 KiB


@pytest.fixture
def reader(tmp_path: Path) -> JournalReader:
    """Every call lies in two files, and so in two portions."""
    parts = [part for name in KINDS for told in (lines(name),) for part in (told[:7], told[7:])]
    for place, part in enumerate([*parts, [b"nonsense"]]):
        file = tmp_path / f"cel.json.{place}"
        file.write_bytes(b"".join(line + b"\n" for line in part))
        os.utime(file, (place, place))
    return JournalReader(Journal(tmp_path, SYSTEM), EXTENSIONS)


def more_of(what: Encoded) -> tuple[Portion, bool]:
    facts = [fact for _, fact in journal_ahead.ready(what).everything()]
    return structs.replace(what.portion, facts=facts), bool(what.instead)


def as_it_is(what: Encoded) -> Portion:
    assert what == encoded(what.portion)
    return what.portion


def alone(reader: JournalReader) -> list[Portion]:
    found = []
    while (portion := reader.next(SMALL)) is not None:
        found.append(portion)
    return found


async def to_the_end(ahead: ReadAhead[Portion]) -> list[Portion]:
    found = []
    while (portion := await ahead.next()) is not None:
        found.append(portion)
    return found


async def ahead_of(reader: JournalReader) -> list[Portion]:
    ahead = await ReadAhead.start(reader, SMALL, as_it_is)
    found = await to_the_end(ahead)
    await ahead.stop()
    return found


async def test_it_tells_the_same_portions(reader: JournalReader) -> None:
    """From the beginning, and on from where another stopped in the middle of a call."""
    told = await ahead_of(reader)
    expected = alone(reader)
    assert len(expected) > 5
    assert sum(portion.rejected for portion in told) == 1
    assert told == expected
    reader.restore(expected[2].cursor, expected[2].state)
    assert await ahead_of(reader) == expected[3:]


async def test_a_module_above_may_make_something_of_a_portion(reader: JournalReader) -> None:
    """Until it is asked not to; what it has been asked for before comes as it was asked for."""
    ahead = await ReadAhead.start(reader, SMALL, more_of, ("service_desk.journal_ahead", "DE"))
    found = []
    while (each := await ahead.next(more=not found)) is not None:
        found.append(each)
    await ahead.stop()
    made = [more for _, more in found]
    asked_before = made.index(False)
    assert 3 <= asked_before <= 4  # one more may be on its way
    assert not any(made[asked_before:])
    assert [portion for portion, _ in found] == alone(reader)


async def test_it_is_known_whether_it_is_behind(reader: JournalReader) -> None:
    """Whoever waits for a portion learns that; one that has come meanwhile was not waited for."""
    ahead = await ReadAhead.start(reader, SMALL, as_it_is)
    assert await ahead.next() is not None
    assert ahead.late  # asked at once: it had not even begun
    await ahead._coming
    assert await ahead.next() is not None
    assert not ahead.late
    await ahead.stop()


async def test_one_that_is_gone_says_so_and_can_be_stopped(reader: JournalReader) -> None:
    ahead = await ReadAhead.start(reader, SMALL, as_it_is)
    assert await ahead.next() is not None
    os.kill(ahead._process.pid, signal.SIGKILL)
    with pytest.raises(AheadError):
        await to_the_end(ahead)
    await ahead.stop()


async def test_one_that_nobody_asks_any_more_ends(reader: JournalReader) -> None:
    """Ctrl-C is not for it; its owner's end is."""
    ahead = await ReadAhead.start(reader, SMALL, as_it_is)
    assert await ahead.next() is not None
    os.kill(ahead._process.pid, signal.SIGINT)
    assert await ahead.next() is not None
    await ahead.stop()
    assert ahead._process.returncode == 0

"""Line 22: whatever stands in Asterisk's records, the calls around it have their cases."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from bench.roots import pieces_of
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE: Final = 8.0
EACH: Final = 12  # lines between two that are damaged
GARBAGE: Final = (
    b"garbage\n",
    b"\xff\xfe\x00\x00\n",
    b'{"system":"floor","eventtype":"HANGUP"}\n',
    b'"another-pbx","HANGUP","1.5","","x.1","x.1","PJSIP/x-1","","","","","","","",""\n',
    b'"floor","HANGUP","-1","","x.1","x.1","PJSIP/x-1","","","","","","","",""\n',
    b'"' * 70_000 + b"\n",
    b"[" * 50_000 + b"\n",
)
ALARMED: Final = "SELECT about FROM alarm WHERE kind = 'records_aside' AND cleared_at IS NULL"
Damage = Callable[[list[bytes], random.Random], list[bytes]]


def between(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """What is no record at all, between those that are."""
    told = []
    for number, line in enumerate(lines):
        told.append(line)
        if number % EACH == 0:
            told.append(chance.choice(GARBAGE))
    return told


def lost(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """A line in so many is gone, or torn with the next one glued to it."""
    told = []
    for line in lines:
        if chance.randrange(EACH):
            told.append(line)
        elif chance.randrange(2):
            told.append(line[: chance.randrange(1, len(line) - 1)])
    return told


def doubled(lines: list[bytes], chance: random.Random) -> list[bytes]:
    """Parts of the file are there twice."""
    told = []
    for begin in range(0, len(lines), EACH):
        part = lines[begin : begin + EACH]
        told += part + part[chance.randrange(EACH) :]
    return told


def set_back(lines: list[bytes], _: random.Random) -> list[bytes]:
    """The newest records of each file are earlier than those before, by little and little."""
    told = []
    for number, line in enumerate(lines):
        parts = line.split(b'","')
        if number > len(lines) * 3 // 4:
            parts[2] = b"%.6f" % (float(parts[2]) - 4.0 * (number % 3))
        told.append(b'","'.join(parts))
    return told


def spoil(file: Path, damage: Damage) -> None:
    lines = list(pieces_of(file.read_bytes()))
    # The first line is what a file is known by; none of it was read yet.
    spoilt = [lines[0], *damage(lines[1:], random.Random(7))]
    other = file.with_suffix(".spoilt")
    other.write_bytes(b"".join(spoilt))
    other.replace(file)


@pytest.mark.parametrize("damage", [between, lost, doubled, set_back], ids=lambda d: d.__name__)
async def test_records_that_nobody_can_read_cost_no_other_call(
    floor: Floor, check: Check, damage: Damage
) -> None:
    """Calls come and go while we are down, and their records are spoilt before we start."""
    check.of(22, f"records are unreadable: {damage.__name__.replace('_', ' ')}")
    await floor.stop_by(SIGKILL)
    [*_, current] = floor.record_files() or [None]
    if current is not None:  # what was read before stays as it is
        current.rename(current.with_name(f"cel-test-{floor.made}.csv"))
    floor.call(length(40, 1_000), RATE, talk=1.0)
    sipp = await floor.counted()
    [*_, current] = floor.record_files()
    await asyncio.to_thread(spoil, current, damage)
    await floor.start_again()
    tally = await floor.tally(sipp, spoilt=True)
    check.count(tally)
    assert tally.sipp.failed == 0
    assert tally.one_each, tally
    assert not tally.open, tally
    await until(floor.journal_left, lambda left: left == 0, seconds=60.0)
    if damage is between:
        alarmed = await until(lambda: floor.ask(ALARMED), bool, seconds=90.0)
        assert {row[0] for row in alarmed} >= {"no record", "another system", "not quoted"}
    await floor.agents_agree()

"""Asterisk's own records of the recorded calls (tests/recordings/*.cel), as it wrote them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

from cti.events import CallFact
from cti.interpret.cel import CelInterpreter
from cti.interpret.gather import in_order
from cti.journal_records import Record, parse
from tests.fakes.ami_recording import EXTENSIONS, FOLDER

SYSTEM = "ringdesk-1"
Told = TypeVar("Told", bytes, Record)
CEL_NAMES = sorted(path.stem for path in FOLDER.glob("*.cel"))


def lines(name: str) -> list[bytes]:
    """The records of one call, line by line."""
    found = (FOLDER / f"{name}.cel").read_bytes().splitlines()
    return [line for line in found if not line.startswith(b"#")]


def records(name: str) -> list[Record]:
    """The same, read, in the order in which they are interpreted."""
    found = [parse(line, SYSTEM) for line in lines(name)]
    assert all(refused is None for _, refused in found)
    return in_order([record for record, _ in found if record is not None])


def shuffled(told: Sequence[Told], chance: random.Random) -> list[Told]:
    """The same with the channels interleaved otherwise: each one's own records in their order."""
    channels: dict[str, list[Told]] = {}
    for each in told:
        record = each if isinstance(each, Record) else parse(each, SYSTEM)[0]
        assert record is not None
        channels.setdefault(record.uniqueid, []).append(each)
    left = [channel[::-1] for channel in channels.values()]
    mixed: list[Told] = []
    while left:
        channel = chance.choice(left)
        mixed.append(channel.pop())
        left = [each for each in left if each]
    return mixed


def journal_facts(name: str, by: CelInterpreter | None = None) -> list[CallFact]:
    """What the journal tells of one call."""
    by = by or CelInterpreter(SYSTEM, EXTENSIONS)
    return [fact for record in records(name) for fact in by.feed(record)]

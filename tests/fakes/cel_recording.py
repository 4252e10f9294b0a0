"""Asterisk's own records of the recorded calls (tests/recordings/*.cel), as it wrote them."""

from __future__ import annotations

from cti.events import CallFact
from cti.interpret.cel import CelInterpreter
from cti.journal_records import Record, parse
from tests.fakes.ami_recording import EXTENSIONS, FOLDER

SYSTEM = "ringdesk-1"
CEL_NAMES = sorted(path.stem for path in FOLDER.glob("*.cel"))


def lines(name: str) -> list[bytes]:
    """The records of one call, line by line."""
    found = (FOLDER / f"{name}.cel").read_bytes().splitlines()
    return [line for line in found if not line.startswith(b"#")]


def records(name: str) -> list[Record]:
    """The same, read."""
    found = [parse(line, SYSTEM) for line in lines(name)]
    assert all(refused is None for _, refused in found)
    return [record for record, _ in found if record is not None]


def journal_facts(name: str, by: CelInterpreter | None = None) -> list[CallFact]:
    """What the journal tells of one call."""
    by = by or CelInterpreter(SYSTEM, EXTENSIONS)
    return [fact for record in records(name) for fact in by.feed(record)]

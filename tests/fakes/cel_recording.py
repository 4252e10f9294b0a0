"""Asterisk's own records of the recorded calls (tests/recordings/*.cel), as it wrote them."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from cti.events import CallFact, CallMerged
from cti.interpret.cel import CelInterpreter
from cti.interpret.gather import in_order
from cti.journal import Batch, Journal, Line
from cti.journal_reader import JournalReader
from cti.journal_records import Record, parse_former
from service_desk.fold import fold
from service_desk.intake import packed
from service_desk.story import Story
from tests.fakes.ami_recording import EXTENSIONS, FOLDER

SYSTEM = "ringdesk-1"
AnyLine = TypeVar("AnyLine", bytes, Record)
CEL_NAMES = sorted(path.stem for path in FOLDER.glob("*.cel"))


def lines(name: str) -> list[bytes]:
    """The records of one call, line by line."""
    found = (FOLDER / f"{name}.cel").read_bytes().splitlines()
    return [line for line in found if not line.startswith(b"#")]


def records(name: str) -> list[Record]:
    """The same, read, in the order in which they are interpreted."""
    found = [parse_former(line, SYSTEM) for line in lines(name)]
    assert all(refused is None for _, refused in found)
    return in_order([record for record, _ in found if record is not None])


def shuffled(told: Sequence[AnyLine], chance: random.Random) -> list[AnyLine]:
    """The same with the channels interleaved otherwise: each one's own records in their order."""
    channels: dict[str, list[AnyLine]] = {}
    for each in told:
        record = each if isinstance(each, Record) else parse_former(each, SYSTEM)[0]
        assert record is not None
        channels.setdefault(record.uniqueid, []).append(each)
    left = [channel[::-1] for channel in channels.values()]
    mixed: list[AnyLine] = []
    while left:
        channel = chance.choice(left)
        mixed.append(channel.pop())
        left = [each for each in left if each]
    return mixed


def journal_facts(name: str, by: CelInterpreter | None = None) -> list[CallFact]:
    """What the journal tells of one call."""
    by = by or CelInterpreter(SYSTEM, EXTENSIONS)
    return [fact for record in records(name) for fact in by.feed(record)]


class Told(Journal):
    """A journal that is no file: these records, in this order, in one portion."""

    def __init__(self, told: Sequence[Record]) -> None:
        super().__init__(FOLDER, SYSTEM)
        self._told = told

    def read(self, cursor: Mapping[str, int], most: int = 0) -> Batch:
        """All of them once, then nothing."""
        if cursor:
            return Batch(cursor=dict(cursor))
        found = [Line(record, "told", place) for place, record in enumerate(self._told)]
        return Batch(cursor={"told": len(found)}, lines=found, bytes=len(found))


def reader_of(told: Sequence[Record]) -> JournalReader:
    """Who reads these."""
    return JournalReader(Told(told), EXTENSIONS)


def facts_of(told: Sequence[Record]) -> list[CallFact]:
    """What a journal of these records tells; what nothing ends is lost, as when it is compared."""
    reader = reader_of(told)
    facts: list[CallFact] = []
    while (portion := reader.next()) is not None:
        assert portion.rejects == []
        facts += portion.facts
    open_legs = reader.open_legs()
    return facts + (reader.lose(open_legs, told[-1].at).facts if open_legs else [])


def stories_of(facts: Sequence[CallFact]) -> dict[str, Story]:
    """The conversations that these facts make, by their id."""
    into: dict[str, str] = {}

    def root(call_id: str) -> str:
        while call_id in into:
            call_id = into[call_id]
        return call_id

    for fact in facts:
        if isinstance(fact, CallMerged) and root(fact.absorbed) != root(fact.call_id):
            into[root(fact.absorbed)] = root(fact.call_id)
    calls: dict[str, list[CallFact]] = {}
    for fact in facts:
        calls.setdefault(root(fact.call_id), []).append(fact)
    return {
        call_id: fold(call_id, dict(packed(fact) for fact in each), "DE")
        for call_id, each in calls.items()
    }


def written(table: str, system: str = SYSTEM) -> list[Record]:
    """Records, a line each: time, type, channel (`1` of call `1`, `1.2` another of it), name, and
    what else is to be said of it as `key=value`."""
    found = []
    for line in filter(None, map(str.strip, table.splitlines())):
        at, kind, channel, name, *more = line.split()
        said = dict(each.split("=", 1) for each in more)
        uniqueid = f"b3059b-{system}-1795353000.{channel}"
        linkedid = f"b3059b-{system}-1795353000.{channel.partition('.')[0]}"
        if bridge := said.pop("bridge", ""):
            said["eventextra"] = f'{{"bridge_id":"{bridge}","bridge_technology":"simple_bridge"}}'
        if kind == "HANGUP":
            cause, _, by = said.pop("cause", "16").partition(",")
            said["eventextra"] = f'{{"hangupcause":{cause},"hangupsource":"{by}"}}'
        if said.pop("rung", ""):
            said |= {"appname": said.get("appname", "AppDial"), "appdata": "(Outgoing Line)"}
        values: dict[str, Any] = {
            "eventtype": kind,
            "uniqueid": uniqueid,
            "channame": name,
            "system": system,
        }
        values |= {"linkedid": linkedid} | said
        found.append(Record(eventtime=1_795_353_000 + float(at), **values))
    return found

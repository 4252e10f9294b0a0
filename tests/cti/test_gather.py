"""A call is the same in whichever order Asterisk's threads wrote of its channels."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cti.events import CallEnded, CallFact, CallQueued
from cti.interpret.gather import LONG, SETTLE, Gathering, in_order
from cti.journal import Journal
from cti.journal_reader import JournalReader
from cti.journal_records import Record, parse_former
from tests.fakes.ami_recording import EXTENSIONS
from tests.fakes.cel_recording import (
    CEL_NAMES,
    SYSTEM,
    journal_facts,
    lines,
    records,
    shuffled,
)


def read(folder: Path, told: Sequence[bytes], most: int = 1 << 20) -> list[CallFact]:
    """The facts of these lines, read in portions of `most` bytes."""
    (folder / "cel.json").write_bytes(b"".join(line + b"\n" for line in told))
    reader = JournalReader(Journal(folder, SYSTEM), EXTENSIONS)
    facts: list[CallFact] = []
    while (portion := reader.next(most)) is not None:
        facts += portion.facts
    assert reader.going_on() == []
    assert reader.open_legs() == {}
    return facts


def gathered(told: Sequence[Record]) -> Gathering:
    by = Gathering(lambda channel: channel[6:9] if channel[6:9] in EXTENSIONS else None)
    for record in told:
        by.add(record)
    return by


def ready(by: Gathering, newest: float, *, all_settled: bool) -> list[Record]:
    return [each for call in by.ready(newest, all_settled=all_settled) for each in call.records]


@pytest.mark.parametrize("name", CEL_NAMES)
def test_one_channel_after_the_other_is_the_same_call(tmp_path: Path, name: str) -> None:
    """All of one channel first, then all of another: as far as the file can be out of order."""
    channels: dict[str, list[bytes]] = {}
    for line in lines(name):
        record, _ = parse_former(line, SYSTEM)
        assert record is not None
        channels.setdefault(record.uniqueid, []).append(line)
    for order in (list(channels.values()), list(reversed(channels.values()))):
        told = [line for channel in order for line in channel]
        assert read(tmp_path, told) == journal_facts(name)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CEL_NAMES), st.randoms(use_true_random=False), st.integers(1, 20_000))
def test_however_the_channels_of_a_call_are_interleaved(
    tmp_path_factory: pytest.TempPathFactory, name: str, chance: random.Random, most: int
) -> None:
    """Any merge of what each channel's thread wrote, read in portions of any size."""
    folder = tmp_path_factory.mktemp("records")
    told = shuffled(lines(name), chance)
    assert read(folder, told, most) == journal_facts(name)


def test_a_late_thread_is_waited_for_at_the_end_of_the_file(tmp_path: Path) -> None:
    """The caller's channel is written to its end before the agent's: read right between them."""
    caller = records("answered")[0].uniqueid.encode()
    own = [line for line in lines("answered") if b'"uniqueid":"' + caller + b'"' in line]
    now = records("answered")[-1].eventtime
    times = [now + SETTLE / 2]
    reader = JournalReader(Journal(tmp_path, SYSTEM), EXTENSIONS, now=lambda: times[-1])
    file = tmp_path / "cel.json"
    file.write_bytes(b"".join(line + b"\n" for line in own))
    portion = reader.next()
    assert portion is not None
    assert portion.facts == []
    with file.open("ab") as out:
        out.writelines(line + b"\n" for line in lines("answered") if line not in own)
    portion = reader.next()
    assert portion is not None
    assert portion.facts == []
    assert reader.next() is None
    times.append(now + 2 * SETTLE)
    portion = reader.next()
    assert portion is not None
    assert (portion.records, portion.facts) == (0, journal_facts("answered"))


def test_what_waits_for_late_threads_outlives_a_restart(tmp_path: Path) -> None:
    now = records("conference")[-1].eventtime
    first = JournalReader(Journal(tmp_path, SYSTEM), EXTENSIONS, now=lambda: now)
    (tmp_path / "cel.json").write_bytes(b"".join(line + b"\n" for line in lines("conference")))
    portion = first.next()
    assert portion is not None
    second = JournalReader(Journal(tmp_path, SYSTEM), EXTENSIONS)
    second.restore(portion.cursor, portion.state)
    again = second.next()
    assert again is not None
    assert portion.facts + again.facts == journal_facts("conference")


def test_a_consultation_waits_for_the_call_it_is_part_of() -> None:
    """Its own channels have ended long before the agent's other call does."""
    told = [record for record in records("consulted") if record.eventtype != "LINKEDID_END"]
    first = told[0].linkedid
    consultation = [record for record in told if record.linkedid != first]
    by = gathered([record for record in told if record not in consultation][:-4])
    for record in consultation:
        by.add(record)
    assert ready(by, consultation[-1].eventtime + 60, all_settled=False) == []
    for record in told[-4:]:
        by.add(record)
    assert ready(by, 0.0, all_settled=True) == told
    assert by.groups == {}


def test_a_call_that_goes_on_for_long_is_told_in_parts() -> None:
    told = [record for record in records("answered") if "END" not in record.eventtype]
    begun = [record for record in told if record.eventtype != "HANGUP"]
    by = gathered(begun)
    assert ready(by, begun[-1].eventtime + 60, all_settled=True) == []
    assert ready(by, begun[0].eventtime + LONG + 1, all_settled=False) == begun
    assert ready(by, begun[0].eventtime + 2 * LONG, all_settled=True) == []
    ends = [record for record in told if record.eventtype == "HANGUP"]
    for record in ends:
        by.add(record)
    assert ready(by, 0.0, all_settled=True) == ends


def test_a_clock_set_back_an_hour_in_a_call_costs_it_no_time_and_adds_none() -> None:
    """What follows goes on from where it was, for every channel, also for one that comes then."""
    plain = records("blind_to_agent")
    [at] = [n for n, each in enumerate(plain) if each.eventtype == "BLINDTRANSFER"]
    told = [
        structs.replace(each, eventtime=each.eventtime - 3600.0) if n >= at else each
        for n, each in enumerate(plain)
    ]
    for seed in range(20):
        mended = in_order(shuffled(told, random.Random(seed)))
        assert [(m.uniqueid, m.eventtype) for m in mended] == [
            (p.uniqueid, p.eventtype) for p in plain
        ]
        # Asterisk itself writes a channel's records some microseconds out of order.
        assert all(a.eventtime < b.eventtime + 0.001 for a, b in pairwise(mended))
        for part in (slice(0, at), slice(at, None)):
            assert length(mended[part]) == pytest.approx(length(plain[part]), abs=0.001)
        assert length(mended[at - 1 : at + 1]) == pytest.approx(0.0, abs=0.001)


def length(told: Sequence[Record]) -> float:
    return told[-1].eventtime - told[0].eventtime


def test_channels_of_no_call_in_common_are_told_apart(tmp_path: Path) -> None:
    """Two callers who are parked side by side, in one waiting room, are two calls."""
    told = lines("answered") + lines("menu_only")
    facts = read(tmp_path, told)
    ends = [fact.call_id for fact in facts if isinstance(fact, CallEnded)]
    assert len(set(ends)) == 2
    assert len([fact for fact in facts if isinstance(fact, CallQueued)]) == 1

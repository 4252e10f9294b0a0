"""Files of records are renamed away and deleted in time, and nothing is lost by it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti.call_details import parse_detail
from cti.journal import Journal
from cti.journal_rotate import rotate

DAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WEEK = timedelta(days=7)


def line(number: int, at: datetime = DAY) -> bytes:
    return (
        f'{{"eventtype":"CHAN_START","eventtime":{at.timestamp() + number},'
        f'"uniqueid":"{number}","linkedid":"{number}"}}\n'
    ).encode()


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, "ringdesk-1")


def names(journal: Journal) -> list[str]:
    return sorted(path.name for path in journal.folder.iterdir())


def test_a_file_of_today_that_is_small_stays(journal: Journal) -> None:
    (journal.folder / "cel.json").write_bytes(line(0))
    assert rotate(journal, {}, now=DAY, keep=WEEK) == []
    assert names(journal) == ["cel.json"]


def test_a_large_file_is_renamed_and_read_on(journal: Journal) -> None:
    file = journal.folder / "cel.json"
    file.write_bytes(line(0) + line(1))
    cursor = journal.read({}, 1).cursor
    rotate(journal, cursor, now=DAY, keep=WEEK, most=10)
    assert names(journal) == ["cel-20261121T120000.json"]
    file.write_bytes(line(2))
    rotate(journal, cursor, now=DAY, keep=WEEK, most=10)
    assert names(journal) == ["cel-20261121T120000-1.json", "cel-20261121T120000.json"]
    found = journal.read({})
    assert sorted(each.record.uniqueid for each in found.lines) == ["0", "1", "2"]


def test_a_new_day_begins_a_new_file(journal: Journal) -> None:
    (journal.folder / "cel.json").write_bytes(line(0))
    rotate(journal, {}, now=DAY + timedelta(hours=11, minutes=59), keep=WEEK)
    assert names(journal) == ["cel.json"]
    rotate(journal, {}, now=DAY + timedelta(hours=12), keep=WEEK)
    assert names(journal) == ["cel-20261122T000000.json"]


def test_only_what_was_read_is_deleted_in_time(journal: Journal) -> None:
    """A file that nobody read is kept, however old."""
    for number in (1, 2):
        file = journal.folder / f"cel.json.{number}"
        file.write_bytes(line(number))
        os.utime(file, (DAY.timestamp(), DAY.timestamp()))
    cursor = journal.read({}).cursor
    unread = next(identity for identity in cursor if cursor[identity])
    cursor[unread] -= 1
    assert rotate(journal, cursor, now=DAY + timedelta(days=6), keep=WEEK) == []
    assert len(rotate(journal, cursor, now=DAY + timedelta(days=8), keep=WEEK)) == 1
    assert len(names(journal)) == 1


def test_details_of_calls_are_rotated_alike(tmp_path: Path) -> None:
    details = Journal(tmp_path, "ringdesk-1", "Master.csv", parse=parse_detail)
    (tmp_path / "Master.csv").write_bytes(DETAIL)
    rotate(details, {}, now=DAY, keep=WEEK)
    assert names(details) == ["Master.csv"]
    rotate(details, {}, now=DAY + timedelta(days=1), keep=WEEK)
    assert names(details) == ["Master-20261122T120000.csv"]
    [found] = details.read({}).lines
    assert found.record.uniqueid == "ringdesk-1-1795302989.0"


DETAIL = (
    b'"","+493011387775","pair","ringdesk-queue","""Caller"" <+493011387775>",'
    b'"PJSIP/carrier-00000000","PJSIP/ava-00000001","Queue","pair,,,,600","2026-11-21 11:16:29",'
    b'"2026-11-21 11:16:29","2026-11-21 11:16:39",0,0,"NO ANSWER","DOCUMENTATION",'
    b'"ringdesk-1-1795302989.0",""\n'
)


def test_a_detail_is_read_in_utc() -> None:
    found, refused = parse_detail(DETAIL.rstrip(), "ringdesk-1")
    assert refused is None
    assert found is not None
    assert (found.channel, found.is_plumbing) == ("PJSIP/carrier-00000000", False)
    assert found.ended_at == datetime(2026, 11, 21, 11, 16, 39, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad",
    [b"nonsense", b'"', DETAIL.replace(b"2026-11-21 11:16:39", b"yesterday").rstrip(), b"\xff\xfe"],
)
def test_what_is_no_detail_is_refused(bad: bytes) -> None:
    found, refused = parse_detail(bad, "ringdesk-1")
    assert found is None
    assert refused is not None
    assert refused.reason == "no record"


def test_an_empty_line_is_nothing() -> None:
    assert parse_detail(b"", "ringdesk-1") == (None, None)

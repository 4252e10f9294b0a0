"""Lines of Asterisk's own records: read, mended, or refused with why."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.journal_records import parse_former

SYSTEM = "ringdesk-1"


def line(**said: Any) -> bytes:
    record = {
        "system": SYSTEM,
        "eventtype": "CHAN_START",
        "eventtime": 1795302989.260834,
        "userdeftype": "",
        "uniqueid": "ringdesk-1-1.0",
        "linkedid": "ringdesk-1-1.0",
        "channame": "PJSIP/carrier-00000000",
        "context": "ringdesk-inbound",
        "appname": "",
        "eventextra": "",
        "appdata": "",
        "exten": "1000",
        "num": "+493055501001",
        "name": "Eva",
    } | said
    return json.dumps(record, separators=(",", ":")).encode()


def test_a_record_is_read_with_its_time_in_utc_to_the_microsecond() -> None:
    record, refused = parse_former(line(), SYSTEM)
    assert refused is None
    assert record is not None
    assert record.at == datetime(2026, 11, 21, 23, 16, 29, 260834, tzinfo=UTC)
    assert (record.num, record.name, record.exten) == ("+493055501001", "Eva", "1000")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"nonsense", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b'{"eventtype":"CHAN_START"}', "no record"),
        (b"[1,2]", "no record"),
        (line(eventtime="yesterday"), "no record"),
        (line(eventtime=-5), "no record"),
        (line(eventtime=1e300), "no record"),
        (line(uniqueid=""), "no record"),
        (line(eventtype="WATER_LEVEL"), "unknown kind"),
        (line(system="another-pbx"), "another system"),
        (b"[" * 60_000, "not JSON"),
        (b'{"more":' * 8_000, "not JSON"),
    ],
)
def test_what_is_no_record_of_ours_is_refused_with_why(bad: bytes, reason: str) -> None:
    record, refused = parse_former(bad, SYSTEM)
    assert record is None
    assert refused is not None
    assert (refused.reason, refused.used) == (reason, False)


def test_an_empty_line_is_nothing() -> None:
    assert parse_former(b" \r", SYSTEM) == (None, None)


def test_a_kind_of_the_dialplans_own_is_known_by_its_type() -> None:
    """Asterisk writes what CELGenUserEvent was given as the kind itself."""
    said = line(eventtype="ringdesk-queue", userdeftype="ringdesk-queue")
    record, refused = parse_former(said, SYSTEM)
    assert refused is None
    assert record is not None


def test_a_name_that_is_no_utf8_does_not_lose_the_call() -> None:
    """It is used with the bytes replaced, and put aside to be seen."""
    said = line(name="Zoe").replace(b"Zoe", b"Zo\xe9")
    record, refused = parse_former(said, SYSTEM)
    assert record is not None
    assert record.name == "Zo\ufffd"
    assert refused is not None
    assert (refused.reason, refused.used) == ("not UTF-8", True)


def test_a_record_that_asterisk_cut_still_tells_its_head() -> None:
    """Asterisk 22.10 cuts at 1,024 bytes; what a caller can make long stands last."""
    record, refused = parse_former(line(name="x" * 2_000)[:1_024], SYSTEM)
    assert record is not None
    assert (record.uniqueid, record.num, record.name) == ("ringdesk-1-1.0", "+493055501001", "")
    assert refused is not None
    assert (refused.reason, refused.used) == ("cut short", True)


@pytest.mark.parametrize(("said", "read"), [("a\0b", "a\ufffdb"), ("a\\u0000b", "a\\ufffdb")])
def test_no_text_holds_a_nul(said: str, read: str) -> None:
    """No database takes it; a backslash before it stays one."""
    record, refused = parse_former(line(name=said), SYSTEM)
    assert refused is None
    assert record is not None
    assert record.name == read


def test_a_torn_record_loses_nothing_of_the_one_glued_to_it() -> None:
    whole = line(uniqueid="ringdesk-1-1.7")
    record, refused = parse_former(line()[:100] + whole, SYSTEM)
    assert record is not None
    assert record.uniqueid == "ringdesk-1-1.7"
    assert refused is not None
    assert (refused.reason, refused.used) == ("torn", True)


@pytest.mark.parametrize("extra", ["", "no json", "[1]", '{"a":{"b":1}}', "\ud800"])
def test_extra_that_is_no_object_of_values_is_empty(extra: str) -> None:
    record, _ = parse_former(line(), SYSTEM)
    assert record is not None
    changed = type(record)(**{**_fields(record), "eventextra": extra})
    assert changed.extra() == {}


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


@given(st.binary(max_size=300), st.integers(0, 400))
def test_no_bytes_raise(noise: bytes, place: int) -> None:
    """Whatever stands in a line, alone or within a record."""
    good = line()
    parse_former(noise, SYSTEM)
    parse_former(good[:place] + noise + good[place:], SYSTEM)

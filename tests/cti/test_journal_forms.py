"""Nothing that a caller sends costs a record, changes its head, or makes one up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.call_details import parse_detail
from cti.journal import FORMER, Batch, Journal
from cti.journal_records import VALUES, Record, begins, parse, parse_former

SYSTEM = "ringdesk-1"
MARK = "b3059b-ringdesk-1-1795353028"
HOSTILE = ("exten", "num", "dnid", "name")

# All of Unicode but NUL, which ends a text in C, and surrogates, which no UTF-8 has.
ANY = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
NASTY = st.sampled_from(
    ['"', "\\", "\n", "\r\n", "\t", '",', '","', '\\"', "}", '{"system":"', "x"]
)
FORGED = '\n"ringdesk-1","HANGUP","1795353028.5","","b3059b-ringdesk-1-1795353028.9",""'
AS_JSON = '\n{"system":"ringdesk-1","eventtype":"HANGUP","eventtime":1.5,"uniqueid":"b3059b-1.9"'
TEXT = st.one_of(ANY, st.lists(NASTY, max_size=12).map("".join), st.sampled_from([FORGED, AS_JSON]))


def said(number: int, **hostile: str) -> dict[str, str]:
    return {
        "system": SYSTEM,
        "eventtype": "CHAN_START",
        "eventtime": f"{1795353028 + number}.250000",
        "userdeftype": "",
        "uniqueid": f"{MARK}.{number}",
        "linkedid": f"{MARK}.{number}",
        "channame": f"PJSIP/carrier-{number:08x}",
        "context": "ringdesk-inbound",
        **hostile,
    }


def quoted(record: dict[str, str]) -> bytes:
    """As Asterisk's `dsv` writes it: all values in quotes, quotes within them doubled."""
    values = (record.get(name, "").replace('"', '""') for name in VALUES)
    return ('"' + '","'.join(values) + '"\n').encode()


def as_json(record: dict[str, str]) -> bytes:
    """As Asterisk's `json` writes it: quotes escaped, backslashes and line ends as they are."""
    names = ("system", "eventtype", "eventtime", "userdeftype", "uniqueid", "linkedid", "channame",
             "context", "appname", "eventextra", "appdata", "accountcode", "peer", "exten", "num",
             "ani", "rdnis", "dnid", "name")  # fmt: skip
    told = (
        f'"{name}":{record[name]}'
        if name == "eventtime"
        else f'"{name}":"{record.get(name, "").replace(chr(34), chr(92) + chr(34))}"'
        for name in names
    )
    return ("{" + ",".join(told) + "}\n").encode()


def read(folder: Path, raw: bytes, name: str = "cel.csv", **more: Any) -> Batch:
    for old in folder.iterdir():
        old.unlink()
    (folder / name).write_bytes(raw)
    found = Batch(cursor={})
    journal = Journal(folder, SYSTEM, "cel.csv" if name == FORMER else name, **more)
    while (batch := journal.read(found.cursor)).moved:
        found.cursor = batch.cursor
        found.lines += batch.lines
        found.rejects += batch.rejects
    return found


def told(batch: Batch) -> list[Record]:
    return [line.record for line in batch.lines]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(HOSTILE, TEXT)), min_size=1, max_size=5))
def test_whatever_a_caller_sends_is_read_as_it_was_written(
    folder: Path, calls: list[dict[str, str]]
) -> None:
    batch = read(folder, b"".join(quoted(said(n, **call)) for n, call in enumerate(calls)))
    assert batch.rejects == []
    assert [r.uniqueid for r in told(batch)] == [f"{MARK}.{n}" for n in range(len(calls))]
    for record, call in zip(told(batch), calls, strict=True):
        # One this long is cut there by Asterisk itself.
        if len(quoted(said(0, **call))) < 1_000:
            assert {name: getattr(record, name) for name in HOSTILE} == call


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXT, st.one_of(TEXT, st.integers())), TEXT)
def test_asterisks_own_json_is_read_as_it_was_written(
    folder: Path, extra: dict[str, str | int], name: str
) -> None:
    """The digits of a transfer stand in it, escaped as JSON is."""
    written = json.dumps(extra, separators=(",", ":"))
    [record] = told(read(folder, quoted(said(1, eventextra=written, name=name)) + quoted(said(2))))[
        :1
    ]
    if len(quoted(said(1, eventextra=written, name=name))) < 1_000:
        assert (record.eventextra, record.name) == (written, name)


@pytest.mark.parametrize("field", HOSTILE)
@pytest.mark.parametrize("sent", ['{"}', '{"hangupcause":21}', '{""}', ',"{"a":"b"}",'])
def test_json_of_a_callers_is_not_taken_for_asterisks(folder: Path, field: str, sent: str) -> None:
    """It would say why the call ended, and whose doing that was."""
    [record] = told(read(folder, quoted(said(1, **{field: sent}))))
    assert (getattr(record, field), record.eventextra) == (sent, "")


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(HOSTILE, TEXT)), st.data())
def test_one_that_is_torn_costs_no_other(
    folder: Path, call: dict[str, str], data: st.DataObject
) -> None:
    """A full disk or a crash, and the next record glued to what was written of it."""
    first, torn, next_ = (quoted(said(n, **call)) for n in range(3))
    cut = data.draw(st.integers(1, len(torn) - 2))
    # Within the value of a line end the torn record is whole lines long.
    for glue in (b"", b"\n"):
        found = [r.uniqueid for r in told(read(folder, first + torn[:cut] + glue + next_ + first))]
        assert set(found) <= {f"{MARK}.{n}" for n in range(3)}
        assert found[0] == f"{MARK}.0"
        assert f"{MARK}.2" in found
        assert found[-1] == f"{MARK}.0"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(HOSTILE, TEXT)), min_size=1, max_size=5))
def test_in_older_files_too_no_record_is_lost_or_made_up(
    folder: Path, calls: list[dict[str, str]]
) -> None:
    """A JSON object a line, whose quotes alone are escaped."""
    raw = b"".join(as_json(said(n, **call)) for n, call in enumerate(calls))
    batch = read(folder, raw, FORMER)
    assert [r.uniqueid for r in told(batch)] == [f"{MARK}.{n}" for n in range(len(calls))]
    for record, call in zip(told(batch), calls, strict=True):
        assert (record.eventtype, record.linkedid) == ("CHAN_START", record.uniqueid)
        assert record.context == "ringdesk-inbound"
        if "".join(call.values()).isalnum():
            assert {name: getattr(record, name) for name in HOSTILE} == call


@pytest.mark.parametrize("form", ["quoted", "as_json"])
def test_a_file_has_one_form_which_its_name_tells(folder: Path, form: str) -> None:
    """What ends no value in the one might in the other."""
    line = quoted(said(1)) if form == "quoted" else as_json(said(1))
    batch = read(folder, line, FORMER if form == "quoted" else "cel.csv")
    assert (told(batch), len(batch.rejects)) == ([], 1)


@pytest.mark.parametrize(
    "name", ['Bob "B" Builder \\', "a\tb", '\\","eventtype":"HANGUP', "\x01\x7f"]
)
def test_a_legal_name_makes_no_line_unreadable(name: str) -> None:
    for read_as, line in (
        (parse, quoted(said(1, name=name))),
        (parse_former, as_json(said(1, name=name))),
    ):
        record, refused = read_as(line[:-1], SYSTEM)
        assert record is not None
        assert (record.uniqueid, record.name) == (f"{MARK}.1", name)
        assert refused is None or refused.used


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'"ringdesk-1","HANGUP","1795353028.5"', "not quoted"),
        (b'"ringdesk-1",HANGUP', "not quoted"),
        (quoted(said(1, eventtime="nan"))[:-1], "no record"),
        (quoted(said(1, eventtime="-1"))[:-1], "no record"),
        (quoted(said(1, eventtime="1e300"))[:-1], "no record"),
        (quoted(said(1, uniqueid=""))[:-1], "no record"),
        (quoted(said(1, uniqueid="x\ny"))[:-1], "no record"),
        (quoted(said(1, eventtype="WATER_LEVEL"))[:-1], "unknown kind"),
        (quoted(said(1, system="another-pbx"))[:-1], "another system"),
    ],
)
def test_what_has_no_head_of_ours_is_refused_with_why(bad: bytes, reason: str) -> None:
    record, refused = parse(bad, SYSTEM)
    assert record is None
    assert refused is not None
    assert (refused.reason, refused.used) == (reason, False)


def test_one_that_asterisk_cut_tells_its_head(folder: Path) -> None:
    """At 1,023 bytes, and the next one begins on a line of its own."""
    long = quoted(said(1, num="+49", name='"' * 900))[:1_023] + b"\n"
    batch = read(folder, quoted(said(0)) + long + quoted(said(2)))
    assert [(r.uniqueid, r.num, r.name) for r in told(batch)] == [
        (f"{MARK}.0", "", ""),
        (f"{MARK}.1", "+49", ""),
        (f"{MARK}.2", "", ""),
    ]
    assert [(each.reason, each.used) for each in batch.rejects] == [("cut short", True)]


def test_a_name_cut_within_a_letter_is_shown_and_the_record_used() -> None:
    line = quoted(said(1, name="Zoé"))[:-1].replace("é".encode(), "é".encode()[:1])
    record, refused = parse(line, SYSTEM)
    assert record is not None
    assert record.name == "Zo\ufffd"
    assert refused is not None
    assert (refused.reason, refused.used) == ("not UTF-8", True)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=4))
def test_a_callers_words_cost_no_detail_of_a_call(
    folder: Path, calls: list[tuple[str, str, str]]
) -> None:
    """Master.csv, where the caller's name and numbers stand first."""

    def text(value: str) -> str:
        return '"' + value.replace('"', '""') + '"'

    lines = []
    for number, (src, dst, clid) in enumerate(calls):
        values = [text(each[:75]) for each in ("", src, dst, "inbound", clid, f"PJSIP/c-{number}")]
        values += ['""', '"Hangup"', '"16"', *['"2026-12-01 14:29:37"'] * 3, "1", "1"]
        values += ['"ANSWERED"', '"DOCUMENTATION"', text(f"{MARK}.{number}"), '""']
        lines.append(",".join(values) + "\n")
    batch = read(folder, "".join(lines).encode(), "Master.csv", parse=parse_detail)
    assert batch.rejects == []
    assert [each.record.uniqueid for each in batch.lines] == [
        f"{MARK}.{number}" for number in range(len(calls))
    ]


@given(TEXT)
def test_a_head_stands_in_no_value(value: str) -> None:
    written = quoted(said(1, name=value))
    assert written.count(begins(SYSTEM)) == 1

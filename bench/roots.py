"""The calls that reached Asterisk, by Asterisk's own records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cti.journal import RECORDS
from cti.journal_forms import quoted, record_end
from cti.journal_records import VALUES


def record_files(folder: Path) -> list[Path]:
    """The files of records in a folder, rotated ones first."""
    return sorted(folder.glob("cel*.csv"), key=lambda each: (each.name == RECORDS, each))


def pieces_of(data: bytes) -> Iterator[bytes]:
    """The records of a file, each with its line end; a torn last one is left out.

    A value may hold line ends.
    """
    start = 0
    while start < len(data) and (end := record_end(data, start)) >= 0:
        yield data[start : end + 1]
        start = end + 1


def records_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The records in a folder, rotated files first; a torn last one is left out."""
    for file in record_files(folder):
        for piece in pieces_of(file.read_bytes()):
            values = quoted(piece[:-1].decode("utf-8", "replace"), len(VALUES))
            if values is not None:
                yield dict(zip(VALUES, values, strict=True)) | {"eventtime": float(values[2])}


def roots_in(records: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The calls from the trunk `carrier`: linkedid of the first channel -> the caller's number."""
    return {
        record["linkedid"]: record["num"]
        for record in records
        if record.get("eventtype") == "CHAN_START"
        and record["uniqueid"] == record["linkedid"]
        and record["channame"].startswith("PJSIP/carrier-")
    }

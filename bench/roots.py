"""The calls that reached Asterisk, by Asterisk's own records."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def record_files(folder: Path) -> list[Path]:
    """The files of records in a folder, rotated ones first."""
    return sorted(folder.glob("cel*.json"), key=lambda each: (each.name == "cel.json", each))


def records_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The records in a folder, rotated files first; a torn last line is left out."""
    for file in record_files(folder):
        for line in file.read_text(errors="replace").splitlines():
            with contextlib.suppress(json.JSONDecodeError):
                yield json.loads(line)


def roots_in(records: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The calls from the trunk `carrier`: linkedid of the first channel -> the caller's number."""
    return {
        record["linkedid"]: record["num"]
        for record in records
        if record.get("eventtype") == "CHAN_START"
        and record["uniqueid"] == record["linkedid"]
        and record["channame"].startswith("PJSIP/carrier-")
    }

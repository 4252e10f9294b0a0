"""What the faults found: a row for each, and the table of all.

Each check leaves its row in a file of its own, so that parallel runs do not meet; `python -m
tests.faults.report` (the end of `make faults`) puts them together in build/faults.json, prints the
table, and fails if a line of INVARIANTS has no row or did not hold.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import msgspec

BUILD: Final = Path(__file__).resolve().parents[2] / "build"
ROWS: Final = BUILD / "faults"
INVARIANTS: Final = range(1, 24)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault at one length. `lost` and `duplicated` are cases against calls."""

    number: int
    fault: str
    form: str  # short | full
    calls: int = 0
    lost: int = 0
    duplicated: int = 0
    held: bool = False
    note: str = ""


def keep(row: Row, name: str) -> None:
    """Write the row of the check called `name`."""
    ROWS.mkdir(parents=True, exist_ok=True)
    (ROWS / f"{row.number:02}-{name}.json").write_bytes(msgspec.json.encode(row))


def collect() -> list[Row]:
    """All rows there are, by number."""
    files = sorted(ROWS.glob("*.json")) if ROWS.exists() else []
    return [msgspec.json.decode(file.read_bytes(), type=Row) for file in files]


def table(rows: list[Row]) -> str:
    """The rows for people."""
    lines = [f"{'#':>3}  {'fault':<62} {'form':<5} {'calls':>6} {'lost':>5} {'dup':>4}  held"]
    lines += [
        f"{row.number:>3}  {row.fault:<62.62} {row.form:<5} {row.calls:>6} {row.lost:>5} "
        f"{row.duplicated:>4}  {'yes' if row.held else 'NO'}  {row.note}".rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Write build/faults.json; 1 if something is missing or did not hold."""
    rows = collect()
    BUILD.mkdir(exist_ok=True)
    (BUILD / "faults.json").write_text(json.dumps(msgspec.to_builtins(rows), indent=1) + "\n")
    sys.stdout.write(table(rows) + "\n")
    missing = sorted(set(INVARIANTS) - {row.number for row in rows})
    if missing:
        sys.stderr.write(f"no row for: {', '.join(map(str, missing))}\n")
    return 1 if missing or not all(row.held for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

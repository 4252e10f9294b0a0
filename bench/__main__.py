"""`python -m bench [names]`: run the benches, write build/bench.json, print the table."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path

from bench.harness import Figure

# Every bench by its module's name: it has `run() -> list[Figure]`.
BENCHES = ("ami", "agi", "queued_call", "ready", "rush", "card", "replay", "jobs")
OUT = Path("build/bench.json")


def main(names: list[str]) -> int:
    """Run what is named (all, if nothing is); 2 for an unknown name, else 0."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
        return 2
    results: dict[str, list[dict[str, object]]] = {}
    rows: list[tuple[str, ...]] = []
    for name in names or BENCHES:
        started = time.monotonic()
        print(f"{name} ...", flush=True)
        figures = _run(name)
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
        results[name] = [figure.as_json() for figure in figures]
        rows += [_row(figure) for figure in figures]
    _write(results)
    _print(rows)
    return 0


def _run(name: str) -> list[Figure]:
    try:
        figures: list[Figure] = importlib.import_module(f"bench.{name}").run()
    except Exception as error:  # noqa: BLE001 - one bench that fails must not hide the others
        traceback.print_exc()
        why = f"not measured: {type(error).__name__}: {error}"
        return [Figure(name=name, unit="", better="higher", ours=None, target=1.0, note=why)]
    return figures


def _write(results: dict[str, list[dict[str, object]]]) -> None:
    """Into build/bench.json, beside the last figures of benches that did not run now."""
    OUT.parent.mkdir(exist_ok=True)
    try:
        kept = json.loads(OUT.read_text())["benches"]
    except (OSError, ValueError, KeyError):
        kept = {}
    machine = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
    }
    stamped = {name: {"machine": machine, "figures": figures} for name, figures in results.items()}
    OUT.write_text(json.dumps({"benches": {**kept, **stamped}}, indent=2) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _row(figure: Figure) -> tuple[str, ...]:
    json_form = figure.as_json()
    at = "at least" if figure.better == "higher" else "at most"
    to = f" x {figure.against}" if figure.against else f" {figure.unit}"
    return (
        figure.name,
        f"{_number(figure.ours)} {figure.unit}",
        ", ".join(f"{peer} {_number(value)}" for peer, value in figure.peers.items()) or "-",
        "-" if figure.target is None else f"{at} {figure.target:g}{to}",
        "-" if figure.ratio is None or not figure.against else f"{figure.ratio:.2f}",
        str(json_form["reached"]),
        figure.note,
    )


def _print(rows: list[tuple[str, ...]]) -> None:
    table = [("figure", "ours", "peers", "target", "ratio", "reached", "note"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    print()
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
    print(f"\nwritten to {OUT}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A whole Ringdesk in a temporary folder for a bench, and what its processes have cost so far."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from bench.harness import RunFailedError
from bench.sipp import TRUNK

CHECKOUT = Path(__file__).resolve().parents[1]
READY_SECONDS = 120.0  # a busy machine speaks the prompts slowly
STOP_SECONDS = 25.0
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes
TICK = os.sysconf("SC_CLK_TCK")


def free_ports(count: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> list[int]:
    """So many ports that were free on 127.0.0.1 a moment ago, all different."""
    probes = [socket.socket(socket.AF_INET, kind) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def alone(folder: Path, sip: int) -> dict[str, Any]:
    """What the settings of each bench say: a folder, ports of its own, one trunk's callers."""
    ami, agi, http = free_ports(3)
    return {
        "system": "bench",
        "company": {"name": "Bench", "time_zone": "UTC", "languages": ["en"]},
        "data": {"folder": str(folder / "data")},
        "asterisk": {
            "ami": {"port": ami},
            "agi": {"port": agi},
            "http": {"port": http},
            "sip": {"port": sip},
            "rtp": {"from": 20_000, "to": 28_000},
        },
        "trunks": {"carrier": {"addresses": [TRUNK]}},
    }


class Installation:
    """`ringdesk serve` as a child of ours; `asterisk` is its Asterisk, if it started one."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.process = process
        self.asterisk = _asterisk_of(process.pid)

    def cpu(self) -> tuple[float, float]:
        """Processor seconds until now, user and system: (all of ours, Asterisk's)."""
        theirs = set() if self.asterisk is None else _tree(self.asterisk)
        ours = sum(_seconds(pid) for pid in _tree(self.process.pid) - theirs)
        return ours, sum(_seconds(pid) for pid in theirs)

    def memory(self) -> tuple[int, int]:
        """Bytes in memory now: (all of ours, Asterisk's)."""
        theirs = set() if self.asterisk is None else _tree(self.asterisk)
        ours = sum(_memory(pid) for pid in _tree(self.process.pid) - theirs)
        return ours, sum(_memory(pid) for pid in theirs)


@contextmanager
def running(folder: Path, settings: dict[str, Any]) -> Iterator[Installation]:
    """Start it, and leave no process behind. Raises RunFailedError with its last words."""
    file = folder / "ringdesk.yaml"
    file.write_text(yaml.safe_dump(settings, allow_unicode=True))
    log = folder / "serve.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "config.cli", "serve", "--settings", str(file)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=CHECKOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    asterisk: set[int] = set()
    try:
        _until_ready(process, log)
        made = Installation(folder, process)
        asterisk = set() if made.asterisk is None else _tree(made.asterisk)
        yield made
    finally:
        _end(process, asterisk)


def _until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while b"Ringdesk is ready" not in log.read_bytes():
        if process.poll() is not None or time.monotonic() > until:
            said = log.read_text(errors="replace").strip()
            raise RunFailedError(f"ringdesk serve did not start: {said[-400:]}")
        time.sleep(0.1)


def _end(process: subprocess.Popen[bytes], asterisk: set[int]) -> None:
    if process.poll() is None:
        process.terminate()  # SIGINT may be ignored here, and that is handed down
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in asterisk:  # it outlives us when we were killed
        if _is_asterisk(pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _asterisk_of(pid: int) -> int | None:
    return next((child for child in sorted(_tree(pid)) if _is_asterisk(child)), None)


def _is_asterisk(pid: int) -> bool:
    try:
        return b"asterisk.conf" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _tree(pid: int) -> set[int]:
    """The process and all that descend from it."""
    found = {pid}
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found |= _tree(int(child))
    except OSError:
        pass
    return found


def _seconds(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    # utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted from 1 with pid and name
    return sum(int(field) for field in fields[11:15]) / TICK


def _memory(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0

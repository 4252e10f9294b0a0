"""`make fresh`: README's two commands on minimal Debians made for it, and a call.

    python -m tests.fresh [bookworm] [trixie]     # both, if none is named
    TESTS=tests/cti make fresh                    # not all of the tests

Needs root. What each machine is made of goes again; its logs stay in build/fresh/, the result is
printed and kept in build/fresh.json. Status 1 if something did not hold.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from config import parts
from tests.fresh.call import call
from tests.fresh.machine import CHECKOUT, FreshError, Machine
from tests.signals import hand_down_defaults

RELEASES = {"bookworm": 12, "trixie": 13}
BUILD = CHECKOUT / "build"
FOLDER = BUILD / "fresh"
RUN_SECONDS = 2400.0
TEST_SECONDS = 4 * 3600.0
READY = b"Ctrl-C ends everything"
TOLD = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def main(releases: list[str]) -> int:
    """One after the other; 0 if all held, 2 if asked wrongly."""
    unknown = [name for name in releases if name not in RELEASES]
    if unknown:
        _say(f"no such release: {', '.join(unknown)}; there are {', '.join(RELEASES)}")
        return 2
    if os.geteuid() != 0:
        _say("make fresh: needs root (debootstrap, chroot)")
        return 2
    parts.install(["debootstrap"], _say)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    results = []
    for release in releases or list(RELEASES):
        results.append(_tried(release))
        (BUILD / "fresh.json").write_text(json.dumps(results, indent=1) + "\n")
        _say(json.dumps(results[-1], indent=1))
    return 0 if all(result["held"] for result in results) else 1


def _tried(release: str) -> dict[str, Any]:
    """All steps on one machine; the first that fails is told, and the machine goes."""
    machine = Machine(release, FOLDER)
    result: dict[str, Any] = {"debian": RELEASES[release], "release": release, "held": False}
    result["commit"] = _commit()
    began = time.monotonic()
    try:
        _say(f"{release}: making a minimal Debian {RELEASES[release]}")
        machine.make()
        result["made_s"] = round(time.monotonic() - began)
        result["python"] = machine.python()
        result["run"] = _run(machine)
        result["test"] = _test(machine)
        result["held"] = result["test"]["status"] == 0
    except FreshError as why:
        result["why"] = str(why)
    except Exception as why:  # noqa: BLE001 - told with the rest; the machine goes in any case
        result["why"] = f"{type(why).__name__}: {str(why).strip()[:300]}"
    finally:
        machine.remove()
    return result


def _run(machine: Machine) -> dict[str, Any]:
    """`make run` until it says its links, a call, Ctrl-C."""
    file, began = FOLDER / f"{machine.release}-run.log", time.monotonic()
    with file.open("wb") as out, machine.started("make", "run", out=out) as process:
        _say(f"{machine.release}: make run ({file})")
        while READY not in file.read_bytes():
            if process.poll() is not None or time.monotonic() - began > RUN_SECONDS:
                raise FreshError(f"make run: {_last(file)} ({file})")
            time.sleep(1)  # it tells nobody but its log
        ready = round(time.monotonic() - began)
        _say(f"{machine.release}: ready after {ready} s; a call")
        called = asyncio.run(call(machine.checkout))
    if b"Traceback" in file.read_bytes():
        raise FreshError(f"make run: a traceback ({file})")
    return {"ready_s": ready, **called, **_looked_up(machine)}


def _looked_up(machine: Machine) -> dict[str, int]:
    """How often Asterisk asked for a name in vain."""
    log = machine.checkout / ".ringdesk/data/asterisk/log/messages.log"
    return {"lookups_in_vain": log.read_text(errors="replace").count("Unable to lookup")}


def _test(machine: Machine) -> dict[str, Any]:
    """`make test`; of it what failed, and pytest's last line."""
    file, began = FOLDER / f"{machine.release}-test.log", time.monotonic()
    words = ["make", "test", *([f"TESTS={some}"] if (some := os.environ.get("TESTS")) else [])]
    with file.open("wb") as out, machine.started(*words, out=out) as process:
        _say(f"{machine.release}: {' '.join(words)} ({file})")
        try:
            status = process.wait(TEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise FreshError(f"make test: not done after {TEST_SECONDS:.0f} s ({file})") from None
    said = file.read_text(errors="replace")
    counted = re.findall(r"^=+ (.* in [\d.]+s.*?) =+$", said, re.MULTILINE)
    return {
        "tests": os.environ.get("TESTS") or "all",
        "status": status,
        "seconds": round(time.monotonic() - began),
        "said": counted[-1] if counted else _last(file),
        "failed": sorted(set(TOLD.findall(said))),
    }


def _commit() -> str:
    command = ["git", "-C", str(CHECKOUT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _last(file: Path) -> str:
    lines = [line for line in file.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end(number: int, _frame: object) -> None:
    """As Ctrl-C: what was made goes on the way out."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    hand_down_defaults()
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, _end)
    try:
        sys.exit(main(sys.argv[1:]))
    except parts.PartMissingError as error:
        sys.exit(f"make fresh: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

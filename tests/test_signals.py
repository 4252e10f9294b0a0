"""What a test starts can be ended, however the tests themselves were started."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.signals import ENDING

IGNORED = f"trap '' {' '.join(str(int(number)) for number in ENDING)}"


def ignored(status: str) -> set[int]:
    """Which signals a process ignores, by its /proc/.../status."""
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:"))
    return {number for number in signal.valid_signals() if int(mask, 16) >> (number - 1) & 1}


def test_what_is_started_ignores_nothing_that_ends_it() -> None:
    command = ["cat", "/proc/self/status"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert ignored(said) & set(ENDING) == set()


def test_tests_that_were_started_with_signals_ignored_hand_down_none(checkout: Path) -> None:
    """As `nohup`, a background job or a CI runner starts them."""
    inner = f"{Path(__file__).relative_to(checkout)}::{HANDED_DOWN.__name__}"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", inner]
    run = subprocess.run(
        ["sh", "-c", f'{IGNORED}; exec "$@"', "sh", *pytest],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in run.stdout, run.stdout


HANDED_DOWN = test_what_is_started_ignores_nothing_that_ends_it

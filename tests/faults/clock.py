"""A clock of the day that jumps while programs run: a small library under them (clock.c).

The machine's own clock is not touched, and neither is the one that only counts on (timers, waits).
Debian's libfaketime does not do: a program that forks hangs in it, and Python's sleep is refused.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("clock.c")
SECONDS = 60.0
HOUR = 3600


@dataclass(frozen=True)
class FakeClock:
    """`env`: the environment of programs that go by it."""

    file: Path
    env: dict[str, str]

    def ahead(self, seconds: int) -> None:
        """So far ahead of the real one from this moment on; negative: behind."""
        with self.file.open("r+b", buffering=0) as file:
            file.write(struct.pack("@q", seconds))


def a_fake_clock(folder: Path) -> FakeClock:
    """One that agrees with the real one; skips the test, by name, where nothing can be compiled."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler (cc): a clock that jumps")
    library, file = folder / "clock.so", folder / "ahead"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"],
        check=True,
        timeout=SECONDS,
    )
    file.write_bytes(struct.pack("@q", 0))
    return FakeClock(file, {"LD_PRELOAD": str(library), "RINGDESK_TEST_CLOCK": str(file)})

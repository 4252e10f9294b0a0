"""A clock that jumps while programs run: libfaketime under them, its offset in a file.

The machine's own clock is not touched, and neither is the one that only counts on (timers, waits).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import need

SHARED = Path("/dev/shm")  # noqa: S108 - where libfaketime leaves a mark for each program
HOUR = 3600
SEEN_SECONDS = 2.0  # it looks at the file once a second


@dataclass(frozen=True)
class FakeClock:
    """`env`: the environment of programs that go by it."""

    file: Path
    env: dict[str, str]

    def ahead(self, seconds: float) -> None:
        """So far ahead of the real one from now on; negative: behind."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+.1f}\n")
        fresh.replace(self.file)


@contextlib.contextmanager
def a_fake_clock(folder: Path) -> Iterator[FakeClock]:
    """One that agrees with the real one; skips the test, by name, without libfaketime."""
    library = need("libfaketime.so.1")
    file = folder / "offset"
    before = {each.name for each in SHARED.glob("*faketime*")}
    made = FakeClock(
        file,
        {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    )
    made.ahead(0)
    try:
        yield made
    finally:
        for mark in SHARED.glob("*faketime*"):  # of programs that were killed
            owner = mark.name.rpartition("_")[2]
            if mark.name not in before and not Path(f"/proc/{owner}").exists():
                with contextlib.suppress(OSError):
                    mark.unlink()

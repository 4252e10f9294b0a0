"""How a long step shows that it goes on: a line now and then, also where there is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

EVERY: Final = 2.0  # seconds between two lines


class Progress:
    """`progress(done, total)`: says the first, the last, and one in `EVERY` seconds between."""

    def __init__(
        self,
        say: Callable[[str], None],
        what: str,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._what = what
        self._now = now
        self._said_at: float | None = None

    def __call__(self, done: int, total: int) -> None:
        """So many of so many are done."""
        now = self._now()
        if self._said_at is None or done >= total or now - self._said_at >= EVERY:
            self._said_at = now
            self._say(f"{self._what}: {done:,} of {total:,}")

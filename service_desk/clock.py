"""The time, so that tests can fire it instead of sleeping."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    """A time zone by its name, UTC where there is none of it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def year_of(at: datetime, zone: str) -> int:
    """The year in which a company of that time zone says that this was: a case's number has it."""
    return at.astimezone(zone_of(zone)).year


class Clock(Protocol):
    """Where the desk takes the time from."""

    def now(self) -> datetime:
        """The time of day, UTC and timezone-aware; may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds for durations; never jumps."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()


class HandClock:
    """A clock moved by hand, for tests and simulations."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._now

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds

"""When a job is due next: every so often, or at a time of the company's day. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

from msgspec import Struct

FIRST_BACK_OFF = timedelta(minutes=1)
LONGEST_BACK_OFF = timedelta(hours=1)


class Every(Struct, frozen=True):
    """So many minutes after the run before."""

    minutes: int

    def after(self, now: datetime, _zone: tzinfo) -> datetime:
        """The next time, UTC."""
        return now + timedelta(minutes=self.minutes)


class Daily(Struct, frozen=True):
    """Once a day at this time in the company's time zone."""

    at: time

    def after(self, now: datetime, zone: tzinfo) -> datetime:
        """The next time, UTC. A time that a change of clocks leaves out is the one after it."""
        today = now.astimezone(zone).date()
        for days in (0, 1, 2):
            local = datetime.combine(today + timedelta(days=days), self.at, zone)
            at = local.astimezone(now.tzinfo)
            if at > now:
                return at
        raise AssertionError("no day is longer than two")


When = Every | Daily


def back_off(failures: int) -> timedelta:
    """How long after the n-th failure in a row (from 1) it is tried again."""
    return min(FIRST_BACK_OFF * (1 << min(failures - 1, 16)), LONGEST_BACK_OFF)

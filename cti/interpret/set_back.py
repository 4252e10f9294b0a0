"""Asterisk's clock is set back while a call goes on: its time goes on from where it was.

How long the call went on between the last word before and the first one after nobody tells: no
time at all. The records are read in the same way (`gather.py`). A clock that is set forward cannot
be told from time that passes.
"""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

# More than any event is late; the board takes what seems older for a clock that jumped as well.
SET_BACK = timedelta(seconds=60)
MOST = 1_000  # calls; more than that are looked through for those that have ended


class CallTimes:
    """The newest time told of each call, and how much its clock was set back since it began."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[datetime, timedelta]] = {}

    def at(self, call_id: str, at: datetime, living: Container[str]) -> datetime:
        """When something happened, on the clock under which its call began. `living`: call ids."""
        newest, back = self._of.get(call_id, (at, timedelta()))
        happened = at + back
        if happened < newest - SET_BACK:
            back, happened = newest - at, newest
        if len(self._of) >= MOST and call_id not in self._of:
            self._of = {each: times for each, times in self._of.items() if each in living}
        self._of[call_id] = max(newest, happened), back
        return happened

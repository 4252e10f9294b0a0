"""How fast one person may do things: a bucket of tokens for each kind, and one clear refusal.

Nobody types 480 notes in five seconds; a script at somebody's session, or a stuck key, does. Each
process counts for itself: with several, one person may be that much faster, and no more.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from agent_console.errors import TooBusy
from agent_console.words import N_
from service_desk.actor import Actor

REMEMBERED: Final = 10_000  # buckets; the one that was not touched for longest goes first
PROGRAMS: Final = 10  # an API token may be that many times as fast: it speaks for a whole system


class Pace(Struct, frozen=True):
    """`burst` at once, and `each_second` in the long run."""

    burst: int
    each_second: float


PACES: Final[Mapping[str, Pace]] = {
    "note": Pace(10, 1.0),
    "draft": Pace(20, 3.0),  # a page sends one 0.8 s after the last stroke
    "write": Pace(30, 5.0),  # everything else that is written
    "wish": Pace(10, 2.0),  # to the telephone
    "search": Pace(30, 8.0),  # at each stroke
}


class Paces:
    """The buckets of one process; `now` is a monotonic clock in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self.refused = 0

    def take(self, kind: str, by: Actor) -> None:
        """One more of this kind, by this person or program. Raises TooBusy."""
        pace, times = PACES[kind], 1 if by.staff_id is not None else PROGRAMS
        most, speed = pace.burst * times, pace.each_second * times
        key, now = (kind, by.name), self._now()
        left, at = self._left.pop(key, (float(most), now))
        left = min(most, left + (now - at) * speed)
        enough = left >= 1
        self._left[key] = (left - 1 if enough else left, now)
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        if not enough:
            self.refused += 1
            text = N_("That was too much in a short time. Wait a moment, then try again.")
            raise TooBusy(text, (1 - left) / speed)

"""Spans of time: joined, cut and measured, so that nobody's talk is counted twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

Span = tuple[datetime, datetime]


def spans(marks: Iterable[tuple[datetime, bool]], until: datetime | None) -> list[Span]:
    """Spans from marks (time, begins?) in order; a second beginning or end in a row is ignored.

    A span still open at the end runs to `until`; without `until` it does not count yet.
    """
    found: list[Span] = []
    begun: datetime | None = None
    for at, begins in marks:
        if begins and begun is None:
            begun = at
        elif not begins and begun is not None:
            found.append((begun, at))
            begun = None
    if begun is not None and until is not None and until > begun:
        found.append((begun, until))
    return found


def union(parts: Iterable[Span]) -> list[Span]:
    """The same time, each moment once, in order."""
    found = sorted(parts)
    if len(found) < 2:  # most legs talk once
        return found
    joined: list[Span] = []
    for begin, end in found:
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def minus(these: list[Span], those: list[Span]) -> list[Span]:
    """What of `these` (in order) lies in none of `those` (in order)."""
    if not these or not those:
        return these
    left: list[Span] = []
    for begin, end in these:
        at = begin
        for cut_begin, cut_end in those:
            if cut_end <= at or cut_begin >= end:
                continue
            if cut_begin > at:
                left.append((at, cut_begin))
            at = max(at, cut_end)
        if at < end:
            left.append((at, end))
    return left


def length(parts: Sequence[Span]) -> float:
    """Seconds, to the millisecond."""
    if not parts:
        return 0.0
    return round(sum((end - begin).total_seconds() for begin, end in parts), 3)

"""The legs of a call as a picture: bars over one axis of time. Pure; the page only draws.

Widths are thousandths of the whole call, from its first leg's start to the end of the last thing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from service_desk.views import LegView

WIDTH = 1000
THINNEST = 3.0  # a part that short is still seen
KINDS = ("ring", "wait", "talk", "hold", "consult", "wrap_up")
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)  # seconds between ticks
MOST_TICKS = 8


class Bar(Struct, frozen=True):
    """A part: `begin` and `seconds` as people read them, `x` and `width` as drawn."""

    kind: str
    x: float
    width: float
    begin: float
    seconds: float


class Row(Struct, frozen=True):
    """One leg: its whole life as a line, its parts as bars, and the sums by kind."""

    leg: LegView
    x: float
    width: float
    bars: tuple[Bar, ...]
    sums: tuple[tuple[str, float], ...]


class Tick(Struct, frozen=True):
    """A mark on the axis, `at` seconds after the beginning."""

    x: float
    at: float


class Picture(Struct, frozen=True):
    """All legs of a call; `kinds` are those that are there, for the legend."""

    started_at: datetime
    seconds: float
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    kinds: tuple[str, ...]


def picture(legs: Sequence[LegView]) -> Picture | None:
    """None where there is nothing to draw."""
    if not legs:
        return None
    start = min(leg.started_at for leg in legs)
    seconds = max((_last(leg) - start).total_seconds() for leg in legs)
    if seconds <= 0:
        return None
    scale = WIDTH / seconds
    rows = tuple(_row(leg, (leg.started_at - start).total_seconds(), scale) for leg in legs)
    there = {kind for row in rows for kind, _ in row.sums}
    return Picture(
        started_at=start,
        seconds=seconds,
        rows=rows,
        ticks=_ticks(seconds, scale),
        kinds=tuple(kind for kind in KINDS if kind in there),
    )


def _last(leg: LegView) -> datetime:
    end = leg.ended_at or leg.started_at
    return max([end, *(leg.started_at + timedelta(seconds=span.end) for span in leg.spans)])


def _row(leg: LegView, offset: float, scale: float) -> Row:
    end = leg.ended_at or _last(leg)
    bars = tuple(
        Bar(
            kind=span.kind,
            x=round((offset + span.begin) * scale, 1),
            width=round(max((span.end - span.begin) * scale, THINNEST), 1),
            begin=offset + span.begin,
            seconds=span.end - span.begin,
        )
        for span in leg.spans
        if span.kind in KINDS
    )
    sums = tuple(
        (kind, float(round(sum(bar.seconds for bar in bars if bar.kind == kind))))
        for kind in KINDS
        if any(bar.kind == kind for bar in bars)
    )
    life = (end - leg.started_at).total_seconds()
    return Row(leg, round(offset * scale, 1), round(max(life * scale, THINNEST), 1), bars, sums)


def _ticks(seconds: float, scale: float) -> tuple[Tick, ...]:
    step = next((step for step in STEPS if seconds / step <= MOST_TICKS), None)
    if step is None:
        step = STEPS[-1] * (int(seconds / STEPS[-1] / MOST_TICKS) + 1)
    return tuple(Tick(round(at * scale, 1), at) for at in range(0, int(seconds) + 1, step))

"""hours: are we open? Opening hours per weekday in the company's time zone, and holidays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Final

from msgspec import field

from ivr.nodes.base import About, Exit, Mistake, Node, exits
from ivr.turn import Turn

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIMES: Final = re.compile(r"^([0-9]{2}):([0-9]{2})\s*-\s*([0-9]{2}):([0-9]{2})$")
MINUTES_A_DAY: Final = 24 * 60
LONGEST_HOLIDAY: Final = 366  # days

Span = tuple[int, int]  # minutes since midnight, end excluded


class Hours(Node, frozen=True, kw_only=True):
    """`open`: `mon-fri: 08:00-18:00` or several spans a day. `holidays`: `2026-12-24`, a range
    `2026-12-24..2027-01-01`, or `12-25` for every year; closed all day."""

    open: dict[str, str | list[str]]
    when_open: str
    when_closed: str
    when_holiday: str | None = None
    holidays: list[str] = field(default_factory=list)

    def enter(self, turn: Turn) -> None:
        if turn.night != "auto":
            turn.note(turn.night)
            turn.go(self.when_open if turn.night == "open" else self.when_closed)
        elif any(first <= turn.at.date() <= last for first, last in self._holidays(turn.at.year)):
            turn.note("holiday")
            turn.go(self.when_holiday or self.when_closed)
        elif self._is_open(turn.at):
            turn.note("open")
            turn.go(self.when_open)
        else:
            turn.note("closed")
            turn.go(self.when_closed)

    def _is_open(self, at: datetime) -> bool:
        minute = at.hour * 60 + at.minute
        day = at.weekday()
        return any(
            start <= minute < end
            for key, spans in self.open.items()
            if day in days_of(key)
            for start, end in map(span_of, _several(spans))
        )

    def _holidays(self, year: int) -> Iterator[tuple[date, date]]:
        for text in self.holidays:
            found = holiday_of(text, year)
            if found:  # none: the 29th of February of another year
                yield found

    def exits(self) -> tuple[Exit, ...]:
        return exits(
            ("when_open", self.when_open),
            ("when_closed", self.when_closed),
            ("when_holiday", self.when_holiday),
        )

    def mistakes(self, _about: About, /) -> Iterator[Mistake]:
        taken: dict[int, list[tuple[Span, str]]] = {}
        if not self.open:
            yield ("open",), "never open: say at least one day"
        for key, texts in self.open.items():
            try:
                days = days_of(key)
                spans = [span_of(text) for text in _several(texts)]
            except ValueError as why:
                yield ("open", key), str(why)
                continue
            for day in days:
                for start, end in spans:
                    for (other_start, other_end), other in taken.setdefault(day, []):
                        if start < other_end and other_start < end:
                            yield ("open", key), f'overlaps with "{other}" on {DAYS[day]}'
                    taken[day].append(((start, end), key))
        for index, text in enumerate(self.holidays):
            try:
                holiday_of(text, 2028)  # a leap year: the 29th of February is a day
            except ValueError as why:
                yield ("holidays", index), str(why)


def days_of(key: str) -> tuple[int, ...]:
    """`mon`, `mon-fri`, `fri-mon` (over the weekend): Monday is 0. Raises ValueError."""
    first, _, last = key.partition("-")
    if first not in DAYS or (last and last not in DAYS):
        raise ValueError(f'"{key}" is no weekday (mon, tue ... sun, or a range: mon-fri)')
    start = DAYS.index(first)
    end = DAYS.index(last or first)
    return tuple((start + offset) % 7 for offset in range((end - start) % 7 + 1))


def span_of(text: str) -> Span:
    """`08:00-18:00` in minutes of the day; the end may be 24:00. Raises ValueError."""
    match = _TIMES.match(text)
    if match is None:
        raise ValueError(f'"{text}" is no time span (write 08:00-18:00)')
    hours = int(match[1]), int(match[3])
    minutes = int(match[2]), int(match[4])
    start, end = (hour * 60 + minute for hour, minute in zip(hours, minutes, strict=True))
    if max(minutes) > 59 or start >= MINUTES_A_DAY or end > MINUTES_A_DAY:
        raise ValueError(f'"{text}" has a time that does not exist')
    if end <= start:
        raise ValueError(f'"{text}" ends before it starts (past midnight: give each day its part)')
    return start, end


def holiday_of(text: str, year: int) -> tuple[date, date] | None:
    """First and last day. None: this yearly day does not exist in `year`. Raises ValueError."""
    first, dots, last = text.partition("..")
    if not dots and re.fullmatch(r"[0-9]{2}-[0-9]{2}", text):
        month, day = map(int, text.split("-"))
        if (month, day) == (2, 29):
            leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
            return (date(year, 2, 29),) * 2 if leap else None
        return (_date(f"{year:04}-{text}", text),) * 2
    start = _date(first, text)
    end = _date(last, text) if dots else start
    if end < start:
        raise ValueError(f'"{text}" ends before it starts')
    if (end - start).days > LONGEST_HOLIDAY:
        raise ValueError(f'"{text}" is longer than a year')
    return start, end


def _date(text: str, whole: str) -> date:
    plain = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)  # not 20261224, not 2026-W52-4
    try:
        return date.fromisoformat(text if plain else "")
    except ValueError:
        raise ValueError(
            f'"{whole}" is no day (2026-12-24, 2026-12-24..2027-01-01, or 12-25 for every year)'
        ) from None


def _several(spans: str | list[str]) -> list[str]:
    return [spans] if isinstance(spans, str) else spans

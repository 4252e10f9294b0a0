"""collect: digits from the caller, such as a case number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from ivr.nodes.asking import Asking, Reading
from ivr.nodes.base import About, Exit, Mistake, exits
from ivr.turn import Turn

Digits = Annotated[int, Meta(ge=1, le=20)]


class Collect(Asking, frozen=True, kw_only=True):
    """`min` to `max` digits, ended by `terminator` ('' for none), by `max` or by a pause.

    `sensitive`: what is entered is neither kept, nor noted, nor logged; only that it was entered.
    """

    min: Digits = 1
    max: Digits = 12
    terminator: Literal["#", "*", ""] = "#"
    store: Literal["case_number"] | None = None
    sensitive: bool = False
    next: str
    give_up: str

    def reading(self) -> Reading:
        return Reading(max_digits=self.max, terminator=self.terminator, sensitive=self.sensitive)

    def accept(self, turn: Turn, digits: str) -> bool:
        right = self.min <= len(digits) <= self.max
        if not (right and all("0" <= digit <= "9" for digit in digits)):
            return False
        if self.store and not self.sensitive:
            turn.values[self.store] = digits
        turn.note("" if self.sensitive else digits)
        turn.go(self.next)
        return True

    def surrender(self, turn: Turn) -> None:
        turn.note()
        turn.go(self.give_up)

    def exits(self) -> tuple[Exit, ...]:
        entered = exits(("next", self.next), silent=False)
        return (*entered, *exits(("give_up", self.give_up)))

    def mistakes(self, _about: About, /) -> Iterator[Mistake]:
        if self.min > self.max:
            yield ("min",), f"min ({self.min}) is more than max ({self.max})"
        if self.sensitive and self.store:
            yield ("store",), "what is sensitive is never stored"

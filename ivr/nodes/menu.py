"""menu: one key, one target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ivr.nodes.asking import Asking, Reading
from ivr.nodes.base import About, Exit, Mistake, exits
from ivr.turn import Turn

KEYS = frozenset("0123456789*#")


class Menu(Asking, frozen=True, kw_only=True):
    """`options`: key to node. After too much silence or too many wrong keys: `give_up`."""

    options: Annotated[dict[str, str], Meta(min_length=1)]
    give_up: str

    def reading(self) -> Reading:
        return Reading(max_digits=1)

    def accept(self, turn: Turn, digits: str) -> bool:
        target = self.options.get(digits)
        if target is None:
            return False
        turn.note(digits)
        turn.choose(target)
        return True

    def surrender(self, turn: Turn) -> None:
        turn.note()
        turn.go(self.give_up)

    def exits(self) -> tuple[Exit, ...]:
        pressed = (
            Exit(key=("options", key), target=to, silent=False) for key, to in self.options.items()
        )
        return (*pressed, *exits(("give_up", self.give_up)))

    def mistakes(self, _about: About, /) -> Iterator[Mistake]:
        for key in self.options:
            if key not in KEYS:
                yield ("options", key), f'"{key}" is no key of a telephone (0-9, *, #)'

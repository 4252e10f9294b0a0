"""goto: on to another node; gives a place a name, or joins two ways."""

from __future__ import annotations

from ivr.nodes.base import Exit, Node, exits
from ivr.turn import Turn


class Goto(Node, frozen=True, kw_only=True):
    """No word, no wait."""

    to: str

    def enter(self, turn: Turn) -> None:
        turn.go(self.to)

    def exits(self) -> tuple[Exit, ...]:
        return exits(("to", self.to))

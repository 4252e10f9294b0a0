"""say: speak, then go on."""

from __future__ import annotations

from typing import ClassVar

from ivr.flow import Prompt
from ivr.nodes.base import Exit, Node, exits
from ivr.turn import Turn


class Say(Node, frozen=True, kw_only=True):
    """`every_language`: in all of them while the caller's is not known. `interrupt: false`: a key
    pressed early does not cut it off."""

    prompt: Prompt
    next: str
    every_language: bool = False
    interrupt: bool = True

    prompts: ClassVar[tuple[str, ...]] = ("prompt",)

    def enter(self, turn: Turn) -> None:
        turn.say(self.prompt, every=self.every_language and not turn.language)
        if not self.interrupt:
            turn.insist()
        turn.go(self.next)

    def exits(self) -> tuple[Exit, ...]:
        return exits(("next", self.next))

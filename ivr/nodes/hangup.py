"""hangup: good-bye."""

from __future__ import annotations

from typing import ClassVar

from ivr.flow import Prompt
from ivr.nodes.base import Node
from ivr.turn import Turn


class Hangup(Node, frozen=True, kw_only=True):
    """The end of the call, after a last word if there is one."""

    prompt: Prompt | None = None

    prompts: ClassVar[tuple[str, ...]] = ("prompt",)

    def enter(self, turn: Turn) -> None:
        turn.say(self.prompt)
        turn.hang_up()

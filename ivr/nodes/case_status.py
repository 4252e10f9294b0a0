"""case_status: say how the case stands whose number was collected."""

from __future__ import annotations

from typing import ClassVar

from ivr.flow import Prompt
from ivr.nodes.base import Exit, Node, exits
from ivr.protocol import CaseFound, FindCase, Input
from ivr.spoken import STATUSES
from ivr.turn import Turn


class CaseStatus(Node, frozen=True, kw_only=True):
    """`prompt` may use {case_number} and {case_status}. The desk decides whether the case belongs
    to this caller; one that does not is `not_found`, like one that does not exist."""

    prompt: Prompt
    next: str
    not_found: str
    away: str | None = None  # the desk does not answer; `not_found` unless said

    prompts: ClassVar[tuple[str, ...]] = ("prompt",)

    def enter(self, turn: Turn) -> None:
        digits = turn.values.get("case_number", "")
        if not digits:
            turn.go(self.not_found)
        else:
            turn.wait(FindCase(digits=digits, caller_number=turn.caller_number))

    def resume(self, turn: Turn, said: Input) -> None:
        if not isinstance(said, CaseFound):
            turn.note("desk away")
            turn.go(self.away or self.not_found)
        elif said.said is None or said.said.status not in STATUSES["en"]:
            turn.note("not found")
            turn.go(self.not_found)
        else:
            turn.values["case_status"] = said.said.status
            turn.note(said.said.status)
            turn.say(self.prompt)
            turn.go(self.next)

    def exits(self) -> tuple[Exit, ...]:
        return exits(("next", self.next), ("not_found", self.not_found), ("away", self.away))

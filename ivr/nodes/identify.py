"""identify: who has this number?"""

from __future__ import annotations

import re
from typing import Final

from ivr.nodes.base import Exit, Node, exits
from ivr.protocol import Identified, Identify, Input, Speak
from ivr.turn import Turn

# What networks put where a number should be.
_HIDDEN: Final = re.compile(r"anonym|withheld|restrict|private|unavailable|unknown", re.IGNORECASE)


class IdentifyCaller(Node, frozen=True, kw_only=True):
    """By the caller's number. Every outcome without a target of its own goes to `next`. The
    language of the customer, if remembered, is spoken from here on."""

    next: str
    known: str | None = None
    several: str | None = None
    unknown: str | None = None
    withheld: str | None = None

    def enter(self, turn: Turn) -> None:
        if is_withheld(turn.caller_number):
            turn.note("withheld")
            turn.go(self.withheld or self.next)
        else:
            turn.wait(Identify(caller_number=turn.caller_number))

    def resume(self, turn: Turn, said: Input) -> None:
        identity = said.identity if isinstance(said, Identified) else None
        turn.identity = identity
        if identity is None or (identity.customer_id is None and identity.matches == 0):
            turn.note("unknown")
            turn.go(self.unknown or self.next)
            return
        if identity.language in turn.flow.languages and not turn.language:
            turn.language = identity.language or ""
            turn.tell(Speak(language=turn.language))
        if identity.customer_id is None or identity.matches > 1:
            turn.note("several")
            turn.go(self.several or self.next)
        else:
            turn.note("known")
            turn.go(self.known or self.next)

    def exits(self) -> tuple[Exit, ...]:
        return exits(
            ("next", self.next),
            ("known", self.known),
            ("several", self.several),
            ("unknown", self.unknown),
            ("withheld", self.withheld),
        )


def is_withheld(number: str) -> bool:
    """Whether the network gave no number: no digit in it, or a word that says so."""
    return not any("0" <= letter <= "9" for letter in number) or bool(_HIDDEN.search(number))

"""What menu, language and collect share: ask, and be patient within limits."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from ivr.flow import Prompt
from ivr.nodes.base import Limit, Node, Seconds
from ivr.protocol import Ask, Input, Pressed
from ivr.turn import Turn


class Reading(Struct, frozen=True, kw_only=True):
    """How many digits to read and what ends them."""

    max_digits: int
    terminator: str = ""
    sensitive: bool = False


class Asking(Node, frozen=True, kw_only=True):
    """A question with its limits. `max_silent` and `max_invalid` count tries, not retries."""

    prompt: Prompt
    invalid: Prompt | None = None
    silent: Prompt | None = None
    max_silent: Limit = 2
    max_invalid: Limit = 3
    first_timeout: Seconds = 5
    digit_timeout: Seconds = 3

    prompts: ClassVar[tuple[str, ...]] = ("prompt", "invalid", "silent")
    spoken_by_default: ClassVar[tuple[str, ...]] = ("invalid", "silent")

    def reading(self) -> Reading:
        """What to read."""
        raise NotImplementedError

    def accept(self, turn: Turn, digits: str) -> bool:
        """Take an answer: move on and return True, or return False if it is none."""
        raise NotImplementedError

    def surrender(self, turn: Turn) -> None:
        """The limit is reached."""
        raise NotImplementedError

    def ask(self, turn: Turn) -> None:
        """The words themselves."""
        turn.say(self.prompt)

    def enter(self, turn: Turn) -> None:
        self.ask(turn)
        reading = self.reading()
        turn.wait(
            Ask(
                speech=(),
                max_digits=reading.max_digits,
                first_timeout=self.first_timeout,
                digit_timeout=self.digit_timeout,
                terminator=reading.terminator,
                sensitive=reading.sensitive,
            )
        )

    def resume(self, turn: Turn, said: Input) -> None:
        pressed = said if isinstance(said, Pressed) else None
        digits = pressed.digits if pressed else ""
        if digits and self.accept(turn, digits):
            return
        # A lone terminator is an answer, if a wrong one: somebody is there.
        if digits or (pressed and pressed.ended == "terminator"):
            turn.invalid += 1
            turn.silent = 0
            turn.say(self.invalid)
        else:
            turn.silent += 1
            turn.say(self.silent if turn.silent < self.max_silent else None)
        if turn.invalid >= self.max_invalid or turn.silent >= self.max_silent:
            self.surrender(turn)
        else:
            self.enter(turn)

"""message: record what the caller has to say; it becomes a case."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from ivr.flow import Prompt
from ivr.nodes.base import Exit, Node, exits
from ivr.protocol import Input, KeepMessage, Record, Recorded
from ivr.turn import Turn

SHORTEST_MESSAGE: Final = 1.0  # seconds: less is a click or a cough


class Message(Node, frozen=True, kw_only=True):
    """Ends by a key, by `silence_seconds` of silence or after `max_seconds`. `empty`: where to go
    when nothing was said (`next` unless given)."""

    prompt: Prompt
    thanks: Prompt | None = None
    next: str
    empty: str | None = None
    max_seconds: Annotated[int, Meta(ge=5, le=600)] = 120
    silence_seconds: Annotated[int, Meta(ge=1, le=30)] = 5

    prompts: ClassVar[tuple[str, ...]] = ("prompt", "thanks")

    def enter(self, turn: Turn) -> None:
        turn.say(self.prompt)
        turn.wait(
            Record(speech=(), max_seconds=self.max_seconds, silence_seconds=self.silence_seconds)
        )

    def resume(self, turn: Turn, said: Input) -> None:
        seconds = said.seconds if isinstance(said, Recorded) else 0.0
        if not seconds >= SHORTEST_MESSAGE:  # nor NaN
            turn.note("nothing said")
            turn.go(self.empty or self.next)
            return
        turn.tell(KeepMessage(seconds=seconds))
        turn.note(f"{seconds:.0f} s")
        turn.say(self.thanks)
        turn.go(self.next)

    def exits(self) -> tuple[Exit, ...]:
        return exits(("next", self.next), ("empty", self.empty))

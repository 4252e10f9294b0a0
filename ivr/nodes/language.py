"""language: let the caller choose one, and remember it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from ivr.nodes.asking import Asking, Reading
from ivr.nodes.base import About, Exit, Mistake, exits
from ivr.nodes.menu import KEYS
from ivr.protocol import RememberLanguage, Speak
from ivr.turn import Turn


class Language(Asking, frozen=True, kw_only=True):
    """Each language's text is spoken by its own voice, one after the other. Skipped when the
    caller's language is known; a silent caller gets the flow's first language."""

    options: Annotated[dict[str, str], Meta(min_length=1)]
    next: str
    remember: bool = True
    skip_known: bool = True

    # The flow's own "sorry" would come in one language, and the question itself says all there is.
    spoken_by_default: ClassVar[tuple[str, ...]] = ()

    def enter(self, turn: Turn) -> None:
        if self.skip_known and turn.language:
            turn.go(self.next)
        else:
            super().enter(turn)

    def ask(self, turn: Turn) -> None:
        turn.say(self.prompt, every=True)

    def reading(self) -> Reading:
        return Reading(max_digits=1)

    def accept(self, turn: Turn, digits: str) -> bool:
        language = self.options.get(digits)
        if language is None:
            return False
        self._choose(turn, language)
        customer = turn.identity.customer_id if turn.identity else None
        if self.remember and customer is not None:
            turn.tell(RememberLanguage(customer_id=customer, language=language))
        turn.note(digits)
        turn.go(self.next)
        return True

    def surrender(self, turn: Turn) -> None:
        # Not remembered: silence is no choice.
        self._choose(turn, turn.spoken)
        turn.go(self.next)

    def _choose(self, turn: Turn, language: str) -> None:
        turn.language = language
        turn.tell(Speak(language=language))

    def exits(self) -> tuple[Exit, ...]:
        return exits(("next", self.next))

    def mistakes(self, about: About) -> Iterator[Mistake]:
        for key, language in self.options.items():
            if key not in KEYS:
                yield ("options", key), f'"{key}" is no key of a telephone (0-9, *, #)'
            if language not in about.languages:
                known = ", ".join(about.languages)
                yield (
                    ("options", key),
                    f'"{language}" is no language of this flow (allowed: {known})',
                )

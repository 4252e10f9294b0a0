"""What every node kind is made of.

A node is a frozen struct whose fields are its keys in YAML; msgspec checks their types, `mistakes`
what types cannot say. `enter` is called when the call arrives at it, `resume` with the answer it
waited for. Both only use the turn; neither may raise, whatever the input is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from ivr.flow import Prompt
from ivr.protocol import Input
from ivr.turn import Turn

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,40}$")]
Seconds = Annotated[int, Meta(ge=1, le=600)]
Limit = Annotated[int, Meta(ge=1, le=9)]
# For people of the house, whatever the callers speak: a text, or one for each language they read.
Label = str | dict[Literal["en", "zh"], str]


class Exit(Struct, frozen=True, kw_only=True):
    """A way out of a node. `key`: its place in YAML. `silent`: taken although nobody pressed."""

    key: tuple[str, ...]
    target: str
    silent: bool = True


class About(Struct, frozen=True, kw_only=True):
    """What a node's own check may know: the flow's languages and the queues there are."""

    languages: tuple[str, ...]
    queues: frozenset[str] | None  # None: not known, not checked


Mistake = tuple[tuple[str | int, ...], str]  # place below the node, what is wrong


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every kind."""

    kind: str
    label: Label = ""  # how the agent's card calls this step; the node's name unless said

    # The keys that hold a prompt. `spoken_by_default`: taken from the flow's prompts of that name.
    prompts: ClassVar[tuple[str, ...]] = ()
    spoken_by_default: ClassVar[tuple[str, ...]] = ()

    def enter(self, turn: Turn) -> None:
        """Say, ask, decide."""
        raise NotImplementedError

    def resume(self, turn: Turn, _said: Input, /) -> None:
        """The answer to what `enter` asked. A kind that never waits ends up here never."""
        turn.queue("")

    def exits(self) -> tuple[Exit, ...]:
        """Every way out to another node."""
        return ()

    def mistakes(self, _about: About, /) -> Iterator[Mistake]:
        """What is wrong with this node by itself."""
        return iter(())

    def all_prompts(self) -> Iterator[tuple[tuple[str, ...], Prompt]]:
        """Every prompt of this node with its place."""
        for key in self.prompts:
            prompt = getattr(self, key)
            if isinstance(prompt, Prompt):
                yield (key,), prompt
            elif isinstance(prompt, dict):
                for each, inner in prompt.items():
                    yield (key, each), inner


def exits(*ways: tuple[str, str | None], silent: bool = True) -> tuple[Exit, ...]:
    """Exits of keys that hold one target each; those not given are left out."""
    return tuple(Exit(key=(key,), target=to, silent=silent) for key, to in ways if to is not None)

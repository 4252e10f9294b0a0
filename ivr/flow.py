"""What a checked flow is: a graph of nodes, and the prompts they speak.

Flows are made by `ivr/loader.py` only, which refuses what cannot work; the engine trusts them.
Called flows are copied in at the place of the call (`call` node `x` of flow `lookup` gives nodes
`x/ask`, `x/tell` ...), so that the graph is finite, has no stack, and can be checked as a whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

if TYPE_CHECKING:
    from ivr.nodes.base import Node

Reason = Literal["full", "timeout", "closed"]
REASONS: tuple[Reason, ...] = ("full", "timeout", "closed")


class Prompt(Struct, frozen=True, kw_only=True):
    """One thing to say: a text per language. `flow` and `name` find a recorded replacement."""

    flow: str
    name: str
    texts: dict[str, str]


class Clip(Struct, frozen=True, kw_only=True):
    """One static piece of speech: always known when the flow is loaded, never a caller's text."""

    flow: str
    name: str
    language: str
    text: str


class Placed(Struct, frozen=True, kw_only=True):
    """A node where it stands: its full name is its key in `Flow.nodes`.

    `prefix` goes before the names of its targets; `back` is where a `return` goes.
    """

    node: Node
    label: str
    label_zh: str = ""  # '' when `label` serves both languages
    prefix: str = ""
    back: str | None = None

    def full(self, target: str) -> str:
        """The full name of one of this node's targets."""
        return self.prefix + target


class Flow(Struct, frozen=True, kw_only=True):
    """A flow that passed every check. `after` says where a call goes on that a queue gave up."""

    name: str
    file: str
    start: str
    languages: tuple[str, ...]  # the first is the default
    nodes: dict[str, Placed]
    after: dict[str, str] = field(default_factory=dict)

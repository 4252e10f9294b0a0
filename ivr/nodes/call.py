"""call: another flow as a part of this one."""

from __future__ import annotations

from ivr.nodes.base import Name, Node
from ivr.turn import Turn


class Call(Node, frozen=True, kw_only=True):
    """Runs `flow` from its start; its `return` nodes come back to `next`.

    The loader replaces the call by the called flow's nodes, under `<this node>/`.
    """

    flow: Name
    next: str

    def enter(self, turn: Turn) -> None:
        turn.queue("")  # cannot be: the loader left none

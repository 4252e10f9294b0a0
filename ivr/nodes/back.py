"""return: the end of a called flow."""

from __future__ import annotations

from ivr.nodes.base import Node
from ivr.turn import Turn


class Return(Node, frozen=True, kw_only=True):
    """Back to the `next` of the `call`; in a flow that nobody called, the call ends."""

    def enter(self, turn: Turn) -> None:
        turn.go_back()

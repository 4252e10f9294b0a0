"""One live call on the board: which agents ring, dial, talk and hold, leg by leg."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from cti.events import CallState, LiveCall

OFFERED, ANSWERED, OVER = 1, 2, 3  # a leg's rank: only ever grows


class BoardCall:
    """One live call with its legs; `view` is what the board shows of it."""

    __slots__ = (
        "calling",
        "held",
        "kept",
        "left",
        "ranks",
        "ringing",
        "shown",
        "talking",
        "view",
    )

    def __init__(self, view: LiveCall) -> None:
        self.view = view
        self.shown = view  # as the last delta told it
        self.ringing: dict[str, str] = {}  # leg -> agent
        self.calling: dict[str, str] = {}  # leg that dials -> agent
        self.talking: dict[str, str] = {}
        self.held: set[str] = set()
        self.kept: dict[str, str] = {}  # lost leg -> the agent it is kept for
        self.ranks: dict[str, int] = {}
        self.left: dict[str, datetime] = {}  # queue -> when it was last left

    @classmethod
    def loaded(cls, view: LiveCall) -> Self:
        """A replica's call: it knows which agents ring and talk, and of their legs nothing."""
        call = cls(view)
        call.ringing = {f"?{agent}": agent for agent in view.ringing}
        call.calling = {f"?{agent}": agent for agent in view.calling}
        call.talking = {f"?{agent}": agent for agent in view.agents}
        call.kept = {f"?{agent}": agent for agent in view.kept_for}
        if view.state == "held":
            call.held = {"?"}
        return call

    def state(self) -> CallState:
        """What the call as a whole does now."""
        if self.talking:
            return "held" if self.held else "talking"
        if self.kept:
            return "reconnecting"
        if self.ringing:
            return "ringing"
        if self.view.queue is not None and self.view.queued_at is not None:
            return "waiting"
        return "calling" if self.calling else "menu"

    def forward(self, leg: str, rank: int) -> bool:
        """Move a leg to `rank`; False if it is there or further already."""
        if self.ranks.get(leg, 0) >= rank:
            return False
        self.ranks[leg] = rank
        return True

    def forget_kept(self, leg: str, agent: str) -> None:
        """Nobody waits any more for whoever was lost on this leg."""
        for key in (leg, f"?{agent}"):
            self.kept.pop(key, None)

    def agent_is_back(self, agent: str) -> None:
        """The agent is on the call again, by another leg."""
        self.kept = {leg: each for leg, each in self.kept.items() if each != agent}

    def drop(self, leg: str, agent: str) -> None:
        """The leg neither rings, dials, talks nor holds any more."""
        for key in (leg, f"?{agent}"):
            self.ringing.pop(key, None)
            self.calling.pop(key, None)
            self.talking.pop(key, None)
            self.held.discard(key)

"""Legs and calls as the interpreter remembers them while they live."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from cti.events import EndedBy, OfferEnd, Party


class Leg:
    """One channel. `call` is the conversation it belongs to now."""

    __slots__ = (
        "address",
        "agent",
        "answered",
        "bridge",
        "call",
        "channel",
        "handed_on",
        "hanging_up",
        "held",
        "id",
        "joined_at",
        "left_by",
        "offer",
        "other_half",
        "parked",
        "party",
        "queue",
        "recording",
        "refused",
        "released",
        "talked",
        "through",
        "turned_away",
    )

    def __init__(self, leg_id: str, channel: str, call: Call, agent: str | None) -> None:
        self.id = leg_id
        self.channel = channel
        self.call = call
        self.agent = agent
        self.address = ""
        self.party: Party = "agent" if agent else "external"
        self.queue: str | None = None  # that offered it
        self.offer: OfferEnd | bool = False  # False: never offered, True: rings, else how it ended
        self.refused = False  # its owner hung up while it rang
        self.answered = False
        self.released = False
        self.hanging_up = False  # its owner hung up
        self.handed_on = False  # its owner transferred the call away
        self.held = False  # it holds the other side
        self.parked = False  # it waits in a parking place
        self.recording = ""  # the file it is recorded to
        self.bridge: str | None = None
        self.joined_at: datetime | None = None
        self.left_by: EndedBy | None = None  # who hung up beside it
        self.talked = 0.0
        self.other_half = ""  # of a Local channel, the leg at its other end
        self.turned_away: datetime | None = None  # when a queue did not let it in
        self.through = ""  # the far half of the Local channel that dialled it

    @property
    def is_local(self) -> bool:
        """A Local channel: plumbing between two legs, nobody's phone."""
        return self.channel.startswith("Local/")


class Waiting:
    """A caller in a queue."""

    __slots__ = ("joined_at", "leg_id", "queue")

    def __init__(self, queue: str, leg_id: str, joined_at: datetime) -> None:
        self.queue = queue
        self.leg_id = leg_id
        self.joined_at = joined_at


class Kept(NamedTuple):
    """For whom the other party is kept: the agent, the leg that was lost, seconds talked on it."""

    agent: str
    leg_id: str
    talked: float


class Call:
    """One conversation and its legs."""

    __slots__ = (
        "arrived_at",
        "by",
        "by_leg",
        "called_in",
        "cause",
        "gone",
        "id",
        "kept",
        "legs",
        "own",
        "waiting",
    )

    def __init__(self, call_id: str, arrived_at: datetime) -> None:
        self.id = call_id
        self.arrived_at = arrived_at
        self.legs: dict[str, Leg] = {}
        self.waiting: Waiting | None = None
        self.kept: Kept | None = None  # an agent's device was lost: the others wait for it
        self.by: EndedBy | None = None  # who hung up first since the last bridging
        self.by_leg = ""  # on which leg that was
        self.gone: dict[str, EndedBy] = {}  # names of channels that ended -> who was there
        self.called_in = False  # somebody outside called, rather than was called
        # Of a call that somebody's program places for an agent, whose telephone is rung first: that
        # leg; "" while only a Local channel is there that leads to it. None: of any other call.
        self.own: str | None = None
        self.cause: int | None = None  # of the last leg that ended and was more than rung

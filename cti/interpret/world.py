"""What the interpreter knows of one Asterisk: legs, the calls they make up, who is bridged.

What happens to them, a module each: channels, offers, queues, bridges, hangups, merges. Every
function there tells what happened by appending facts to `out`, and tolerates ids that were never
seen and news that was heard before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from cti.conversation import Conversations
from cti.events import Fact
from cti.interpret.legs import Call, Leg

Facts = list[Fact]

# Numbers that only agents reach: places of parked calls (res_parking.conf).
PARK, PLACES = "700", 20
PARKING = frozenset(str(number) for number in range(700, 701 + PLACES))


class About(TypedDict):
    """What every fact about a call says: when, where, of which."""

    at: datetime
    system: str
    call_id: str


class World:
    """One Asterisk's live legs and calls.

    `extensions` maps an agent's name (which is the endpoint's) to their extension.
    """

    def __init__(self, system: str, extensions: Mapping[str, str]) -> None:
        self.system = system
        self.extensions = extensions
        self.internal = frozenset(extensions.values())
        self.ids = Conversations(system)
        self.legs: dict[str, Leg] = {}
        self.over: dict[str, None] = {}  # legs that are gone, oldest first
        self.calls: dict[str, Call] = {}
        self.bridges: dict[str, dict[str, Leg]] = {}
        self.halves: dict[str, str] = {}  # of a Local channel whose beginning was not told yet
        self.expected: dict[str, str] = {}  # uniqueid we chose at Originate -> what is dialled

    def about(self, at: datetime, call_id: str) -> About:
        """What every fact about a call says."""
        return {"at": at, "system": self.system, "call_id": call_id}

    def agent_of(self, channel: str) -> str | None:
        """The agent whose device `PJSIP/<agent>-xxxxxxxx` is, None for any other channel."""
        if not channel.startswith("PJSIP/"):
            return None
        name = channel[6:].rpartition("-")[0]
        return name if name in self.extensions else None


def seconds(since: datetime, until: datetime) -> float:
    """Never negative: Asterisk's clock may jump."""
    return max(0.0, (until - since).total_seconds())

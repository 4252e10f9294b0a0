"""Wishes of people, for the one bridge that may act on Asterisk.

A wish is sent with `Bus.request` and answered by `CommandDone` or `CommandRefused`; the bridge
carries it out with one function a wish (`cti/commands.py`). Extensions are checked here, at
construction, so that nothing unchecked can travel.
"""

from __future__ import annotations

import re

from msgspec import Struct

# What may be dialled: digits with an optional +, or the name of an extension such as q-support.
DIALLABLE = re.compile(r"\A(?:\+?[0-9*#]{1,20}|q-[a-z0-9_-]{1,40})\Z")
# What an agent may be called: it becomes an endpoint's name.
AGENT_NAME = re.compile(r"\A[a-z][a-z0-9_-]{0,31}\Z")


class Wish(Struct, frozen=True, kw_only=True, tag_field="wish", tag=True):
    """A wish. Raises ValueError at construction if a field may not travel."""


class AgentWish(Wish, frozen=True, kw_only=True):
    """A wish of one agent."""

    agent: str

    def __post_init__(self) -> None:
        if not AGENT_NAME.match(self.agent):
            raise ValueError(f"not an agent's name: {self.agent!r}")


class SignIn(AgentWish, frozen=True, kw_only=True):
    """Join one's queues."""


class SignOut(AgentWish, frozen=True, kw_only=True):
    """Leave all queues."""


class Pause(AgentWish, frozen=True, kw_only=True):
    """Take no calls, for a reason out of the settings' `pause_reasons`."""

    reason: str


class Unpause(AgentWish, frozen=True, kw_only=True):
    """Take calls again."""


class EndWrapUp(AgentWish, frozen=True, kw_only=True):
    """Done with the after-call work before its limit."""


class HangUp(AgentWish, frozen=True, kw_only=True):
    """End the agent's own leg of a call; also rejects one that rings."""

    call_id: str


class BlindTransfer(AgentWish, frozen=True, kw_only=True):
    """Hand the other party on to `to` and leave."""

    call_id: str
    to: str

    def __post_init__(self) -> None:
        AgentWish.__post_init__(self)
        if not DIALLABLE.match(self.to):
            raise ValueError(f"not an extension: {self.to!r}")


class MayDial(AgentWish, frozen=True, kw_only=True):
    """Whether the agent may dial `to` now, by the telephone in their page; nothing rings.

    The reply's `detail` is what that telephone is to dial.
    """

    to: str

    def __post_init__(self) -> None:
        AgentWish.__post_init__(self)
        if not DIALLABLE.match(self.to):
            raise ValueError(f"not an extension: {self.to!r}")


class Originate(AgentWish, frozen=True, kw_only=True):
    """Ring the agent's own device, then dial `to`; `name` is shown there beside the number."""

    to: str
    name: str = ""

    def __post_init__(self) -> None:
        AgentWish.__post_init__(self)
        if not DIALLABLE.match(self.to):
            raise ValueError(f"not an extension: {self.to!r}")


class BoardWanted(Wish, frozen=True, kw_only=True):
    """Ask for the bridge's `BoardSnapshot`."""


class CommandDone(Struct, frozen=True, kw_only=True, tag_field="reply", tag=True):
    """Carried out; `board` answers `BoardWanted` (a msgspec-encoded BoardSnapshot)."""

    detail: str = ""
    board: bytes = b""


class CommandRefused(Struct, frozen=True, kw_only=True, tag_field="reply", tag=True):
    """Not carried out; `reason` is one line for a person.

    What varies stands in `{holes}` of the reason and in `values`, so that others can say it in
    another language: a reason is never put together where it is given.
    """

    reason: str
    values: dict[str, str] = {}

    def __str__(self) -> str:
        return self.reason.format_map(self.values) if self.values else self.reason


Reply = CommandDone | CommandRefused

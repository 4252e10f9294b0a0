"""What carries out a wish, and how it says that it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct, field

from cti.ami.wire import Message
from cti.interpret import Interpreter
from cti.roster import AgentPlan, Roster

ANSWER = 5.0  # seconds that Asterisk has for one action


class Ami(Protocol):
    """What commands need of `cti.ami.link.AmiLink`."""

    mark: str

    async def action(
        self,
        name: str,
        /,
        *,
        headers: Sequence[tuple[str, str]] = (),
        timeout: float = ANSWER,
        **fields: str,
    ) -> Message:
        """Send one action; raises an AmiError."""
        ...


def anything(number: str) -> str:
    """No number is denied."""
    return number


class Switchboard(Struct, frozen=True):
    """What carries out a wish: the link, what is known of agents and calls, what may be dialled.

    `reach`: number as typed -> as it is dialled, "" if it may not be.
    """

    link: Ami
    roster: Roster
    interpreter: Interpreter
    reach: Callable[[str], str] = anything
    dialled: dict[str, float] = field(default_factory=dict)  # agent -> when, by `time.monotonic`
    begins: dict[str, asyncio.Event] = field(default_factory=dict)  # leg -> set when it is there


class Refused(Exception):
    """A wish cannot be carried out: `text` and `values` as `CommandRefused` has them."""

    def __init__(self, text: str, **values: str) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


def plan_of(board: Switchboard, agent: str) -> AgentPlan:
    """The agent as the settings have them."""
    plan = board.roster.plans.get(agent)
    if plan is None:
        raise Refused("There is no agent {agent} in the settings.", agent=agent)
    return plan

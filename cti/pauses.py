"""Wrap-up as a pause of ours in Asterisk, so that no call comes meanwhile; and its end in time.

What the roster says is made true at Asterisk's queues, again and again until it is. Nothing here
decides who is paused: `Roster` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from cti import commands
from cti.errands import Errands
from cti.roster import WRAP_UP, Roster
from cti.switchboard import Switchboard

LONGEST_NAP = 30.0  # seconds between two looks at the clock


class Pauses:
    """The pauses of one Asterisk's agents. The owner runs `keep` and `keep_time` as tasks.

    `tick` is called whenever a limit of the roster may have passed, and twice a minute at least.
    """

    def __init__(
        self,
        roster: Roster,
        switchboard: Switchboard,
        *,
        clock: Callable[[], datetime],
        tick: Callable[[datetime], None],
    ) -> None:
        self._roster = roster
        self._switchboard = switchboard
        self._clock = clock
        self._tick = tick
        self._wrapping: set[str] = set()
        self._errands = Errands("bridge.pause_failed", self._make_true, given_up=roster.forget_wish)
        self._clock_wanted = asyncio.Event()

    def mind(self, agent: str) -> None:
        """An agent changed: if their wrap-up began or ended, Asterisk is told.

        So it is while a caller is kept for them: no other may ring before.
        """
        if self._roster.states[agent].keeps_calls_away:
            if agent not in self._wrapping:
                self._wrapping.add(agent)
                self._errands.want(agent)
                self._clock_wanted.set()
        elif agent in self._wrapping:
            self._wrapping.discard(agent)
            self._errands.want(agent)

    def say_again(self) -> None:
        """The link was away: whoever wraps up is paused anew, whatever Asterisk has kept of it."""
        for agent, state in self._roster.states.items():
            if state.keeps_calls_away:
                self._wrapping.add(agent)
                self._errands.want(agent)

    def own(self) -> dict[str, str]:
        """Who pauses, and why."""
        found = ((name, self._roster.pause_of(name)) for name in self._roster.states)
        return {name: reason for name, reason in found if reason is not None}

    def restore(self, paused: Mapping[str, str]) -> None:
        """Asterisk started anew: it has kept the pauses of those who sign in, and no other's."""
        for agent, reason in paused.items():
            state = self._roster.states[agent]
            if state.queues and state.pause is None:
                self.put_aside(agent, reason)

    def put_aside(self, agent: str, reason: str | None) -> None:
        """We, not the agent, wish a pause for this reason, or (None) its end."""
        self._roster.wish_pause(agent, reason)
        self._errands.want(agent)

    @property
    def idle(self) -> bool:
        """Whether Asterisk has been told of every pause."""
        return self._errands.idle

    async def keep(self) -> None:
        """Make Asterisk's pauses what they should be, until cancelled."""
        await self._errands.keep()

    async def _make_true(self, agent: str) -> None:
        """The pause is the agent's own, else the wrap-up's, else none.

        A pause asked for meanwhile is not undone, even if Asterisk's event of it is still on its
        way.
        """
        state = self._roster.states[agent]
        if not state.queues:
            return
        wrap_up = WRAP_UP if state.keeps_calls_away else None
        own = self._roster.pause_of(agent)
        await commands.pause_member(self._switchboard, agent, own or wrap_up)

    async def keep_time(self) -> None:
        """Let time pass for the owner: until the next limit, or a wrap-up that brings one."""
        while True:
            limit = self._roster.next_limit()
            nap = LONGEST_NAP
            if limit is not None:
                nap = min(max((limit - self._clock()).total_seconds(), 0.02), LONGEST_NAP)
            try:
                async with asyncio.timeout(nap):
                    await self._clock_wanted.wait()
            except TimeoutError:
                pass
            self._clock_wanted.clear()
            self._tick(self._clock())

"""Whom a queue's call is offered to, where Asterisk's own rules are not enough.

- Who let a call ring out (`missed_limit` in a row), or rejects the same one again and again, is
  paused until they show that they are there.
- Who declined a call comes after the others for that call.
- A caller whom somebody free could take is not kept waiting by a prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from cti import commands
from cti import events as e
from cti.agent_state import AWAY
from cti.ami.wire import Message
from cti.board import Board
from cti.declined import NOT_TAKEN, Declined, Place
from cti.errands import Errands
from cti.events import AgentChanged, Fact
from cti.hurry import Hurry
from cti.missed import Away, Missed
from cti.pauses import Pauses
from cti.switchboard import Switchboard


class Offering:
    """Of one Asterisk. The owner tells it what happens, and runs `keep` as a task."""

    def __init__(self, switchboard: Switchboard, board: Board, pauses: Pauses) -> None:
        self._switchboard = switchboard
        self._roster = switchboard.roster
        self._board = board
        self._pauses = pauses
        self._missed = Missed(self._roster.queues)
        self._declined = Declined(self._roster.plans)
        self._penalties = Errands("bridge.penalty_failed", self._set_penalty)
        self._hurry = Hurry(
            switchboard.link,
            held_up=self._held_up,
            settled=lambda: self._penalties.idle and pauses.idle,
        )

    async def keep(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._penalties.keep(), name="bridge-penalties")
            tasks.create_task(self._hurry.keep(), name="bridge-hurry")

    def heard(self, fact: Fact) -> None:
        """A fact, after board and roster have moved by it."""
        away = self._missed.apply(fact)
        if away is not None:
            self._put_aside(away)
        for place in self._declined.apply(fact):
            self._penalties.want(place)
        match fact:
            case e.CallAnswered() | e.CallArrived() if fact.agent:
                self._is_there(fact.agent)
            case e.CallQueued():
                self._hurry.want(fact.queue)
            case e.CallOfferEnded() if fact.reason in NOT_TAKEN:
                call = self._board.call(fact.call_id)
                if call is not None and call.queue is not None and call.queued_at is not None:
                    self._hurry.want(call.queue)

    def changed(self, change: AgentChanged) -> None:
        """An agent is another than before."""
        if change.status in {"paused", "signed_out"}:
            self._missed.forget(change.agent)
        if change.status == "available":
            for queue in change.queues:
                self._hurry.want(queue)

    def resync(self, members: Iterable[Message]) -> None:
        """Compare with `QueueMember` items: a penalty that was raised before us is put back."""
        for place in self._declined.resync(members):
            self._penalties.want(place)

    def _put_aside(self, away: Away) -> None:
        agent = away.agent
        if away.queue.ring_all and not self._others(agent, away.queue.name):
            return  # all were rung, and all put aside the queue would ring nobody any more
        self._missed.forget(agent)
        state = self._roster.states.get(agent)
        if state is not None and state.queues and self._roster.pause_of(agent) is None:
            self._pauses.put_aside(agent, away.reason)

    def _others(self, agent: str, queue: str) -> bool:
        """Whether somebody else takes calls of this queue, now or after one."""
        return any(
            queue in state.queues and self._roster.pause_of(name) is None and state.reachable
            for name, state in self._roster.states.items()
            if name != agent
        )

    def _is_there(self, agent: str) -> None:
        """Who takes a call of whatever kind, or places one, answers again."""
        if agent in self._roster.states and self._roster.pause_of(agent) in AWAY:
            self._pauses.put_aside(agent, None)

    async def _set_penalty(self, place: Place) -> None:
        await commands.set_penalty(self._switchboard, *place, self._declined.penalty(place))

    def _held_up(self, queue: str) -> Sequence[str]:
        free = {
            name
            for name, state in self._roster.states.items()
            if state.status == "available" and queue in state.queues
        }
        channels: list[str] = []
        for call_id in self._board.waiting(queue) if free else ():
            call = self._board.call(call_id)
            if call is None or call.state != "waiting":
                continue
            # Who declined it is rung again by Asterisk's own time, if nobody else is there.
            takers = free - self._declined.by(call_id)
            channel = self._switchboard.interpreter.waiting_channel(call_id)
            if takers and channel is not None:
                channels.append(channel)
                free.remove(min(takers))
            if not free:
                break
        return channels

"""What each screen shows now, fed from the bus, out of the board, parts, cards and names.

`on_fact` runs inside `publish`: it moves the replica and the desks it touches at once (the screen
pop), and the board, which many facts move, a tenth of a second later. Nothing here waits for a
database; what must be read is read by a task, and shown when it is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from agent_console.context import ConsoleContext
from agent_console.live import shown
from agent_console.live.alarms import Alarms
from agent_console.live.alarms import Read as ReadAlarms
from agent_console.live.cards import Build, Cards
from agent_console.live.holders import Holders
from agent_console.live.hub import Hub, Key
from agent_console.live.last_calls import LastCalls
from agent_console.live.last_calls import Read as ReadLast
from agent_console.live.names import Names
from agent_console.live.names import Read as ReadNames
from agent_console.live.parts import Parts
from agent_console.live.presenting import Present, Presenting
from agent_console.live.replica import Replica
from agent_console.live.state import Sections
from agent_console.live.today import Today
from agent_console.queue_days import QueueDays, as_counted, longest_since
from agent_console.queue_days import Read as ReadDays
from agent_console.tasks import Tasks
from cti.bus import BusRestored
from cti.events import (
    BoardResynced,
    BoardSnapshot,
    CallArrived,
    CallEnded,
    CallMerged,
    CallQueued,
    CallReleased,
    Fact,
    LinkLost,
    LinkRestored,
    LiveAgent,
)
from cti.wishes import BoardWanted, CommandDone
from service_desk.events import (
    AlarmsChanged,
    CardChanged,
    CaseChanged,
    CaseOpened,
    DeskEvent,
    FollowUpChanged,
    PhoneHeld,
    StaffChanged,
)

BOARD_EVERY = 0.1  # seconds between two deltas of the board
RETRY = 2.0  # seconds until the bridge is asked again for its board
TICK = 1.0  # seconds: midnight passes without a fact
KEEP_CARD = 120.0  # seconds a card stays after the call's end, if nobody wraps it up

DESK, BOARD = "desk", "board"


class Screens:
    """The state behind both topics, and the hub that carries it."""

    def __init__(
        self,
        context: ConsoleContext,
        hub: Hub,
        *,
        build_card: Build,
        today: Today,
        names: ReadNames,
        present: Present | None = None,
        last: ReadLast | None = None,
        alarms: ReadAlarms | None = None,
        days: ReadDays | None = None,
    ) -> None:
        self.hub = hub
        self.today = today
        self._context = context
        self._tasks = Tasks()
        self._parts = Parts()
        self.holders = Holders(context, self._tasks, self._publish_desk)
        self._presenting = Presenting(present, self._tasks) if present else None
        self._last = LastCalls(last, self._parts, self._publish_desk, self._tasks) if last else None
        self._alarms = Alarms(alarms, self._board_soon, self._tasks) if alarms else None
        self._days = QueueDays(days, self._board_soon, self._tasks) if days else None
        self.cards = Cards(build_card, self._card_changed, self._tasks)
        self._names = Names(names, self._all_soon, self._tasks)
        self._replica = Replica(context)
        self._languages: dict[str, str] = {}  # agent -> language of the desk they look at
        self._started = context.desk.clock.now()
        self._seeded = False
        self._board_due = False
        self._over: deque[tuple[float, str]] = deque()  # when to forget the card of which call
        self._undo: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Subscribe, read the names, ask the bridge for its board."""
        bus = self._context.bus
        self._undo = [
            bus.subscribe(Fact, self.on_fact),
            bus.subscribe(DeskEvent, self.on_desk_event),
            bus.subscribe(BusRestored, self._on_bus_restored),
        ]
        self.today.listen(self._today_changed, self._tasks)
        self._names.want()
        self._read_alarms()
        self._read_days()
        self._tasks.start(self._seed())
        self._tasks.start(self._tick())

    async def close(self) -> None:
        """Unsubscribe and end every task."""
        for undo in self._undo:
            undo()
        self._undo = []
        await self._tasks.close()

    # -- what is shown ----------------------------------------------------------------------

    def watch_desk(self, agent: str, language: str) -> None:
        """Somebody opens this agent's desk, in this language."""
        self._languages[agent] = language
        for call_id in self._parts.of(agent):
            card = self.cards.any(call_id)
            if card is not None and card.missing:
                self.cards.invalidate(call_id)
        self.today.want(agent)
        if self._last is not None:
            self._last.want(agent)

    def watch_board(self) -> None:
        """Somebody opens the board: what is missing on it is read again."""
        for part in (self._alarms, self._days):
            if part is not None and part.missing:
                part.want()

    def agents_of(self, call_id: str) -> list[str]:
        """Who has part in a call: ringing, talking, or in wrap-up."""
        return self._parts.agents_of(call_id)

    def desk(self, agent: str) -> Sections:
        """The sections of one agent's desk; only calls this agent has part in."""
        parts = self._parts.of(agent)
        language = self._languages.get(agent, self._context.languages[0])
        live = self._replica.view.agents.get(agent)
        cards = {}
        calls = {}
        for call_id, part in parts.items():
            card = self.cards.get(call_id, language)
            if card is not None:
                cards[call_id] = card
                if self._presenting is not None:
                    self._presenting.shown(agent, part, card)
            calls[call_id] = shown.call_on_desk(part, card)
        me = shown.plain(live or LiveAgent(agent=agent, status="signed_out", since=self._started))
        me["name"] = self._names.of(agent)
        me["stale_since"] = shown.moment(self._replica.view.stale_since)
        last = self._parts.last_of(agent)
        last_card = self.cards.get(last.call_id, language) if last is not None else None
        return {
            "me": {"me": me},
            "call": calls,
            "card": cards,
            "last": shown.last_call(last, last_card),
            "today": {"today": self.today.of(agent)},
            "phone": {"phone": {"browser": self.holders.of(agent)}},
        }

    def forget_last(self, agent: str) -> None:
        """The agent is done with the call they just had."""
        self._parts.forget_last(agent)
        self._publish_desk(agent)

    def board(self) -> Sections:
        """The sections of the supervisors' board."""
        calls = self._replica.view.calls
        return {
            "queues": {
                name: shown.queue_on_board(
                    as_counted(queue, self._days.day if self._days is not None else None),
                    self._context.title_of(queue.queue),
                    longest_since(queue, calls),
                )
                for name, queue in self._replica.view.queues.items()
            },
            "agents": {
                name: {**shown.plain(agent), "name": self._names.of(name)}
                for name, agent in self._replica.view.agents.items()
            },
            "calls": {
                call_id: shown.call_on_board(call, self.cards.any(call_id))
                for call_id, call in calls.items()
            },
            "link": {"link": self._link()},
            "alarms": dict(self._alarms.on) if self._alarms is not None else {},
        }

    def _link(self) -> dict[str, Any]:
        parts = (("alarms", self._alarms), ("figures", self._days))
        return {
            "stale_since": shown.moment(self._replica.view.stale_since),
            "missing": [name for name, part in parts if part is not None and part.missing],
        }

    # -- what moves it ----------------------------------------------------------------------

    def on_fact(self, fact: Fact) -> None:
        """Move by one fact, and send what changed."""
        if isinstance(fact, BoardResynced):
            self._seeded = True
        delta = self._replica.apply(fact)
        touched = self._parts.apply(fact, delta)
        self._read_for(fact)
        if isinstance(fact, LinkLost | LinkRestored | BoardResynced):
            touched.update(self.hub.owners(DESK))
        for agent in touched:
            self._publish_desk(agent)
        if delta:
            self._board_soon()

    def _read_for(self, fact: Fact) -> None:
        """Have read what this fact makes wanted, or stale, or of no more use."""
        match fact:
            case CallArrived():
                self.cards.expect(fact.call_id)
            case CallQueued():
                self._read_ahead(fact.call_id)
            case CallReleased():
                self.today.renew(fact.agent)
            case CallEnded():
                self._forget_later(fact.call_id)
            case CallMerged():
                self._forget_later(fact.absorbed)
            case _:
                pass

    def on_desk_event(self, event: DeskEvent) -> None:
        """Something was written: renew what shows it."""
        if isinstance(event, CardChanged | CaseChanged | CaseOpened):
            self._read_days()  # the intake tells so of calls, once their visits are written
        match event:
            case CardChanged(call_id=call_id):
                self._renew_card(call_id)
            case CaseOpened():
                if event.call_id is not None:
                    self._renew_card(event.call_id)
            case FollowUpChanged(owner=owner):
                self.today.renew(owner)
            case CaseChanged(case_id=case_id, agents=agents):
                for agent in self.hub.owners(DESK):
                    # A busy floor changes cases all the time: only those whose day it is read.
                    if agents is None or agent in agents:
                        self.today.renew(agent)
                    self._renew_cards_of(case_id, agent)
            case AlarmsChanged():
                self._read_alarms()
            case StaffChanged():
                self._names.want()
            case PhoneHeld():
                self.holders.told(event)
            case _:
                pass

    def _renew_cards_of(self, case_id: int, agent: str) -> None:
        """What the telephone did to a case goes to the cards somebody looks at, and to no others:
        a busy queue changes many cases that are on no screen."""
        last = self._parts.last_of(agent)
        for call_id in (*self._parts.of(agent), *((last.call_id,) if last else ())):
            card = self.cards.any(call_id)
            if card is not None and card.case is not None and card.case.id == case_id:
                self.cards.invalidate(call_id)

    def _renew_card(self, call_id: str) -> None:
        self._read_ahead(call_id)
        self.cards.invalidate(call_id)

    def _read_ahead(self, call_id: str) -> None:
        """Have the cards of a live call ready in the languages of those who may get it."""
        if not self._replica.lives(call_id):
            return
        owners = self.hub.owners(DESK)
        for language in {self._languages.get(a, self._context.languages[0]) for a in owners}:
            self.cards.want(call_id, language)
        if not owners and self.hub.listened(Key(BOARD)):
            self.cards.want(call_id, self._context.languages[0])

    def _card_changed(self, call_id: str) -> None:
        for agent in self._parts.agents_showing(call_id):
            self._publish_desk(agent)
        self._board_soon()

    def _today_changed(self, agent: str) -> None:
        self._publish_desk(agent)

    def _publish_desk(self, agent: str) -> None:
        key = Key(DESK, agent)
        if self.hub.listened(key):
            self.hub.publish(key, self.desk(agent))

    def _all_soon(self) -> None:
        for agent in self.hub.owners(DESK):
            self._publish_desk(agent)
        self._board_soon()

    def _board_soon(self) -> None:
        if not self._board_due and self.hub.listened(Key(BOARD)):
            self._board_due = True
            self._tasks.start(self._publish_board())

    async def _publish_board(self) -> None:
        await asyncio.sleep(BOARD_EVERY)
        self._board_due = False
        self.flush_board()

    def flush_board(self) -> None:
        """Send the board's listeners what changed since the last delta."""
        key = Key(BOARD)
        if self.hub.listened(key):
            self.hub.publish(key, self.board())

    def _forget_later(self, call_id: str) -> None:
        # No timer each: in a rush twelve thousand calls have ended within these two minutes.
        self._over.append((asyncio.get_running_loop().time() + KEEP_CARD, call_id))

    def _forget_over(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._over and self._over[0][0] <= now:
            self._forget(self._over.popleft()[1])

    def _forget(self, call_id: str) -> None:
        if self._replica.lives(call_id) or self._parts.agents_of(call_id):
            return
        if self._parts.agents_showing(call_id):  # somebody's last call: look again
            self._forget_later(call_id)
        else:
            self.cards.forget(call_id)

    # -- tasks ------------------------------------------------------------------------------

    def _on_bus_restored(self, _event: BusRestored) -> None:
        self._seeded = False
        self._tasks.start(self._seed())
        self._read_alarms()

    async def _seed(self) -> None:
        """Ask the bridge for its board until there is one; a resync from the bus serves as well."""
        while not self._seeded:
            reply = await self._context.bus.request(BoardWanted(), 5.0)
            if isinstance(reply, CommandDone) and reply.board:
                board = msgspec.json.decode(reply.board, type=BoardSnapshot)
                now = self._context.desk.clock.now()
                self.on_fact(BoardResynced(at=now, system="", board=board))
                return
            await asyncio.sleep(RETRY)

    def _read_alarms(self) -> None:
        if self._alarms is not None:
            self._alarms.want()

    def _read_days(self) -> None:
        if self._days is not None:
            self._days.want()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self._forget_over()
            if self._days is not None:
                self._days.tick()
            if self._replica.tick(self._context.desk.clock.now()):
                self._board_soon()

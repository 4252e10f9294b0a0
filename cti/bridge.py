"""The loop: link -> interpreter -> board and roster -> bus; and wishes the other way.

One bridge is active per Asterisk (the `lock` it is given sees to that). After each login it
compares itself with Asterisk before it believes live events: whatever was missed is found there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Self

import msgspec
import structlog

from cti import commands
from cti.ami.errors import AmiError
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.board import LATE, Board
from cti.bus import Bus
from cti.events import (
    AgentChanged,
    BoardResynced,
    BoardSnapshot,
    CallEnded,
    EventsRefused,
    Fact,
    LegStarted,
    LinkLost,
    LinkRestored,
    WrapUpEnded,
)
from cti.interpret import WANTED_EVENTS, Interpreter
from cti.interpret.table import when
from cti.listed import Link, OpenLink, everything
from cti.offering import Offering
from cti.pauses import Pauses
from cti.roster import AgentPlan, QueuePlan, Roster
from cti.switchboard import Switchboard, anything
from cti.wishes import (
    AgentWish,
    BoardWanted,
    CommandDone,
    CommandRefused,
    EndWrapUp,
    Reply,
    SignOut,
    Wish,
)

log = structlog.get_logger(__name__)

BUFFER = 100_000  # events held back during a resync; more means that it takes far too long
REFUSED_EVERY = 2.0  # seconds between two looks whether events were forged: a flood is told once
AUDIT_EVERY = 30.0  # seconds between two looks for hang-ups that were missed

__all__ = ["AgentPlan", "Bridge", "QueuePlan"]


Recall = Callable[[], Awaitable[Sequence[Fact]]]


async def _nothing_told() -> Sequence[Fact]:
    return ()


class Bridge:
    """One Asterisk, live. `async with Bridge(...)` or `await bridge.run()`.

    `zone`: where midnight is, for the queues' counters. `lock` is entered before anything happens
    and left at the end: who cannot have it waits there. `recall` gives the facts of calls that have
    not ended, as the bridge before us told them, oldest first; asked once, it must not raise.
    `reach`: what is dialled when an agent dials a number, or hands a caller on to it; "": denied.
    """

    def __init__(
        self,
        open_link: OpenLink,
        bus: Bus,
        *,
        system: str,
        agents: Mapping[str, AgentPlan],
        queues: Mapping[str, QueuePlan],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        zone: tzinfo = UTC,
        lock: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext,
        recall: Recall = _nothing_told,
        reach: Callable[[str], str] = anything,
    ) -> None:
        now = clock()
        self._system = system
        self._bus = bus
        self._clock = clock
        self._lock = lock
        self._recall: Recall | None = recall
        extensions = {name: plan.extension for name, plan in agents.items()}
        self.interpreter = Interpreter(system, extensions, clock=clock)
        self.roster = Roster(system, agents, queues, now)
        thresholds = {name: plan.threshold for name, plan in queues.items()}
        self.board = Board(thresholds, now=now, zone=zone, agents=agents)
        self.link = open_link(
            wanted=WANTED_EVENTS,
            on_event=self._on_event,
            on_up=self._on_up,
            on_down=self._on_down,
        )
        self._switchboard = Switchboard(self.link, self.roster, self.interpreter, reach)
        self._begins = self._switchboard.begins
        self._pauses = Pauses(self.roster, self._switchboard, clock=clock, tick=self.tick)
        self._offering = Offering(self._switchboard, self.board, self._pauses)
        self._held_back: list[Message] | None = []  # None once the resync is through
        self._boot = ""
        self._refused = 0  # of the link's, what was told
        self._latest = now  # the newest time told: ours must not fall behind Asterisk's clock
        self._after_call: dict[str, str] = {}  # agent -> the call they still work on
        self._synced = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def over_ami(
        cls, host: str, port: int, user: str, secret: str, bus: Bus, **rest: Any
    ) -> Bridge:
        """A bridge over a real AMI link; `rest` as for the constructor."""

        def open_link(**callbacks: Any) -> Link:
            return AmiLink(host, port, user, secret, **callbacks)

        return cls(open_link, bus, **rest)

    async def __aenter__(self) -> Self:
        """Start; see `synced` for when it knows what is going on."""
        self._task = asyncio.create_task(self.run(), name="bridge")
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self._lock():
            undo = self._bus.serve(self._serve)
            # Until the first login the board is not empty but unknown: it says so.
            self._on_down("not connected yet")
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self.link.run(), name="bridge-link")
                    tasks.create_task(self._pauses.keep_time(), name="bridge-time")
                    tasks.create_task(self._pauses.keep(), name="bridge-pauses")
                    tasks.create_task(self._offering.keep(), name="bridge-offering")
                    tasks.create_task(self._keep_true(), name="bridge-audit")
                    tasks.create_task(self._tell_refused(), name="bridge-refused")
            finally:
                undo()

    async def synced(self) -> None:
        """Wait until the bridge has compared itself with Asterisk."""
        await self._synced.wait()

    @property
    def connected(self) -> bool:
        """Whether the link is up and the bridge has compared itself with Asterisk since."""
        return self._synced.is_set()

    @property
    def booted(self) -> datetime | None:
        """When the Asterisk we were last connected to was started; it tells whole seconds."""
        return _boot_time(self._boot)

    @property
    def held_back(self) -> int:
        """Events that wait for the end of a comparison."""
        return len(self._held_back or ())

    def snapshot(self) -> BoardSnapshot:
        """Everything live."""
        return self.board.snapshot()

    def tick(self, now: datetime) -> None:
        """Let time pass: wrap-ups end, counters begin anew."""
        now = self._not_behind(now)
        self.board.tick(now)
        self._tell(self.interpreter.tick(now))
        self._tell_agents(self.roster.tick(now))

    def _now(self) -> datetime:
        return self._not_behind(self._clock())

    def _not_behind(self, now: datetime) -> datetime:
        """Our time, if Asterisk's is not a little ahead of it. Far ahead: its clock jumped."""
        return self._latest if timedelta() < self._latest - now <= LATE else now

    # -- Asterisk speaks ---------------------------------------------------------------------

    def _on_event(self, message: Message) -> None:
        if self._held_back is None:
            self._take(message)
        elif len(self._held_back) < BUFFER:
            self._held_back.append(message)

    def _take(self, message: Message) -> None:
        try:
            self._tell(self.interpreter.feed(message))
            if message.name in MEMBER_NEWS:
                self._tell_agents(self.roster.news(message, when(message, self._clock)))
        except Exception:
            # Where it failed the link logs; which call it was only we know.
            call_id = self.interpreter.call_of(message)
            log.error("bridge.event_failed", event_name=message.name, call_id=call_id)
            raise

    def _tell(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self._latest = fact.at
            self.board.apply(fact)
            self._bus.publish(fact)
            self._tell_agents(self.roster.apply(fact))
            self._offering.heard(fact)
            if isinstance(fact, LegStarted) and (begins := self._begins.get(fact.leg_id)):
                begins.set()

    def _tell_agents(self, changes: Iterable[AgentChanged]) -> None:
        for change in changes:
            self.board.apply(change)
            self._bus.publish(change)
            self._pauses.mind(change.agent)
            self._offering.changed(change)
            self._mind_after_call_work(change)

    def _mind_after_call_work(self, change: AgentChanged) -> None:
        """A wrap-up belongs to its call: when it is over the call is told of it."""
        state = self.roster.states[change.agent]
        if state.wrap_up_until is not None:
            if state.wrap_up_call is not None:
                self._after_call[change.agent] = state.wrap_up_call
            return
        call_id = self._after_call.pop(change.agent, None)
        if call_id is not None:
            call_id = self.interpreter.world.ids.resolve(call_id)
            self._bus.publish(
                WrapUpEnded(at=change.at, system=self._system, call_id=call_id, agent=change.agent)
            )

    def _on_down(self, why: str) -> None:
        self._synced.clear()
        self._held_back = []
        self.roster.forget_wishes()
        self._tell([LinkLost(at=self._now(), system=self._system, why=why)])

    async def _on_up(self) -> None:
        """Compare with Asterisk; then the events that came meanwhile; then live."""
        self._held_back = []
        paused: dict[str, str] = {}
        if self._boot not in {"", self.link.boot}:
            paused = self._pauses.own()
            # Another boot: ids begin anew, and what we knew has ended with the old one.
            now = self._now()
            over_at = max(self._latest, _boot_time(self.link.boot) or now)
            self._tell(self.interpreter.restart(min(over_at, now)))
        self._boot = self.link.boot
        await self._recall_calls()
        there = await everything(self.link)
        if len(self._held_back) >= BUFFER:
            raise RuntimeError("the resync took too long: events were lost")
        now = self._now()
        self._tell(
            self.interpreter.resync(
                now,
                there.channels,
                there.entries,
                waiting_rooms=there.rooms,
                traces=there.traces,
                boot=_boot_time(self._boot),
            )
        )
        legs = {
            name: [leg.id for leg in self.interpreter.legs_of(name)] for name in self.roster.plans
        }
        self._tell_agents(self.roster.resync(now, there.members, legs))
        self._pauses.say_again()
        self._pauses.restore(paused)
        self._offering.resync(there.members)
        held_back, self._held_back = self._held_back, None
        for message in held_back:
            self._take(message)
        now = self._now()
        self.tick(now)
        boot = _boot_time(self._boot) or now
        self._tell([LinkRestored(at=now, system=self._system, boot=boot)])
        self._bus.publish(BoardResynced(at=now, system=self._system, board=self.snapshot()))
        self._synced.set()
        log.info("bridge.synced", channels=len(there.channels), held_back=len(held_back))

    async def _recall_calls(self) -> None:
        """Know what was told before we were, so that the comparison tells only what is new."""
        if self._recall is None:
            return
        facts = await self._recall()
        self._recall = None
        facts = [fact for fact in facts if not isinstance(fact, CallEnded)]
        self.interpreter.recall(facts)
        self.board.recall(facts)
        for change in self.roster.recall(facts):
            self.board.apply(change)
        log.info("bridge.recalled", calls=len(self.interpreter.world.calls))

    async def _keep_true(self) -> None:
        while True:
            await asyncio.sleep(AUDIT_EVERY)
            await self._synced.wait()
            try:
                await self.audit()
            except AmiError as error:
                log.warning("bridge.audit_failed", error=type(error).__name__)

    async def _tell_refused(self) -> None:
        while True:
            await asyncio.sleep(REFUSED_EVERY)
            many = self.link.refused - self._refused
            if many > 0:
                self._refused += many
                log.warning("bridge.events_refused", many=many)
                self._tell([EventsRefused(at=self._now(), system=self._system, many=many)])

    async def audit(self) -> None:
        """Close what Asterisk no longer has: no call rings for ever after a lost hang-up."""
        before = tuple(self.interpreter.world.legs)
        if not before:
            return
        channels = await self.link.listing("CoreShowChannels")
        if self._held_back is None:  # else a resync is under way, which sees more
            self._tell(self.interpreter.audit(self._now(), before, channels))

    # -- people wish -------------------------------------------------------------------------

    async def _serve(self, wish: Wish) -> Reply:
        if isinstance(wish, BoardWanted):
            return CommandDone(board=msgspec.json.encode(self.snapshot()))
        if isinstance(wish, AgentWish) and wish.agent not in self.roster.plans:
            return CommandRefused(
                reason="There is no agent {agent} in the settings.",
                values={"agent": wish.agent},
            )
        if isinstance(wish, EndWrapUp):
            self._tell_agents(self.roster.end_wrap_up(wish.agent, self._now()))
            return CommandDone()
        reply = await commands.carry_out(self._switchboard, wish)
        if isinstance(wish, SignOut) and not self.roster.states[wish.agent].queues:
            # Who was in no queue is removed from none: no event ends what they do after a call.
            self._tell_agents(self.roster.end_wrap_up(wish.agent, self._now()))
        return reply


MEMBER_NEWS = frozenset(
    {"PeerStatus", "QueueMemberAdded", "QueueMemberPause", "QueueMemberRemoved"}
)


def _boot_time(text: str) -> datetime | None:
    """Asterisk tells its start in its own local time, which is this machine's or near it."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None

"""One engine on one call: carries out what the engine wants, on an AGI channel.

The dialplan's dead man's switch is ours to feed: before each step TIMEOUT(absolute) is set to the
longest time that step may take, plus a margin. RINGDESK_NEXT is set last; whatever breaks before
leaves the caller to the default queue. Nothing a caller enters is logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from cti.agi.channel import ALL_KEYS, Channel
from cti.agi.errors import AgiEnded, AgiFailed
from cti.conversation import call_id_of
from cti.where import where
from ivr import trail
from ivr.engine import step
from ivr.flow import REASONS, Clip
from ivr.message_files import discard, free_name, is_silent, seconds_in
from ivr.nodes.message import SHORTEST_MESSAGE
from ivr.prompts import PromptMissing
from ivr.protocol import (
    Ask,
    Began,
    CaseFound,
    Command,
    DeskAway,
    Ended,
    FindCase,
    HangUp,
    Identified,
    Identify,
    Input,
    KeepMessage,
    LookAtQueue,
    Play,
    Pressed,
    QueueLooked,
    Record,
    Recorded,
    RememberLanguage,
    Speak,
    ToQueue,
)
from ivr.sound import NotSound
from ivr.telling import PATIENT_TRIES
from ivr.turn import State

if TYPE_CHECKING:
    from ivr.counter import Counter

log = structlog.get_logger(__name__)
T = TypeVar("T")

MARGIN: Final = 3.0  # seconds on top of a step's own longest time
AT_ONCE: Final = 5.0  # seconds for a step that plays nothing
GRACE: Final = 0.25  # seconds the hand-over waits for the path, so that the card has it
MESSAGES: Final = "messages"
LEFT_SILENCE: Final = 1.0  # seconds: RECORD FILE cuts all but this much of the silence that ends it
ENDED: Final[dict[str, Ended]] = {"terminator": "terminator", "full": "max"}


class Session:
    """One call."""

    def __init__(self, counter: Counter, channel: Channel) -> None:
        self.counter = counter
        self.channel = channel
        # The channel may not be its call's first: somebody we rang up, whom an agent handed to a
        # queue. The dialplan tells the linkedid, which is that of the first.
        first = channel.env.get("agi_arg_1") or channel.uniqueid
        self.call_id = call_id_of(counter.system, first)
        self.caller_number = channel.env.get("agi_callerid", "")
        self.state = State()
        self.flow = counter.routes.flow(None)
        self.done = False
        self.message = self.call_id  # the name of the recording, without its ending

    async def run(self) -> None:
        """From the first word to the hand-over or the hang-up."""
        kind, _, rest = self.channel.network_script.partition("/")
        rest = rest.partition("?")[0].strip("/")
        await self._allow(AT_ONCE)
        if kind == "flow" and rest in self.counter.routes.queues:
            await self.channel.answer()
            await self._hand_over(ToQueue(queue=self.counter.routes.queues[rest]))
            return
        began = Began(at=self._at(), caller_number=self.caller_number, night=self.counter.night)
        if kind == "after":
            began = await self._come_back(rest if rest in REASONS else "timeout")
        elif kind == "flow":
            self.flow = self.counter.routes.flow(self.counter.routes.dids.get(rest))
        else:
            log.warning("ivr.unknown_script", call_id=self.call_id)
        try:
            await self.channel.answer()
            await self._converse(began)
        except PromptMissing as why:
            # A menu with holes is worse than none: people answer instead.
            log.warning("ivr.prompt_missing", call_id=self.call_id, prompt=str(why))
            await self._hand_over(ToQueue(queue=""))
        finally:
            if not self.done and self.state.path:
                self._note_path()

    async def _come_back(self, reason: str) -> Began:
        """A queue gave the call up: go on in the flow it came from, with its way so far."""
        channel = self.channel
        self.flow = self.counter.routes.flow(await channel.get_variable(trail.FLOW))
        self.state = State(path=trail.read(await channel.get_variable(trail.PATH)))
        language = await channel.get_variable("CHANNEL(language)")
        return Began(
            at=self._at(),
            caller_number=self.caller_number,
            reason=reason,
            language=language or "",
            night=self.counter.night,
        )

    async def _converse(self, said: Input | None) -> None:
        """The engine bounds the number of steps; each has its time."""
        while said is not None:
            commands, self.state = step(self.flow, self.state, said)
            said = None
            for command in commands:
                said = await self._carry_out(command)

    async def _carry_out(self, command: Command) -> Input | None:
        """Do it; the answer if it has one."""
        match command:
            case Play():
                await self._play(command)
            case Ask():
                return await self._ask(command)
            case Record():
                return await self._record(command)
            case Identify():
                return await self._identify(command)
            case FindCase():
                return await self._find_case(command)
            case LookAtQueue():
                return await self._look_at(command)
            case Speak():
                await self.channel.set_language(command.language)
            case KeepMessage():
                self._keep_message(command.seconds)
            case RememberLanguage():
                self._remember(command)
            case ToQueue():
                await self._hand_over(command)
            case HangUp():
                await self._leave("hangup")
        return None

    # -- with the caller ---------------------------------------------------------------------

    async def _play(self, command: Play) -> None:
        files, seconds = self._files(command.speech)
        await self._allow(seconds)
        try:
            await self.channel.play(*files)
        except AgiFailed:
            log.warning("ivr.not_played", call_id=self.call_id)

    async def _ask(self, command: Ask) -> Pressed:
        files, seconds = self._files(command.speech)
        typing = command.first_timeout + command.digit_timeout * command.max_digits
        await self._allow(seconds + typing)
        try:
            digits = await self.channel.read_digits(
                files,
                max_digits=command.max_digits,
                first_timeout=command.first_timeout,
                digit_timeout=command.digit_timeout,
                terminator=command.terminator,
            )
        except AgiFailed:
            log.warning("ivr.not_asked", call_id=self.call_id)
            return Pressed(at=self._at(), digits="")
        ended = ENDED.get(digits.ended_by, "timeout")
        return Pressed(at=self._at(), digits=digits.value, ended=ended)

    async def _record(self, command: Record) -> Recorded:
        await self._play(Play(speech=command.speech))
        await self._allow(command.max_seconds)
        seconds = 0.0
        try:
            await self.channel.play((await self.counter.prompts.tone()).file)
            self.message = await asyncio.to_thread(free_name, self.counter.messages, self.call_id)
            recorded = await self.channel.record(
                str(self.counter.messages / self.message),
                escape_digits=ALL_KEYS,
                max_seconds=command.max_seconds,
                silence_seconds=command.silence_seconds,
                beep=False,
            )
            seconds = recorded.seconds
            if recorded.ended_by == "silence":
                seconds -= LEFT_SILENCE
            if await asyncio.to_thread(is_silent, self._message_file()):
                seconds = 0.0
        except AgiEnded:
            await self._save_what_was_said()
            raise
        except (AgiFailed, NotSound, OSError) as error:
            log.warning("ivr.not_recorded", call_id=self.call_id, error=where(error))
        if seconds < SHORTEST_MESSAGE:
            await asyncio.to_thread(discard, self._message_file())
        return Recorded(at=self._at(), seconds=seconds)

    async def _save_what_was_said(self) -> None:
        """The connection went while recording: what Asterisk wrote is a message all the same."""
        seconds = await asyncio.to_thread(seconds_in, self._message_file())
        if await asyncio.to_thread(is_silent, self._message_file()):
            seconds = 0.0
        said = Recorded(at=self._at(), seconds=seconds)
        commands, self.state = step(self.flow, self.state, said)
        for command in commands:
            if isinstance(command, KeepMessage):
                self._keep_message(command.seconds)

    def _message_file(self) -> Path:
        return self.counter.messages / f"{self.message}.wav"

    def _files(self, speech: tuple[Clip, ...]) -> tuple[list[str], float]:
        sounds = self.counter.prompts.sounds(speech)
        return [sound.file for sound in sounds], sum(sound.seconds for sound in sounds)

    async def _allow(self, seconds: float) -> None:
        """Renew the dead man's switch."""
        await self.channel.set_absolute_timeout(seconds + MARGIN)

    # -- with the desk -----------------------------------------------------------------------

    async def _identify(self, command: Identify) -> Input:
        identity = await self._asked(
            self.counter.desk.identify(self.call_id, command.caller_number)
        )
        if identity is None:
            return DeskAway(at=self._at())
        return Identified(at=self._at(), identity=identity)

    async def _find_case(self, command: FindCase) -> Input:
        desk = self.counter.desk
        found = await self._asked(_boxed(desk.case_status(command.digits, command.caller_number)))
        return DeskAway(at=self._at()) if found is None else CaseFound(at=self._at(), said=found[0])

    async def _look_at(self, command: LookAtQueue) -> Input:
        full = await self._asked(self.counter.desk.queue_is_full(command.queue))
        return DeskAway(at=self._at()) if full is None else QueueLooked(at=self._at(), full=full)

    async def _asked(self, question: Awaitable[T]) -> T | None:
        """The desk's answer; None if it gives none in time: the caller never waits for a desk."""
        await self._allow(self.counter.desk_within)
        try:
            async with asyncio.timeout(self.counter.desk_within):
                return await question
        except Exception as error:  # noqa: BLE001 - whatever ails the desk, the call goes on
            log.warning("ivr.desk_away", call_id=self.call_id, error=where(error))
            return None

    def _keep_message(self, seconds: float) -> None:
        desk, file = self.counter.desk, f"{MESSAGES}/{self.message}.wav"
        self.counter.telling.tell(
            "message",
            lambda: desk.leave_message(self.call_id, file, seconds),
            tries=PATIENT_TRIES,
        )

    def _remember(self, command: RememberLanguage) -> None:
        desk, who, language = self.counter.desk, command.customer_id, command.language
        self.counter.telling.tell(
            "language", lambda: desk.remember_language(self.call_id, who, language)
        )

    def _note_path(self) -> asyncio.Task[None]:
        desk, steps = self.counter.desk, list(self.state.path)
        language, choice = self.state.language or self.flow.languages[0], self.state.choice
        return self.counter.telling.tell(
            "path", lambda: desk.note_path(self.call_id, language, steps, choice)
        )

    # -- the end -----------------------------------------------------------------------------

    async def _hand_over(self, command: ToQueue) -> None:
        channel = self.channel
        await self._allow(AT_ONCE)
        if command.queue:
            await channel.set_variable("RINGDESK_QUEUE", command.queue)
        await channel.set_variable("QUEUE_PRIO", str(command.priority))
        if command.max_wait is not None:
            await channel.set_variable("RINGDESK_MAXWAIT", str(command.max_wait))
        await channel.set_language(self.state.language or self.flow.languages[0])
        await channel.set_variable(trail.FLOW, self.flow.name)
        await channel.set_variable(trail.PATH, trail.write(self.state.path))
        await self._leave("queue")

    async def _leave(self, next_step: str) -> None:
        self.done = True
        if self.state.path:
            await asyncio.wait({self._note_path()}, timeout=GRACE)
        await self.channel.set_absolute_timeout(0)
        await self.channel.set_variable("RINGDESK_NEXT", next_step)

    def _at(self) -> datetime:
        return self.counter.now().astimezone(self.counter.zone)


async def _boxed(question: Awaitable[T]) -> tuple[T]:
    """So that an answer of None is not taken for no answer."""
    return (await question,)

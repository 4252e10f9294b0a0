"""Play a flow in a terminal: no Asterisk, no database, no sound.

Each line that is read is one answer: keys (`1`, `4711#`), an empty line for silence, a number of
seconds at a recording, `hangup` (or the end of the input) to hang up. A script is a list of lines.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TextIO

from msgspec import Struct, field

from ivr.desk_port import CallerIdentity, CaseSaid, DeskPort, Step, Words
from ivr.engine import step
from ivr.flow import Clip, Flow
from ivr.protocol import (
    Ask,
    Began,
    CaseFound,
    Command,
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
from ivr.turn import State

CALL_ID: Final = "simulated"


class CannedDesk(Struct):
    """A desk with set answers; it remembers what it was told."""

    identity: CallerIdentity = field(default_factory=CallerIdentity)
    cases: dict[str, str] = field(default_factory=lambda: {"4711": "open"})
    full: set[str] = field(default_factory=set)
    languages: list[tuple[int, str]] = field(default_factory=list)
    paths: list[list[Step]] = field(default_factory=list)
    choices: list[Words | None] = field(default_factory=list)
    messages: list[tuple[str, float]] = field(default_factory=list)

    async def identify(self, _call_id: str, _caller_number: str, /) -> CallerIdentity:
        """The identity that was set."""
        return self.identity

    async def case_status(self, digits: str, _caller_number: str, /) -> CaseSaid | None:
        """The status that was set for these last digits."""
        for number, status in self.cases.items():
            if number.endswith(digits):
                return CaseSaid(number=number, status=status)
        return None

    async def remember_language(self, _call_id: str, customer_id: int, language: str, /) -> None:
        """Kept in `languages`."""
        self.languages.append((customer_id, language))

    async def note_path(
        self,
        _call_id: str,
        _language: str,
        steps: list[Step],
        choice: Words | None = None,
        /,
    ) -> None:
        """Kept in `paths` and `choices`."""
        self.paths.append(steps)
        self.choices.append(choice)

    async def leave_message(self, _call_id: str, file: str, seconds: float, /) -> None:
        """Kept in `messages`."""
        self.messages.append((file, seconds))

    async def known_messages(self, files: Sequence[str]) -> frozenset[str]:
        """Those in `messages`."""
        return frozenset(files) & {file for file, _ in self.messages}

    async def queue_is_full(self, queue: str) -> bool:
        """Whether it is in `full`."""
        return queue in self.full


class Simulated(Struct, frozen=True, kw_only=True):
    """How a simulated call ended. `end` is None when the caller hung up."""

    end: Command | None
    state: State


def simulate(
    flow: Flow,
    in_: Iterable[str],
    out: TextIO,
    clock: Callable[[], datetime],
    desk: DeskPort | None = None,
    *,
    caller_number: str = "+4930555501",
    reason: str = "",
) -> Simulated:
    """Play `flow`. `clock` gives the company's local time; `reason` starts where a queue gave up.

    Not for use inside a running event loop.
    """
    player = _Player(iter(in_), out, clock, desk or CannedDesk())
    with asyncio.Runner() as runner:
        return runner.run(player.play(flow, caller_number, reason))


class _Player:
    def __init__(
        self,
        lines: Iterator[str],
        out: TextIO,
        clock: Callable[[], datetime],
        desk: DeskPort,
    ) -> None:
        self._lines = lines
        self._out = out
        self._clock = clock
        self._desk = desk

    async def play(self, flow: Flow, caller_number: str, reason: str) -> Simulated:
        state, end = State(), None
        said: Input | None = Began(at=self._clock(), caller_number=caller_number, reason=reason)
        while said is not None:
            commands, state = step(flow, state, said)
            said = None
            for command in commands:
                said = await self._carry_out(command)
                end = command if isinstance(command, ToQueue | HangUp) else None
        if end is None:
            self._print("the caller hung up")
        self._print("way: " + " > ".join(_step(each) for each in state.path))
        if state.choice is not None:
            self._print("about: " + " / ".join(filter(None, state.choice)))
        language = state.language or flow.languages[0]
        await self._desk.note_path(CALL_ID, language, list(state.path), state.choice)
        return Simulated(end=end, state=state)

    async def _carry_out(self, command: Command) -> Input | None:
        match command:
            case Play(speech=speech):
                self._say(speech)
            case Ask():
                return self._ask(command)
            case Record():
                return self._record(command)
            case Identify() | FindCase() | LookAtQueue():
                return await self._ask_desk(command)
            case Speak(language=language):
                self._print(f"language: {language}")
            case KeepMessage(seconds=seconds):
                self._print(f"message kept: {seconds:g} s")
                await self._desk.leave_message(CALL_ID, f"messages/{CALL_ID}.wav", seconds)
            case RememberLanguage(customer_id=customer, language=language):
                self._print(f"remembered for customer {customer}: {language}")
                await self._desk.remember_language(CALL_ID, customer, language)
            case ToQueue():
                wait = {None: "its own limit", 0: "no limit"}.get(
                    command.max_wait, f"at most {command.max_wait} s"
                )
                queue = command.queue or "(the call's own)"
                self._print(f"to queue {queue}, priority {command.priority}, {wait}")
            case HangUp():
                self._print("hang up")
        return None

    async def _ask_desk(self, command: Command) -> Input | None:
        at = self._clock()
        match command:
            case Identify(caller_number=number):
                identity = await self._desk.identify(CALL_ID, number)
                self._print(f"desk: {identity.matches} customer(s) with {number}")
                return Identified(at=at, identity=identity)
            case FindCase(digits=digits, caller_number=number):
                found = await self._desk.case_status(digits, number)
                self._print(f"desk: case is {found.status if found else 'not found'}")
                return CaseFound(at=at, said=found)
            case LookAtQueue(queue=queue):
                full = await self._desk.queue_is_full(queue)
                self._print(f"desk: queue {queue} is {'full' if full else 'not full'}")
                return QueueLooked(at=at, full=full)
        return None

    def _ask(self, command: Ask) -> Pressed | None:
        self._say(command.speech)
        ending = f", end with {command.terminator}" if command.terminator else ""
        line = self._read(f"up to {command.max_digits} keys{ending}")
        if line is None:
            return None
        keys = "".join(key for key in line if key in "0123456789*#")
        ended: Ended = "timeout"
        if command.terminator and command.terminator in keys:
            keys, ended = keys.partition(command.terminator)[0], "terminator"
        if len(keys) >= command.max_digits:
            keys, ended = keys[: command.max_digits], "max"
        return Pressed(at=self._clock(), digits=keys, ended=ended)

    def _record(self, command: Record) -> Recorded | None:
        self._say(command.speech)
        line = self._read(f"seconds to speak, at most {command.max_seconds}")
        if line is None:
            return None
        try:
            seconds = float(line or 0)
        except ValueError:
            seconds = 0.0
        return Recorded(at=self._clock(), seconds=max(0.0, min(seconds, command.max_seconds)))

    def _read(self, what: str) -> str | None:
        """The next line, stripped; None at the end or for `hangup`."""
        self._out.write(f"  ? {what}, empty for silence: ")
        self._out.flush()
        line = next(self._lines, None)
        line = None if line is None else line.strip()
        self._out.write("\n")
        return None if line in (None, "hangup") else line

    def _say(self, speech: Iterable[Clip]) -> None:
        for clip in speech:
            self._print(f'{clip.language}: "{clip.text}"')

    def _print(self, text: str) -> None:
        self._out.write(f"  {text}\n")


def _step(one: Step) -> str:
    return f"{one.label} [{one.entered}]" if one.entered else one.label

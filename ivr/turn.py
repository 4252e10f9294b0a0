"""One call's state, and one turn of the engine on it.

A turn is a scratch pad: nodes speak, note and decide on it; `freeze` gives the next state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct, structs

from ivr.desk_port import CallerIdentity, Step, Words
from ivr.flow import Clip, Flow, Placed, Prompt
from ivr.protocol import AWAITING, Ask, Command, HangUp, NightSwitch, Play, Record, ToQueue
from ivr.spoken import clips

MAX_PATH: Final = 60  # steps of the way that are kept; the later ones matter more
UNSAID: Final = "-"  # the label of a node that is no step of the way


class State(Struct, frozen=True, kw_only=True):
    """Where a call is in its flow. `node` is a full name; '' before the first step."""

    node: str = ""
    ended: bool = False
    language: str = ""  # '' until known
    caller_number: str = ""
    identity: CallerIdentity | None = None
    values: tuple[tuple[str, str], ...] = ()
    path: tuple[Step, ...] = ()
    choice: Words | None = None  # what the caller chose the call to be about
    given_back: bool = False  # by a queue
    silent: int = 0  # in a row, at this node
    invalid: int = 0
    inputs: int = 0
    night: NightSwitch = "auto"


class Turn:
    """What one step does to a state. Nodes end a visit by `go`, `wait`, `queue` or `hang_up`."""

    def __init__(self, flow: Flow, state: State, at: datetime) -> None:
        self.flow = flow
        self.at = at
        self.node = state.node
        self.ended = state.ended
        self.language = state.language
        self.caller_number = state.caller_number
        self.night = state.night
        self.identity = state.identity
        self.values = dict(state.values)
        self.path = list(state.path)
        self.choice = state.choice
        self.given_back = state.given_back
        self.silent = state.silent
        self.invalid = state.invalid
        self.waiting = False
        self.moved = False
        self.commands: list[Command] = []
        self._speech: list[Clip] = []

    @property
    def placed(self) -> Placed:
        """The node we are at."""
        return self.flow.nodes[self.node]

    @property
    def spoken(self) -> str:
        """The language to speak: the caller's, else the flow's first."""
        return self.language or self.flow.languages[0]

    def say(self, prompt: Prompt | None, *, every: bool = False) -> None:
        """Speak before whatever comes next; `every`: in all languages, one after the other."""
        if prompt is None:
            return
        for language in self.flow.languages if every else (self.spoken,):
            self._speech.extend(clips(prompt, language, self.values))

    def insist(self) -> None:
        """What was said so far is played to its end, whatever is pressed."""
        if self._speech:
            self.commands.append(Play(speech=tuple(self._speech)))
            self._speech.clear()

    def do(self, command: Command) -> None:
        """Do this now, after what was said."""
        self.insist()
        self.commands.append(command)

    def tell(self, command: Command) -> None:
        """Do this aside: what was said before may still be interrupted later."""
        self.commands.append(command)

    def note(self, entered: str = "") -> None:
        """Add this node to the way the caller took, unless the flow says that nobody needs it."""
        placed = self.placed
        if placed.label == UNSAID:
            return
        self.path.append(Step(placed.label, entered, placed.label_zh))
        del self.path[:-MAX_PATH]

    def choose(self, target: str) -> None:
        """The caller chose where to go on: that is what the call is about.

        Whoever comes back from a queue chooses how to go on waiting, not what they want.
        """
        chosen = self.flow.nodes[self.placed.full(target)]
        if not self.given_back and chosen.label != UNSAID:
            self.choice = Words(chosen.label, chosen.label_zh)
        self.go(target)

    def go(self, target: str) -> None:
        """On to another node of the same flow."""
        self._move(self.placed.full(target))

    def go_back(self) -> None:
        """Out of a called flow."""
        back = self.placed.back
        if back is None:
            self.hang_up()
        else:
            self._move(back)

    def wait(self, command: Command) -> None:
        """The caller, or the desk, is asked: the step is over."""
        if isinstance(command, Ask | Record):
            speech = (*self._speech, *command.speech)
            self._speech.clear()
            command = structs.replace(command, speech=speech)
        elif isinstance(command, AWAITING):
            self.insist()  # the desk is asked after the words: no silence before them
        self.commands.append(command)
        self.waiting = True

    def queue(self, queue: str, *, priority: int = 0, max_wait: int | None = None) -> None:
        """The end: over to a queue ('' is the default queue)."""
        self.do(ToQueue(queue=queue, priority=priority, max_wait=max_wait))
        self.ended = True

    def hang_up(self) -> None:
        """The end: good-bye."""
        self.do(HangUp())
        self.ended = True

    def _move(self, full: str) -> None:
        self.node = full
        self.silent = self.invalid = 0
        self.moved = True

    def freeze(self, inputs: int) -> State:
        """The state after this turn."""
        return State(
            node=self.node,
            ended=self.ended,
            language=self.language,
            caller_number=self.caller_number,
            identity=self.identity,
            values=tuple(sorted(self.values.items())),
            path=tuple(self.path),
            choice=self.choice,
            given_back=self.given_back,
            silent=self.silent,
            invalid=self.invalid,
            inputs=inputs,
            night=self.night,
        )

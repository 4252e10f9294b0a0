"""What goes into the engine (inputs) and what comes out (commands): small and frozen.

Every input carries `at`, the company's local time (aware): the engine has no clock of its own.
A command that awaits an answer is always the last of its step; after `ToQueue` or `HangUp` the
flow is over.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from ivr.desk_port import CallerIdentity, CaseSaid
from ivr.flow import Clip

Ended = Literal["terminator", "max", "timeout"]
# `open` and `closed` overrule every flow's opening hours; `auto` leaves them alone.
NightSwitch = Literal["auto", "open", "closed"]


class Input(Struct, frozen=True, kw_only=True):
    """Something the engine is told."""

    at: datetime


class Began(Input, frozen=True, kw_only=True):
    """The call is here. `reason` is set when a queue gave up ('' for a new call)."""

    caller_number: str = ""
    reason: str = ""
    language: str = ""  # what the channel already speaks, when a queue gave up
    night: NightSwitch = "auto"


class Pressed(Input, frozen=True, kw_only=True):
    """What was entered; '' is silence. `ended` says why reading stopped."""

    digits: str
    ended: Ended = "timeout"


class Identified(Input, frozen=True, kw_only=True):
    """The desk's answer to `Identify`."""

    identity: CallerIdentity


class CaseFound(Input, frozen=True, kw_only=True):
    """The desk's answer to `FindCase`; None: no such case of this caller."""

    said: CaseSaid | None


class QueueLooked(Input, frozen=True, kw_only=True):
    """The desk's answer to `LookAtQueue`."""

    full: bool


class Recorded(Input, frozen=True, kw_only=True):
    """A recording ended; `seconds` of it."""

    seconds: float


class DeskAway(Input, frozen=True, kw_only=True):
    """The desk did not answer in time: nothing is known, the call goes on."""


class Command(Struct, frozen=True, kw_only=True):
    """Something the engine wants done."""


class Play(Command, frozen=True, kw_only=True):
    """Say it to the end; keys do nothing."""

    speech: tuple[Clip, ...]


class Ask(Command, frozen=True, kw_only=True):
    """Say it, a key interrupts, then read digits. Awaits `Pressed`. Times in seconds."""

    speech: tuple[Clip, ...]
    max_digits: int
    first_timeout: float
    digit_timeout: float
    terminator: str
    sensitive: bool = False


class Record(Command, frozen=True, kw_only=True):
    """Say it, then record. Awaits `Recorded`. Times in seconds."""

    speech: tuple[Clip, ...]
    max_seconds: int
    silence_seconds: int


class KeepMessage(Command, frozen=True, kw_only=True):
    """What was recorded is a message: tell the desk."""

    seconds: float


class Identify(Command, frozen=True, kw_only=True):
    """Ask the desk who calls. Awaits `Identified` or `DeskAway`."""

    caller_number: str


class FindCase(Command, frozen=True, kw_only=True):
    """Ask the desk for a case's status. Awaits `CaseFound` or `DeskAway`."""

    digits: str
    caller_number: str


class LookAtQueue(Command, frozen=True, kw_only=True):
    """Ask whether a queue is full. Awaits `QueueLooked` or `DeskAway`."""

    queue: str


class Speak(Command, frozen=True, kw_only=True):
    """The caller's language is known from now on."""

    language: str


class RememberLanguage(Command, frozen=True, kw_only=True):
    """Keep the language for the customer's next call."""

    customer_id: int
    language: str


class ToQueue(Command, frozen=True, kw_only=True):
    """The end: hand the call to a queue; '' is the one the channel has already (the default queue,
    or the one that gave up). `max_wait` 0 is for ever, None the queue's own."""

    queue: str
    priority: int = 0
    max_wait: int | None = None


class HangUp(Command, frozen=True, kw_only=True):
    """The end: nothing more to do for the caller."""


AWAITING: Final = (Ask, Record, Identify, FindCase, LookAtQueue)
ENDING: Final = (ToQueue, HangUp)

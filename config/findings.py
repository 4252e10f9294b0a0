"""What the doctor looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from msgspec import Struct, field

from config.settings import Settings

Console = Callable[[str], Awaitable[str]]
MARKS = {"ok": "ok   ", "warning": "warn ", "wrong": "NOT  "}


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `advice` says what to do when it is not in order."""

    what: str
    said: str
    state: Literal["ok", "warning", "wrong"] = "ok"
    advice: str = ""

    def __post_init__(self) -> None:
        """A finding that leaves people alone with it is a mistake of ours."""
        if self.state != "ok" and not self.advice:
            raise ValueError(f"{self.what}: what is to be done?")

    @property
    def ok(self) -> bool:
        """Whether it works as it is."""
        return self.state != "wrong"

    def line(self) -> str:
        """For people."""
        advice = f" -> {self.advice}" if self.advice else ""
        return f"{MARKS[self.state]}{self.what}: {self.said}{advice}"


def fine(what: str, said: str) -> Finding:
    """It is in order."""
    return Finding(what=what, said=said)


def warning(what: str, said: str, advice: str) -> Finding:
    """It works, and it should not stay so."""
    return Finding(what=what, said=said, state="warning", advice=advice)


def wrong(what: str, said: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(what=what, said=said, state="wrong", advice=advice)


class Manager(Struct, frozen=True, kw_only=True):
    """What Asterisk's manager said of itself, asked once."""

    boot: str = ""
    version: str = ""
    system: str = ""
    ahead: float | None = None  # seconds its clock is before ours
    actions: frozenset[str] = frozenset()  # what our account may do
    registrations: dict[str, str] = field(default_factory=dict)  # with carriers: name -> status


class Patient(Struct):
    """One installation. `manager` is None when it did not answer; `why` then says why not."""

    settings: Settings
    manager: Manager | None = None
    why: str = ""
    console: Console | None = None  # of our own Asterisk, when it runs

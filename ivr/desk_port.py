"""The few questions a node may ask the desk, and the few things the menu tells it.

The engine is pure and never sees this; the session asks here when the engine says so. The real
one (`ivr/desk.py`) calls service_desk's queries and actions; the simulator uses canned answers.
Every method is bounded by the session's step timeout; a desk that is away means "unknown", never a
lost caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct


class CallerIdentity(Struct, frozen=True, kw_only=True):
    """Who is calling, as far as the number tells. `customer_id` only when exactly one fits."""

    customer_id: int | None = None
    language: str | None = None
    name: str = ""
    matches: int = 0


class CaseSaid(Struct, frozen=True, kw_only=True):
    """What the menu may say about a case: the status and nothing personal."""

    number: str
    status: str


class Words(NamedTuple):
    """What staff read: `text`, and `zh`, the same in Chinese ('' when one word serves both)."""

    text: str
    zh: str = ""


class Step(NamedTuple):
    """One step of the caller's way: what the agent's card calls it, and what was entered.

    `label_zh`: the label in Chinese; '' when the flow has one word for both languages.
    """

    label: str
    entered: str = ""
    label_zh: str = ""


class DeskPort(Protocol):
    """What a flow may ask or tell the desk."""

    async def identify(self, call_id: str, caller_number: str, /) -> CallerIdentity:
        """Who has this number (raw, hostile)."""
        ...

    async def case_status(self, digits: str, caller_number: str, /) -> CaseSaid | None:
        """The status of the case whose number ends in `digits`, if it belongs to this caller."""
        ...

    async def remember_language(self, call_id: str, customer_id: int, language: str, /) -> None:
        """The caller chose a language: keep it for the next time."""
        ...

    async def note_path(
        self, call_id: str, language: str, steps: list[Step], choice: Words | None = None, /
    ) -> None:
        """The way through the menu, in order. Replaces what was noted before.

        `choice`: what the caller chose the call to be about; None leaves what is known of that.
        """
        ...

    async def leave_message(self, call_id: str, file: str, seconds: float, /) -> None:
        """A message was recorded: `file` is relative to the recordings folder."""
        ...

    async def known_messages(self, files: Sequence[str]) -> frozenset[str]:
        """Which of these `files` (as `leave_message` names them) the desk was told of."""
        ...

    async def queue_is_full(self, queue: str) -> bool:
        """Whether no more callers should be sent to this queue."""
        ...

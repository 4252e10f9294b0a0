"""What the fold (fold.py) says of one call, and is stored of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from service_desk.phone_number import PhoneNumber


class Entry(Struct, frozen=True, gc=False):
    """One line of the story; `key` makes it the same line when it is told again."""

    key: str
    at: datetime
    kind: str
    actor: str
    data: dict[str, Any]


class Story(Struct, frozen=True, kw_only=True, gc=False):
    """All that is stored of one call; rows are plain values by column name."""

    call_id: str
    number: PhoneNumber | None
    opens_case: bool
    subject: tuple[str, str]  # kind and value, as model/case.py has them
    conversation: dict[str, Any]
    legs: dict[str, dict[str, Any]]
    visits: dict[tuple[str, datetime], dict[str, Any]]
    recordings: dict[str, dict[str, Any]]
    entries: dict[str, Entry]
    aliases: frozenset[tuple[str, str]]


class Foretold(Struct, frozen=True, gc=False):
    """What so many facts say of a call, if they are all there is.

    `packed`: the facts as they are stored; `began`: whether they tell of its beginning.
    """

    facts: int
    packed: bytes
    began: bool
    story: Story

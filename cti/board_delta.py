"""Snapshot and deltas: the two-level map that every live screen follows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from cti.events import BoardSnapshot

Section = Literal["calls", "agents", "queues", "link"]


class LinkState(Struct, frozen=True, kw_only=True):
    """The section `link` has one key, `link`: since when the board is stale, None if it is not."""

    stale_since: datetime | None = None


class Delta(Struct, frozen=True, kw_only=True):
    """What changed: `set` replaces whole objects (section -> key -> object), `delete` keys."""

    set: dict[Section, dict[str, Any]] = field(default_factory=dict)
    delete: dict[Section, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anything changed."""
        return bool(self.set or self.delete)


def apply_delta(board: BoardSnapshot, delta: Delta) -> BoardSnapshot:
    """The snapshot that follows `board` by `delta`."""
    parts: dict[Any, dict[str, Any]] = {
        "calls": dict(board.calls),
        "agents": dict(board.agents),
        "queues": dict(board.queues),
        "link": {"link": LinkState(stale_since=board.stale_since)},
    }
    for section, objects in delta.set.items():
        parts[section].update(objects)
    for section, keys in delta.delete.items():
        for key in keys:
            parts[section].pop(key, None)
    link: LinkState = parts.pop("link")["link"]
    return BoardSnapshot(**parts, stale_since=link.stale_since)

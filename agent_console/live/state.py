"""One screen's state: a two-level map (section -> key -> object), its deltas, its numbering.

`snapshot + deltas == fresh snapshot` holds by construction: a delta is computed as the difference
between what was last sent and what is true now, and only then becomes what was last sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from agent_console import shown

Sections = Mapping[str, Mapping[str, Any]]


class Delta(Struct, frozen=True):
    """What changed: `set` replaces whole objects, `gone` (`del` on the wire) removes keys."""

    set: dict[str, dict[str, Any]]
    gone: dict[str, list[str]]

    def __bool__(self) -> bool:
        return bool(self.set or self.gone)


def difference(old: Sections, new: Sections) -> Delta:
    """The delta that turns `old` into `new`. Objects are compared by value, identity first."""
    changed: dict[str, dict[str, Any]] = {}
    gone: dict[str, list[str]] = {}
    for section, objects in new.items():
        before = old.get(section, {})
        fresh = {
            key: value
            for key, value in objects.items()
            if key not in before or (before[key] is not value and before[key] != value)
        }
        if fresh:
            changed[section] = fresh
    for section, objects in old.items():
        after = new.get(section, {})
        missing = [key for key in objects if key not in after]
        if missing:
            gone[section] = missing
    return Delta(changed, gone)


class Stream:
    """The numbered stream of one topic (one agent's, or everybody's): frames encoded once."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.seq = 0
        self._shown: dict[str, dict[str, Any]] = {}

    def snapshot(self, extra: Sections | None = None) -> bytes:
        """The frame with everything (and `extra`), numbered as the last delta."""
        everything = {**self._shown, **(extra or {})}
        return shown.encode({"topic": self.topic, "seq": self.seq, "snapshot": everything})

    def advance(self, now: Sections) -> bytes | None:
        """The frame that brings every listener to `now`; None when nothing changed."""
        delta = difference(self._shown, now)
        if not delta:
            return None
        self.seq += 1
        self._shown = {section: dict(objects) for section, objects in now.items()}
        return shown.encode(
            {
                "topic": self.topic,
                "seq": self.seq,
                "delta": {"set": delta.set, "del": delta.gone},
            }
        )

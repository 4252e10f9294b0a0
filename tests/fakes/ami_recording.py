"""Recordings of a real Asterisk 22: AMI events (trimmed), above them what they should be told as.

A line `#> ` names an expected fact, `# ` is a remark; the rest is AMI text with plain newlines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cti import events as e
from cti.ami.wire import AmiParser, Message
from cti.events import Fact

FOLDER = Path(__file__).parent.parent / "recordings"
EXTENSIONS = {"ava": "101", "ben": "102", "cat": "103"}
NAMES = sorted(path.stem for path in FOLDER.glob("*.ami"))


@dataclass(frozen=True)
class Recording:
    """One recorded call: its messages and the facts it stands for, one line each."""

    name: str
    messages: list[Message]
    expected: list[str]


def recording(name: str, wanted: frozenset[str] | None = None) -> Recording:
    """Read one; `wanted` as the link's own filter."""
    lines = (FOLDER / f"{name}.ami").read_text("utf-8").splitlines()
    expected = [line[3:].strip() for line in lines if line.startswith("#>")]
    text = "\r\n".join(line for line in lines if not line.startswith("#"))
    parser = AmiParser(wanted)
    data = ("Asterisk Call Manager/11.0.0\r\n" + text.strip() + "\r\n\r\n").encode()
    messages = parser.feed(data)
    assert parser.dropped == 0
    return Recording(name, messages, expected)


def told(fact: Fact) -> str:
    """One fact in words; legs by channel number and file names left out, times in tenths."""
    words = [_WORDS[name](value) for name, value in _fields(fact) if name in _WORDS]
    return " ".join([type(fact).__name__, *(word for word in words if word)])


def _fields(fact: Fact) -> list[tuple[str, Any]]:
    hidden = _HIDDEN.get(type(fact), set())
    return [(n, getattr(fact, n)) for n in fact.__struct_fields__ if n not in hidden]


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def _tenths(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "direction": _text,
    "caller_number": _text,
    "dialed": lambda value: f"-> {value}",
    "leg_id": lambda value: "." + value.rpartition(".")[2],
    "party": _text,
    "agent": _text,
    "queue": _text,
    "position": _text,
    "kind": _text,
    "by": _text,
    "to": lambda value: f"-> {value}",
    "reason": _text,
    "waited": _tenths,
    "talked": _tenths,
    "cause": _text,
    "place": lambda value: f"at {value}",
    "lost": lambda value: "lost" if value else "",
}
_HIDDEN: dict[type[Fact], set[str]] = {
    e.CallArrived: {"leg_id"},
    e.CallQueued: {"leg_id"},
    e.CallOffered: {"leg_id"},
    e.CallOfferEnded: {"leg_id"},
    e.CallAnswered: {"leg_id"},
    e.CallReleased: {"leg_id"},
    e.QueueChanged: {"queue"},
}

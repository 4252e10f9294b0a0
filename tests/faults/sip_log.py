"""What callers saw, from sipp's log of its messages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_MESSAGE = re.compile(
    r"^-{20,} (?P<at>[-\d]+ [:.\d]+)\nUDP message (?P<way>sent|received) .*?\n\n"
    r"(?P<first>\S+ \S+).*?^From: .*?sip:(?P<number>\+\d+)@.*?^CSeq: \d+ (?P<method>\w+)",
    re.MULTILINE | re.DOTALL,
)


@dataclass
class Seen:
    """One caller's call; seconds since the epoch, 0 for what never came."""

    asked: float = 0.0
    trying: float = 0.0
    answered: float = 0.0


def seen_in(log: Path) -> dict[str, Seen]:
    """Each caller's INVITE and the first answers to it, by number; sipp may not have begun yet."""
    calls: dict[str, Seen] = {}
    if not log.exists():
        return calls
    for number, first, at in _messages(log):
        call = calls.setdefault(number, Seen())
        if first.startswith("INVITE "):
            call.asked = call.asked or at
        elif first == "SIP/2.0 100":
            call.trying = call.trying or at
        elif first == "SIP/2.0 200":
            call.answered = call.answered or at
    return {number: call for number, call in calls.items() if call.asked}


def _messages(log: Path) -> Iterator[tuple[str, str, float]]:
    """Of INVITEs and answers to them: number, beginning of the first line, time."""
    for message in log.read_text(errors="replace").split("\n-----"):
        found = _MESSAGE.match("-----" + message if not message.startswith("-----") else message)
        if found is not None and found["method"] == "INVITE":
            at = datetime.fromisoformat(found["at"]).timestamp()
            yield found["number"], found["first"], at

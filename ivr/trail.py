"""The caller's way, kept on the channel while they wait in a queue.

When the queue gives the call back, another process may take it up: what was noted before must be
noted again with what comes (`note_path` replaces). A channel variable travels with the call, and
ends with it. What was entered at sensitive nodes is not in it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from ivr.desk_port import Step

FLOW: Final = "RINGDESK_FLOW"
PATH: Final = "RINGDESK_PATH"
MAX_LENGTH: Final = 4_000  # letters: an AGI line takes 8,191
MAX_STEPS: Final = 60

Path = tuple[Step, ...]


def write(path: Path) -> str:
    """Letters that need no quoting. The oldest steps are left out when it is too long."""
    steps = path[-MAX_STEPS:]
    while True:
        text = base64.urlsafe_b64encode(msgspec.json.encode(steps)).decode()
        if len(text) <= MAX_LENGTH or not steps:
            return text
        steps = steps[1:]


def read(text: str | None) -> Path:
    """The way back; empty for anything that `write` did not make."""
    try:
        raw = base64.urlsafe_b64decode((text or "")[:MAX_LENGTH].encode("ascii"))
        return tuple(msgspec.json.decode(raw, type=list[Step])[-MAX_STEPS:])
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return ()

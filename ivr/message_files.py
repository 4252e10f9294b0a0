"""The files of messages that callers leave, in the folder that Asterisk records to."""

from __future__ import annotations

import contextlib
import sys
from array import array
from pathlib import Path
from typing import Final

from cti.agi.channel import RATE

MAX_MESSAGES: Final = 9  # of one call
HEADER: Final = 44  # bytes of the WAV files that Asterisk writes
QUIETEST_SPEECH: Final = 200  # of 32,768; a line's own noise is below, a whisper well above


def free_name(folder: Path, call_id: str) -> str:
    """A second message of the same call does not overwrite the first."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [call_id, *(f"{call_id}-{number}" for number in range(2, MAX_MESSAGES + 1))]
    return next((name for name in names if not (folder / f"{name}.wav").exists()), names[-1])


def discard(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()


def seconds_in(file: Path) -> float:
    """How much sound a recording of Asterisk's holds that may not be closed yet: by its size."""
    try:
        return max(0, file.stat().st_size - HEADER) / (2 * RATE)
    except OSError:
        return 0.0


def is_silent(file: Path) -> bool:
    """Whether nothing in a recording is as loud as the quietest speech. False when in doubt: a
    message too many is nothing against one that is lost."""
    try:
        raw = file.read_bytes()[HEADER:]
    except OSError:
        return False
    samples = array("h")
    samples.frombytes(raw[: len(raw) // 2 * 2])
    if sys.byteorder == "big":
        samples.byteswap()
    return all(abs(value) <= QUIETEST_SPEECH for value in samples)

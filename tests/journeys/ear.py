"""The nearest thing to an ear: which sound files are in a recording, where, and how loud it is."""

from __future__ import annotations

import array
import math
import struct
from pathlib import Path

from tests.journeys.tones import RATE, mulaw

HEADER = 44  # bytes before the samples of a plain WAV file
SNIPPET = 400  # samples: 50 ms of speech are like no other
BIAS = 0x84


def samples(file: Path) -> array.array[int]:
    """A 16-bit mono WAV file; one that is still being written as far as it goes."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return array.array("h")  # nothing yet
    if len(data) < HEADER:
        return array.array("h")
    assert (data[:4], data[8:16]) == (b"RIFF", b"WAVEfmt "), file
    channels, rate = struct.unpack_from("<HI", data, 22)
    assert (channels, rate, struct.unpack_from("<H", data, 34)[0]) == (1, RATE, 16), file
    data = data[HEADER:]
    return array.array("h", data[: len(data) & ~1])


def over_the_wire(sound: array.array[int]) -> array.array[int]:
    """As it sounds after mu-law: what a trunk carries."""
    return array.array("h", (_linear(mulaw(sample)) for sample in sound))


def _linear(code: int) -> int:
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + BIAS) << ((code & 0x70) >> 4)
    return BIAS - magnitude if code & 0x80 else magnitude - BIAS


def find(sound: Path, recording: array.array[int]) -> float | None:
    """Where (seconds) a sound file is heard in a recording, None if nowhere.

    Its loudest moment is looked for, sample by sample, as it is and as mu-law leaves it.
    """
    whole = samples(sound)
    loudest = max(
        range(0, len(whole) - SNIPPET, SNIPPET // 2),
        key=lambda at: sum(abs(x) for x in whole[at : at + SNIPPET]),
    )
    snippet = whole[loudest : loudest + SNIPPET]
    for wanted in (snippet, over_the_wire(snippet)):
        at = recording.tobytes().find(wanted.tobytes())
        if at >= 0 and at % 2 == 0:
            return (at // 2 - loudest) / RATE
    return None


def level(sound: array.array[int]) -> float:
    """Root mean square, of 32767."""
    return math.sqrt(sum(x * x for x in sound) / len(sound)) if sound else 0.0


def length(file: Path) -> float:
    """Seconds."""
    return len(samples(file)) / RATE

"""The nearest thing to an ear: which sound files are in a recording, where, and how loud it is."""

from __future__ import annotations

import array
import math
import struct
from pathlib import Path

from tests.journeys.tones import COLUMNS, RATE, ROWS, mulaw

HEADER = 44  # bytes before the samples of a plain WAV file
SNIPPET = 400  # samples: 50 ms of speech are like no other
BIAS = 0x84
FRAME = 240  # samples: 30 ms, half the shortest key tone


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


def keys(sound: array.array[int]) -> str:
    """The keys whose tones (DTMF) are heard, each once for as long as it sounds."""
    heard, before = "", ""
    for at in range(0, len(sound) - FRAME, FRAME):
        key = _key(sound[at : at + FRAME])
        heard += key if key != before else ""
        before = key
    return heard


def _key(frame: array.array[int]) -> str:
    """The key of one frame: its two tones are nearly all there is to hear, and equally loud."""
    all_of_it = sum(x * x for x in frame) * FRAME / 2
    if level(frame) < 500:
        return ""
    row, strong = max(((f, _power(frame, f)) for f in set(ROWS.values())), key=lambda x: x[1])
    column, too = max(((f, _power(frame, f)) for f in set(COLUMNS.values())), key=lambda x: x[1])
    if strong + too < 0.75 * all_of_it or not 0.1 < strong / (too or 1) < 10:
        return ""
    return next(key for key in ROWS if (ROWS[key], COLUMNS[key]) == (row, column))


def seconds_of(frequency: float, sound: array.array[int], loud: float) -> float:
    """For how long a tone is heard, its peak at `loud` (of 32767) or more, whatever else sounds."""
    frame = RATE // 10
    frames = (sound[at : at + frame] for at in range(0, len(sound) - frame, frame))
    return sum(2 * math.sqrt(_power(each, frequency)) / frame > loud for each in frames) / 10


def _power(frame: array.array[int], frequency: float) -> float:
    """Goertzel: how much of the frame is this frequency."""
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    one = two = 0.0
    for sample in frame:
        one, two = sample + turn * one - two, one
    return one * one + two * two - turn * one * two

"""Key tones and a talking sound as raw mu-law, 8 kHz: what sipp streams as the caller's voice."""

from __future__ import annotations

import math
from pathlib import Path

RATE = 8000
TALK = 150  # times 0.6 s
ROWS = {"1": 697, "2": 697, "3": 697, "4": 770, "5": 770, "6": 770}
ROWS |= {"7": 852, "8": 852, "9": 852, "*": 941, "0": 941, "#": 941}
COLUMNS = {"1": 1209, "4": 1209, "7": 1209, "*": 1209, "2": 1336, "5": 1336, "8": 1336, "0": 1336}
COLUMNS |= {"3": 1477, "6": 1477, "9": 1477, "#": 1477}
DIGIT_NAMES = {"*": "star", "#": "hash"} | {str(n): f"digit{n}" for n in range(10)}


def mulaw(sample: int) -> int:
    """One 16-bit sample as mu-law (ITU-T G.711)."""
    sign = 0x80 if sample < 0 else 0
    magnitude = min(abs(sample), 32635) + 132
    exponent = max(magnitude.bit_length() - 8, 0)
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0F)) & 0xFF


def tone(frequencies: tuple[float, ...], seconds: float, level: float = 0.25) -> bytes:
    """The sum of sines at `level` of full scale each; no frequency is silence."""
    return bytes(
        mulaw(int(32767 * level * sum(math.sin(2 * math.pi * f * n / RATE) for f in frequencies)))
        for n in range(int(RATE * seconds))
    )


def write_tones(folder: Path) -> None:
    """talk.ul (a hum with pauses) and one file a key: the tone, and the hum goes on.

    sipp plays one file at a time, and nothing after it: each lasts longer than a call does.
    """
    hum = (tone((220.0,), 0.4, 0.05) + tone((), 0.2)) * TALK
    (folder / "talk.ul").write_bytes(hum)
    for key, name in DIGIT_NAMES.items():
        pair = (float(ROWS[key]), float(COLUMNS[key]))
        (folder / f"{name}.ul").write_bytes(tone((), 0.06) + tone(pair, 0.2) + tone((), 0.2) + hum)

"""Sound as Asterisk plays it: 8 kHz, mono, 16 bit. Pure Python, no audio library.

espeak-ng writes 22,050 Hz and recordings come as they come; a windowed-sinc polyphase filter
brings them down without the whistle that skipping samples would make.
"""

from __future__ import annotations

import io
import math
import struct
import sys
import wave
from array import array
from collections.abc import Sequence
from operator import mul
from typing import Final

RATE: Final = 8_000
CUTOFF: Final = 3_600  # Hz: the telephone's band ends at 3,400, folding begins at 4,000
TAPS_AT_RATE: Final = 14  # length of the filter in samples of the slower side
MAX_BYTES: Final = 64_000_000
MAX_SECONDS: Final = 300
QUIET: Final = 120  # of 32,768: below is silence
EDGE: Final = 0.06  # seconds of silence left at both ends

Samples = Sequence[int]


class NotSound(ValueError):
    """Bytes that are no WAV file we can use; the message says why."""


def read_wav(raw: bytes) -> tuple[Samples, int]:
    """Samples (mono) and rate of a 16-bit PCM WAV of one or two channels. Raises NotSound.

    Sizes in the header are not believed: a program that writes to a pipe does not know them.
    """
    if len(raw) > MAX_BYTES:
        raise NotSound(f"larger than {MAX_BYTES} bytes")
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise NotSound("no WAV file")
    layout: tuple[int, int, int, int] | None = None
    place = 12
    while place + 8 <= len(raw):
        name, size = struct.unpack_from("<4sI", raw, place)
        place += 8
        if name == b"fmt " and place + 16 <= len(raw):
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", raw, place)
            layout = kind, channels, rate, bits
        elif name == b"data":
            return _samples(raw[place : place + size], layout)
        place += size + size % 2
    raise NotSound("no sound in it")


def _samples(data: bytes, layout: tuple[int, int, int, int] | None) -> tuple[Samples, int]:
    kind, channels, rate, bits = layout or (0, 0, 0, 0)
    if kind not in (1, 0xFFFE) or bits != 16 or channels not in (1, 2):
        raise NotSound("not 16-bit PCM with one or two channels")
    if not RATE <= rate <= 192_000:
        raise NotSound(f"a rate of {rate} Hz (8,000 to 192,000 can be used)")
    samples = array("h")
    samples.frombytes(data[: len(data) // (2 * channels) * 2 * channels])
    if sys.byteorder == "big":
        samples.byteswap()
    if len(samples) > MAX_SECONDS * rate * channels:
        raise NotSound(f"longer than {MAX_SECONDS} seconds")
    if channels == 2:
        pairs = zip(samples[::2], samples[1::2], strict=True)
        samples = array("h", ((left + right) // 2 for left, right in pairs))
    return samples, rate


def write_wav(samples: Samples, rate: int = RATE) -> bytes:
    """A WAV file of 16-bit mono samples."""
    packed = array("h", samples)
    if sys.byteorder == "big":
        packed.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(packed.tobytes())
    return file.getvalue()


def resample(samples: Samples, rate: int, to: int = RATE) -> Samples:
    """The same sound at the lower rate `to`. Its length is right to a sample."""
    if rate == to:
        return samples
    if rate < to:
        raise NotSound(f"cannot make {to} Hz of {rate} Hz")
    common = math.gcd(rate, to)
    up, down = to // common, rate // common
    half = math.ceil(TAPS_AT_RATE * rate / to / 2)
    phases = [_taps(phase / up, half, CUTOFF / rate) for phase in range(up)]
    padded = array("h", bytes(2 * half)) + array("h", samples) + array("h", bytes(2 * half + 2))
    found = array("h")
    for index in range(len(samples) * up // down):
        at, phase = divmod(index * down, up)
        value = round(sum(map(mul, phases[phase], padded[at : at + 2 * half])))
        found.append(max(-32768, min(32767, value)))
    return found


def _taps(offset: float, half: int, cutoff: float) -> list[float]:
    """A low-pass (cutoff in cycles a sample) centred `offset` after the middle; gain 1."""
    taps = []
    for tap in range(2 * half):
        x = tap - half - offset
        sinc = 2 * cutoff if x == 0 else math.sin(2 * math.pi * cutoff * x) / (math.pi * x)
        taps.append(sinc * (0.5 + 0.5 * math.cos(math.pi * x / (half + 1))))
    gain = sum(taps)
    return [tap / gain for tap in taps]


def trim(samples: Samples, rate: int = RATE) -> Samples:
    """Without silence at the ends, but for a breath: clips are played one after the other."""
    loud = [index for index, value in enumerate(samples) if abs(value) > QUIET]
    if not loud:
        return samples[:0]
    edge = int(EDGE * rate)
    return samples[max(0, loud[0] - edge) : loud[-1] + 1 + edge]


def beep(hertz: int = 1_000, seconds: float = 0.25) -> bytes:
    """The tone after which a caller speaks; its ends are soft, so that it does not click."""
    count, soft = int(seconds * RATE), RATE // 100
    return write_wav(
        [
            round(
                9_000
                * math.sin(2 * math.pi * hertz * index / RATE)
                * min(1.0, index / soft, (count - index) / soft)
            )
            for index in range(count)
        ]
    )


def for_phone(raw: bytes) -> bytes:
    """Any usable WAV as Asterisk's `wav` format wants it. Raises NotSound."""
    samples, rate = read_wav(raw)
    ready = trim(resample(samples, rate))
    if not len(ready):
        raise NotSound("nothing but silence")
    return write_wav(ready)


def seconds_of(raw: bytes) -> float:
    """How long a WAV plays. Raises NotSound."""
    samples, rate = read_wav(raw)
    return len(samples) / rate

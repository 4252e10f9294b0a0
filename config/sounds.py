"""Sounds that no package brings: a quiet music on hold, a silence, the queue's words in Chinese.

Music and words can be replaced by recorded files (8 kHz, 16 bit, mono WAV): what is there is kept.
"""

from __future__ import annotations

import asyncio
import math
import os
from pathlib import Path
from typing import Final

from ivr.sound import RATE, NotSound, for_phone, write_wav
from ivr.voice import EspeakVoice, VoiceError

LOUDNESS: Final = 2200  # of 32767: a background, no surprise

# One bar a chord, in Hz: C, A minor, F, G.
_CHORDS: Final = (
    (261.63, 329.63, 392.00),
    (220.00, 329.63, 440.00),
    (174.61, 349.23, 440.00),
    (196.00, 293.66, 392.00),
)
_BAR: Final = 4.0  # seconds

# What app_queue, Asterisk's say_number (main/say.c, apps/app_queue.c) and the dialplan's
# `ringdesk-say-wait` play in Chinese. Between "queue-thereare" and "queue-callswaiting" comes the
# caller's own place: 2 has one before.
_DIGITS: Final = "零一二三四五六七八九十"
QUEUE_WORDS: Final = {
    "queue-youarenext": "您是下一位，请稍候。",
    "queue-thereare": "您目前排在第",
    "queue-callswaiting": "位，请稍候。",
    "queue-thankyou": "感谢您的耐心等待。",
    "one-moment-please": "请稍候。",
    "vm-goodbye": "再见。",
    **{f"digits/{number}": word for number, word in enumerate(_DIGITS)},
    **{f"digits/{tens}0": f"{_DIGITS[tens]}十" for tens in range(2, 10)},
    "digits/hundred": "百",
    "digits/thousand": "千",
}


def write_music(folder: Path) -> None:
    """Write the loop unless the folder holds any sound already."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.wav")):
        return
    samples = [int(sample) for chord in _CHORDS for sample in _bar(chord)]
    _write(folder / "ringdesk.wav", write_wav(samples))


def write_wide(file: Path) -> None:
    """Write 20 ms of silence at 16 kHz, for `ringdesk-record` in extensions.conf.j2."""
    if not file.exists():
        _write(file, bytes(2 * 16_000 // 50))


def _bar(chord: tuple[float, ...]) -> list[float]:
    count = int(RATE * _BAR)
    bar = []
    for number in range(count):
        at = number / RATE
        # Each chord swells and fades to silence, so that the loop has no seam.
        swell = math.sin(math.pi * number / count) ** 2
        tone = sum(math.sin(2 * math.pi * pitch * at) for pitch in chord) / len(chord)
        bar.append(LOUDNESS * swell * tone)
    return bar


async def speak_queue(folder: Path, espeak: str) -> list[str]:
    """Speak the queue's Chinese words that are missing in `folder`; what went wrong, if anything.

    A word that is missing is played in English: no reason not to start.
    """
    voice = EspeakVoice(espeak)
    gate = asyncio.Semaphore(2)

    async def speak(name: str, text: str) -> str | None:
        file = folder / f"{name}.wav"
        if file.exists():
            return None
        async with gate:
            try:
                raw = await voice.speak(text, "zh")
                sound = await asyncio.to_thread(for_phone, raw)
            except (VoiceError, NotSound) as why:
                return f"{name}: {why}"
            await asyncio.to_thread(_write, file, sound)
            return None

    told = await asyncio.gather(*(speak(name, text) for name, text in QUEUE_WORDS.items()))
    return [each for each in told if each]


def _write(file: Path, sound: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_bytes(sound)
    fresh.replace(file)

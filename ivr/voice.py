"""Text to speech by espeak-ng: text in by its standard input, WAV out by its standard output.

No shell, no file, nothing of the text on a command line; one process a text, each with a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from typing import Final, Protocol

from msgspec import Struct

SPEAK_WITHIN: Final = 20.0  # seconds; a prompt takes some 0.1


class VoiceError(Exception):
    """A text could not be spoken; the message says why in one line."""


class Voice(Protocol):
    """Who speaks."""

    def identity(self, language: str) -> str:
        """Whatever changes the sound: part of the key under which it is kept."""
        ...

    async def speak(self, text: str, language: str) -> bytes:
        """A WAV file. Raises VoiceError."""
        ...


class Manner(Struct, frozen=True, kw_only=True):
    """How espeak-ng speaks a language: its voice, words a minute, pitch (0..99)."""

    voice: str
    speed: int
    pitch: int


# `cmn-latn-pinyin`, not `cmn`: with Debian 12's espeak-ng 1.51 the voice `cmn` spells most Chinese
# characters as English ("an four" for 按); the other reads the same dictionary as toned pinyin.
MANNERS: Final = {
    "en": Manner(voice="en-gb", speed=150, pitch=45),
    "zh": Manner(voice="cmn-latn-pinyin", speed=165, pitch=45),
}


class EspeakVoice:
    """`binary`: the program. `env`: what it needs beside our own environment (ESPEAK_DATA_PATH)."""

    def __init__(
        self,
        binary: str,
        env: Mapping[str, str] | None = None,
        *,
        manners: Mapping[str, Manner] = MANNERS,
        within: float = SPEAK_WITHIN,
    ) -> None:
        self._binary = binary
        self._env = {**os.environ, **(env or {})}
        self._manners = manners
        self._within = within

    def identity(self, language: str) -> str:
        """Voice, speed and pitch."""
        manner = self._manner(language)
        return f"espeak-ng {manner.voice} {manner.speed} {manner.pitch}"

    async def speak(self, text: str, language: str) -> bytes:
        """A WAV file at espeak-ng's own rate. Raises VoiceError."""
        manner = self._manner(language)
        try:
            process = await asyncio.create_subprocess_exec(
                *(self._binary, "-v", manner.voice, "-s", str(manner.speed)),
                *("-p", str(manner.pitch), "-b", "1", "--stdin", "--stdout"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._env,
            )
        except OSError as why:
            raise VoiceError(f"espeak-ng cannot be run: {why.strerror}") from None
        try:
            async with asyncio.timeout(self._within):
                out, err = await process.communicate(_plain(text).encode())
        except TimeoutError:
            raise VoiceError(f"espeak-ng took longer than {self._within:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode or not out:
            said = err.decode(errors="replace").strip().splitlines() or ["it said nothing"]
            raise VoiceError(f"espeak-ng failed ({process.returncode}): {said[-1][:200]}")
        return out

    def _manner(self, language: str) -> Manner:
        try:
            return self._manners[language]
        except KeyError:
            raise VoiceError(f'no voice for "{language}"') from None


def _plain(text: str) -> str:
    """One line of text; `[[` would start espeak-ng's own phoneme codes."""
    return " ".join(text.replace("[", " ").replace("]", " ").split())

"""Prompts as sound files: spoken once, kept by content, replaced by recordings where there are any.

    <folder>/cache/<hash>.wav                         what was made, by us
    <folder>/recorded/<flow>/<prompt>.<language>.wav  what people recorded, any rate from 8 kHz

A recording wins over the voice. Digits are `recorded/digits/4.en.wav`, status words
`recorded/statuses/open.en.wav`; a text with a number in it has pieces, `<prompt>-1`, `<prompt>-2`.
Everything is made by `prepare`, before a call comes: a call only looks up.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import structlog
from msgspec import Struct

from ivr.flow import Clip, Flow
from ivr.sound import NotSound, beep, for_phone, seconds_of
from ivr.spoken import static_clips
from ivr.voice import Voice, VoiceError

log = structlog.get_logger(__name__)

VERSION: Final = "1"  # change it when the same text should sound otherwise
AT_A_TIME: Final = 2


class Sound(Struct, frozen=True, kw_only=True):
    """A file as Asterisk's verbs want it: absolute, without its ending. `seconds` it plays."""

    file: str
    seconds: float


class PromptMissing(LookupError):
    """A clip that could not be made: nobody should hear a menu with holes."""


class Prompts:
    """The sounds of all flows. `folder` must be readable by Asterisk under the same path."""

    def __init__(self, folder: Path, voice: Voice) -> None:
        self._cache = folder.resolve() / "cache"
        self._recorded = folder.resolve() / "recorded"
        self._voice = voice
        self._sounds: dict[Clip, Sound] = {}

    def sounds(self, speech: Sequence[Clip]) -> list[Sound]:
        """What to play. Raises PromptMissing if any of it could not be prepared."""
        try:
            return [self._sounds[clip] for clip in speech]
        except KeyError as why:
            clip = why.args[0]
            raise PromptMissing(f"{clip.flow}/{clip.name}.{clip.language}") from None

    async def tone(self) -> Sound:
        """Our own beep: RECORD FILE's fails where Asterisk's sounds are not installed."""
        key = _key("beep")
        return await self._kept(key) or await self._keep(key, beep())

    async def prepare(
        self, *flows: Flow, progress: Callable[[int, int], None] | None = None
    ) -> list[str]:
        """Make what is missing for these flows. Returns one line for each clip that cannot be.

        `progress` is told how many of how many are made, each time one is.
        """
        wanted = list(dict.fromkeys(clip for flow in flows for clip in clips_of(flow)))
        await asyncio.to_thread(self._cache.mkdir, parents=True, exist_ok=True)
        gate = asyncio.Semaphore(AT_A_TIME)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._prepare(clip, gate)) for clip in wanted]
            if progress is not None:
                for done, made in enumerate(asyncio.as_completed(tasks), 1):
                    await made
                    progress(done, len(wanted))
        problems = [problem for task in tasks if (problem := task.result())]
        log.info("prompts.ready", clips=len(wanted), missing=len(problems))
        return problems

    async def _prepare(self, clip: Clip, gate: asyncio.Semaphore) -> str | None:
        async with gate:
            try:
                self._sounds[clip] = await self._sound(clip)
            except (VoiceError, NotSound, OSError) as why:
                self._sounds.pop(clip, None)
                return f"{clip.flow}/{clip.name}.{clip.language}: {why}"
        return None

    async def _sound(self, clip: Clip) -> Sound:
        recorded = self._recorded / clip.flow / f"{clip.name}.{clip.language}.wav"
        raw = await asyncio.to_thread(_read, recorded)
        if raw is not None:
            key = hashlib.sha256(VERSION.encode() + b"\0recorded\0" + raw).hexdigest()
            try:
                return await self._kept(key) or await self._keep(key, raw)
            except NotSound as why:  # the voice says it instead: better than silence
                log.warning("prompts.recording_unusable", file=str(recorded), why=str(why))
        key = _key(self._voice.identity(clip.language), clip.language, clip.text)
        kept = await self._kept(key)
        if kept:
            return kept
        return await self._keep(key, await self._voice.speak(clip.text, clip.language))

    async def _kept(self, key: str) -> Sound | None:
        """What the cache has, if it is whole: a power cut may leave a file without its end."""
        raw = await asyncio.to_thread(_read, self._file(key))
        if raw is None or int.from_bytes(raw[4:8], "little") != len(raw) - 8:
            return None
        try:
            return self._named(key, seconds_of(raw))
        except NotSound:
            return None

    async def _keep(self, key: str, raw: bytes) -> Sound:
        ready = await asyncio.to_thread(for_phone, raw)
        await asyncio.to_thread(_write, self._file(key), ready)
        return self._named(key, seconds_of(ready))

    def _file(self, key: str) -> Path:
        return self._cache / f"{key}.wav"

    def _named(self, key: str, seconds: float) -> Sound:
        return Sound(file=str(self._cache / key), seconds=seconds)


def clips_of(flow: Flow) -> Iterable[Clip]:
    """Every clip a flow may play, in all its languages."""
    for placed in flow.nodes.values():
        for _, prompt in placed.node.all_prompts():
            yield from static_clips(prompt)


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join((VERSION, *parts)).encode()).hexdigest()[:40]


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _write(file: Path, raw: bytes) -> None:
    """Whole or not at all: Asterisk may play the old one, another process write the same."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with part.open("wb") as handle:
            handle.write(raw)
            handle.flush()
            os.fsync(handle.fileno())
        part.replace(file)
    finally:
        with contextlib.suppress(OSError):
            part.unlink()

"""Prompts are made once, kept by content, replaced by recordings; espeak-ng speaks."""

from __future__ import annotations

import asyncio
import math
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from config import parts
from ivr.flow import Flow, Prompt
from ivr.prompts import PromptMissing, Prompts, Sound, clips_of
from ivr.sound import read_wav, seconds_of, write_wav
from ivr.spoken import clips, static_clips
from ivr.voice import EspeakVoice, VoiceError

FLOW = """\
languages: [en, zh]
start: a
nodes:
  a: {kind: say, prompt: {en: Hello, zh: 您好}, next: bye}
  bye: {kind: hangup, prompt: {en: Bye, zh: 再见}}
"""


class Humming:
    """A voice that hums; `broken` languages it cannot."""

    def __init__(self, name: str = "hum") -> None:
        self.name = name
        self.spoken: list[tuple[str, str]] = []
        self.broken: set[str] = set()
        self.at_once = self.most_at_once = 0

    def identity(self, language: str) -> str:
        return f"{self.name} {language}"

    async def speak(self, text: str, language: str) -> bytes:
        if language in self.broken:
            raise VoiceError("hoarse")
        self.spoken.append((language, text))
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        return hum(len(text) * 0.1)


def content(sound: Sound) -> bytes:
    return Path(f"{sound.file}.wav").read_bytes()


def hum(seconds: float, rate: int = 22_050) -> bytes:
    count = int(seconds * rate)
    return write_wav([round(9_000 * math.sin(index / 9)) for index in range(count)], rate)


@pytest.fixture
def flow(make_flow: Callable[..., Flow]) -> Flow:
    return make_flow(FLOW)


async def test_every_text_is_spoken_once_and_found(tmp_path: Path, flow: Flow) -> None:
    voice = Humming()
    prompts = Prompts(tmp_path, voice)
    assert await prompts.prepare(flow, flow) == []
    assert len(voice.spoken) == 4
    assert set(voice.spoken) == {
        ("en", "Bye"),
        ("en", "Hello"),
        ("zh", "您好"),
        ("zh", "再见"),
    }
    sounds = prompts.sounds(tuple(clips_of(flow)))
    assert [round(sound.seconds, 1) for sound in sounds] == [0.5, 0.2, 0.3, 0.2]
    for sound in sounds:
        assert Path(sound.file).is_absolute()
        assert seconds_of(content(sound)) == sound.seconds
    assert voice.most_at_once <= 2


async def test_a_second_start_speaks_nothing(tmp_path: Path, flow: Flow) -> None:
    await Prompts(tmp_path, Humming()).prepare(flow)
    again = Humming()
    await Prompts(tmp_path, again).prepare(flow)
    assert again.spoken == []


async def test_another_voice_speaks_anew(tmp_path: Path, flow: Flow) -> None:
    await Prompts(tmp_path, Humming()).prepare(flow)
    other = Humming("other")
    await Prompts(tmp_path, other).prepare(flow)
    assert len(other.spoken) == 4


async def test_a_file_cut_short_is_made_again(tmp_path: Path, flow: Flow) -> None:
    await Prompts(tmp_path, Humming()).prepare(flow)
    file = next((tmp_path / "cache").glob("*.wav"))
    file.write_bytes(file.read_bytes()[:-100])
    again = Humming()
    assert await Prompts(tmp_path, again).prepare(flow) == []
    assert len(again.spoken) == 1


async def test_nothing_half_made_is_left(tmp_path: Path, flow: Flow) -> None:
    await Prompts(tmp_path, Humming()).prepare(flow)
    assert all(len(file.stem) == 40 for file in (tmp_path / "cache").iterdir())


async def test_a_recording_replaces_a_prompt(tmp_path: Path, flow: Flow) -> None:
    folder = tmp_path / "recorded" / "main"
    folder.mkdir(parents=True)
    (folder / "bye.en.wav").write_bytes(hum(2.0, 44_100))
    voice = Humming()
    prompts = Prompts(tmp_path, voice)
    assert await prompts.prepare(flow) == []
    assert ("en", "Bye") not in voice.spoken
    bye = next(clip for clip in clips_of(flow) if clip.text == "Bye")
    [sound] = prompts.sounds([bye])
    assert sound.seconds == pytest.approx(2.0, abs=0.01)
    assert read_wav(content(sound))[1] == 8_000


async def test_a_bad_recording_is_spoken_instead(tmp_path: Path, flow: Flow) -> None:
    folder = tmp_path / "recorded" / "main"
    folder.mkdir(parents=True)
    (folder / "bye.en.wav").write_bytes(b"ID3 not a wav")
    voice = Humming()
    assert await Prompts(tmp_path, voice).prepare(flow) == []
    assert ("en", "Bye") in voice.spoken


async def test_what_cannot_be_spoken_is_told_and_never_half_played(
    tmp_path: Path, flow: Flow
) -> None:
    voice = Humming()
    voice.broken.add("zh")
    prompts = Prompts(tmp_path, voice)
    assert await prompts.prepare(flow) == ["main/a.zh: hoarse", "main/bye.zh: hoarse"]
    every = list(clips_of(flow))
    assert len(prompts.sounds([clip for clip in every if clip.language == "en"])) == 2
    with pytest.raises(PromptMissing, match=r"main/a\.zh"):
        prompts.sounds(every)


def test_numbers_are_played_from_pieces() -> None:
    prompt = Prompt(flow="f", name="p", texts={"en": "Case {case_number}, is {case_status}."})
    found = clips(prompt, "en", {"case_number": "40x2", "case_status": "open"})
    assert [clip.text for clip in found] == [
        "Case",
        "four",
        "zero",
        "two",
        ", is",
        "being worked on",
    ]
    assert {clip.name for clip in found if clip.flow == "f"} == {"p-1", "p-2"}
    assert set(found) <= set(static_clips(prompt))
    assert len(clips(prompt, "en", {"case_number": "1" * 1_000})) == 22
    assert [clip.text for clip in clips(prompt, "en", {})] == ["Case", ", is"]


# -- espeak-ng itself --------------------------------------------------------------------------


@pytest.fixture
def espeak() -> EspeakVoice:
    try:
        return EspeakVoice(parts.espeak())
    except parts.PartMissingError as why:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"espeak-ng: {why}")


async def test_espeak_speaks_both_languages(espeak: EspeakVoice) -> None:
    for language, text in (("en", "For sales, press 1."), ("zh", "产品与购买，请按 1。")):
        samples, rate = read_wav(await espeak.speak(text, language))
        assert rate >= 8_000
        assert 1.0 < len(samples) / rate < 5.0


async def test_mandarin_is_no_spelled_english(espeak: EspeakVoice) -> None:
    """Two syllables take two syllables' time: the voice `cmn` of 1.51 says "bay four kay ..."."""
    spoken = seconds_of(await espeak.speak("请按服务抱歉您好工单", "zh"))
    assert spoken < 4.0


async def test_a_text_is_data(espeak: EspeakVoice, tmp_path: Path) -> None:
    before = sorted(Path.cwd().iterdir())
    for text in ("-w x.wav", "$(touch x)", "; touch x", "[[_:]] hello", "--help\n\0hello"):
        assert len(await espeak.speak(text, "en")) > 1_000
    assert sorted(Path.cwd().iterdir()) == before


def program(folder: Path, script: str) -> str:
    file = folder / "espeak-ng"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


async def test_a_failure_is_one_line(tmp_path: Path) -> None:
    voice = EspeakVoice(program(tmp_path, "cat >/dev/null; echo oh >&2; echo no data >&2; exit 3"))
    with pytest.raises(VoiceError, match=r"^espeak-ng failed \(3\): no data$"):
        await voice.speak("x", "en")
    with pytest.raises(VoiceError, match="cannot be run: No such file"):
        await EspeakVoice(str(tmp_path / "none")).speak("x", "en")
    with pytest.raises(VoiceError, match='no voice for "fr"'):
        await voice.speak("x", "fr")


async def test_one_that_hangs_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = program(tmp_path, f"echo $$ > {pid}.new; mv {pid}.new {pid}; exec sleep 60")
    voice = EspeakVoice(script, within=1.0)
    with pytest.raises(VoiceError, match="longer than 1 s"):
        await voice.speak("x", "en")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


async def test_environment_and_arguments_reach_it(tmp_path: Path) -> None:
    script = 'cat >/dev/null; echo "$DATA $*"'
    voice = EspeakVoice(program(tmp_path, script), {"DATA": "here"})
    said = (await voice.speak("secret", "zh")).decode()
    assert said.startswith("here -v cmn-latn-pinyin -s ")
    assert "secret" not in said

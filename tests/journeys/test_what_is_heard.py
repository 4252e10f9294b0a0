"""What reaches an ear: the queue's announcement, in the caller's own language."""

from __future__ import annotations

import asyncio
from array import array
from pathlib import Path

import pytest

from tests.journeys.conftest import Dial
from tests.journeys.ear import find, length, level, samples
from tests.journeys.house import House
from tests.journeys.test_one_call import number, only_call

pytestmark = [
    pytest.mark.journey,
    pytest.mark.xdist_group("journeys"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def heard_until(recording: Path, sound: Path, seconds: float = 25) -> array[int]:
    """The recording, once the sound is in it."""
    async with asyncio.timeout(seconds):
        while True:
            heard = samples(recording)
            if find(sound, heard) is not None:
                return heard
            await asyncio.sleep(0.5)  # Asterisk tells nobody what it plays


@pytest.mark.parametrize(("to", "language"), [("4000", "en"), ("8000", "zh")])
async def test_who_waits_hears_the_place_in_the_callers_language(
    house: House, call: Dial, tmp_path: Path, to: str, language: str
) -> None:
    """Asterisk plays "you are currently caller number", 2, "waiting": these files, one by one."""
    first, second = number(), number()
    ahead = await call("4000", caller=first)
    await only_call(house, first, queue="sales")
    phone = await call(to, caller=second)
    await only_call(house, second, queue="sales")
    heard = tmp_path / "heard.wav"
    await house.hear(await house.channel_of(second), heard)
    sounds = house.folder / "data/asterisk/share/sounds" / language
    words = [
        sounds / f"{name}.wav" for name in ("queue-thereare", "digits/2", "queue-callswaiting")
    ]
    recording = await heard_until(heard, words[-1])
    at = [find(word, recording) for word in words]
    assert None not in at, at
    for word, begins, following in zip(words, at, at[1:], strict=False):
        assert begins is not None
        assert following is not None
        assert following - begins == pytest.approx(length(word), abs=0.2)
        assert level(samples(word)) > 300  # speech, no silence
        assert 0.2 < length(word) < 5
    other = house.folder / "data/asterisk/share/sounds" / ("zh" if language == "en" else "en")
    assert find(other / "queue-thereare.wav", recording) is None
    assert await phone.hang_up() == 0
    assert await ahead.hang_up() == 0

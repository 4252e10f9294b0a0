"""What reaches a caller's ear: announcements in their language, the agent, keys, and no mute."""

from __future__ import annotations

from array import array
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import Dial, SignIn
from tests.journeys.ear import find, keys, length, level, samples
from tests.journeys.house import House
from tests.journeys.test_one_call import number, only_call
from tests.journeys.tones import RATE
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


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

    async def announced() -> list[float | None]:
        """Where each word is, in the first announcement that was heard from its beginning."""
        sound = samples(heard)
        begin = find(words[0], sound)
        if begin is not None and begin < 0:
            sound = sound[int((begin + length(words[0])) * RATE) :]
            begin = find(words[0], sound)
        return [find(word, sound[int((begin or 0.0) * RATE) :]) for word in words]

    at = await until(announced, lambda found: None not in found, seconds=25)
    for word, begins, following in zip(words, at, at[1:], strict=False):
        assert begins is not None
        assert following is not None
        assert following - begins == pytest.approx(length(word), abs=0.2)
        assert level(samples(word)) > 300  # speech, no silence
        assert 0.2 < length(word) < 5
    other = house.folder / "data/asterisk/share/sounds" / ("zh" if language == "en" else "en")
    assert find(other / "queue-thereare.wav", samples(heard)) is None
    assert await phone.hang_up() == 0
    assert await ahead.hang_up() == 0


async def grown(recording: Path, seconds: float) -> array[int]:
    """What is heard from now on, once it is so long."""
    since = len(samples(recording))

    async def heard() -> array[int]:
        return samples(recording)[since:]

    return await until(heard, lambda new: len(new) >= seconds * RATE)


async def test_the_caller_hears_the_agent_but_not_a_muted_one(
    house: House, call: Dial, agent: SignIn, tmp_path: Path
) -> None:
    """Chromium's microphone beeps every second; muted it is silence, then it beeps again."""
    caller, heard = number(), tmp_path / "heard.wav"
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("5000", caller=caller)
    await ava.answer()
    await house.hear(await house.channel_of(caller), heard)
    mute = ava.page.locator("button.control", has_text="Mute")
    assert level(await grown(heard, 3)) > 100
    await ava.page.keyboard.press("F7")
    await expect(mute).to_have_attribute("aria-pressed", "true")
    await grown(heard, 1)  # what was on its way
    assert level(await grown(heard, 3)) < 10
    await ava.page.keyboard.press("F7")
    await expect(mute).to_have_attribute("aria-pressed", "false")
    assert level(await grown(heard, 3)) > 100
    assert await phone.hang_up() == 0


async def test_keys_pressed_by_the_agent_arrive_at_the_other_side(
    house: House, call: Dial, agent: SignIn, tmp_path: Path
) -> None:
    """The trunk offers no telephone events: the keys are heard as tones, each once."""
    caller, heard = number(), tmp_path / "heard.wav"
    ava = await agent("ava")
    await ava.take_calls()
    phone = await call("5000", caller=caller)
    await ava.answer()
    await house.hear(await house.channel_of(caller), heard)
    await ava.page.keyboard.press("F7")  # the beeping microphone would sound over them
    await grown(heard, 1)
    await ava.page.keyboard.press("F9")
    for key in "59#":
        await ava.page.locator("rd-keypad .pad button", has_text=key).click()
        await grown(heard, 0.7)
    assert keys(samples(heard)) == "59#"
    assert await phone.hang_up() == 0

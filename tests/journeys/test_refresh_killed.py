"""An agent's page goes, and all of ours is killed at the same moment: the caller is kept."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from tests.conftest import need
from tests.journeys.agent import sign_in
from tests.journeys.caller import dial
from tests.journeys.house import House, settings
from tests.journeys.test_one_call import number, only_call
from tests.journeys.test_refresh import SECONDS, both_in, next_recording

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


def _told(case: Any) -> list[int]:
    kinds = Counter(entry["kind"] for entry in case["timeline"])
    return [kinds[kind] for kind in ("answered", "cut_off", "back", "ended")]


@pytest.mark.timeout(300)
async def test_the_caller_is_given_back_by_asterisk_alone(
    tmp_path: Path, prompts: Path, browser: Browser, sipp: str, tones: Path
) -> None:
    """Back to the same agent, in the recording, and in the case once the records are read."""
    for part in ("asterisk", "espeak-ng"):
        need(part)
    # Long enough for a start of ours on a machine that does other things as well.
    house = House(tmp_path, settings(tmp_path) | {"keep_caller": 60})
    await house.furnish(prompts)
    caller, recorded = number(), next_recording(house)
    async with contextlib.AsyncExitStack() as stack:
        await house.start()
        stack.push_async_callback(house.stop)
        ava = await sign_in(browser, house, "ava")
        stack.push_async_callback(ava.context.close)
        await ava.take_calls()
        phone = await dial([sipp], house.sip, "2000", folder=tones, tones=tones, caller=caller)
        stack.push_async_callback(phone.close)
        await ava.answer()
        recording = await recorded()
        await both_in(recording)

        assert house.process is not None
        house.process.kill()
        await ava.page.goto("about:blank")
        await house.process.wait()
        await house.start()
        began = time.monotonic()
        await ava.page.goto(f"{house.web}/desk")
        await ava.in_state("talking")
        assert time.monotonic() - began < SECONDS
        await both_in(recording)
        assert await phone.hang_up() == 0
        await ava.in_state("wrap_up")
        conversation = await only_call(house, caller, outcome="answered")
        assert conversation["agents"] == ["ava"]
        # Live took her way back for another answer; the records are read once the call is over and
        # nothing more has been written of it for a moment.
        case = await house.until(
            f"/cases/{conversation['case_number']}", lambda answer: _told(answer) == [1, 1, 1, 1]
        )
        assert len(case["conversations"]) == 1

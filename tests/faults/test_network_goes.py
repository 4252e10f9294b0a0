"""The network between an agent's page and us goes in mid-call, and the page lives on."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest

from bench.sipp import Callers
from tests.conftest import need
from tests.faults.board import a_browser
from tests.faults.desk import AGENT, SALES
from tests.faults.floor import floor_settings
from tests.faults.netns import Wire, a_wire
from tests.journeys.agent import FAKE_MEDIA, sign_in
from tests.journeys.house import House
from tests.journeys.test_one_call import only_call
from tests.journeys.test_refresh import hear_each_other
from tests.polling import until
from tests.ports import free_ports

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
SECONDS = 10.0  # from the network's return until they talk
NOTICED_SECONDS = 60.0


def behind(wire: Wire, folder: Path) -> House:
    """A house at the other end of the wire; its callers are there as well."""
    config = floor_settings(folder)
    for part in (config["web"], config["live"], config["gate"]):
        part["host"] = wire.guest
    # Whoever listens with Asterisk's ears hears a second telephone only then (decisions/017).
    config["queues"]["sales"]["record"] = True
    return House(folder, config, within=wire.within)


async def channels(house: House) -> list[list[str]]:
    """Asterisk's channels: name, context, ... state (5th), ... bridge (13th)."""
    out = await house.asterisk_says("core show channels concise")
    return [line.split("!") for line in out.splitlines() if line.startswith("PJSIP/")]


async def rung_in_vain(house: House, times: int) -> None:
    """Wait until the caller is kept, and until the lost page was rung so often."""
    rung: set[str] = set()

    async def so_often() -> bool:
        now = await channels(house)
        kept = any(each[1] == "ringdesk-kept" for each in now)
        rung.update(each[0] for each in now if kept and each[0].startswith(f"PJSIP/{AGENT}-"))
        return kept and len(rung) > times

    await until(so_often, bool, seconds=NOTICED_SECONDS, every=0.1)


async def joined(house: House) -> None:
    """Wait until caller and agent are in one bridge, and nobody else is there."""

    async def both() -> bool:
        now = await channels(house)
        return len(now) == 2 and len({each[12] for each in now} - {""}) == 1

    await until(both, bool, seconds=SECONDS, every=0.05)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("times", [0, 2], ids=["soon", "rung in vain"])
async def test_the_page_gets_its_caller_back_by_itself(
    tmp_path: Path, prompts: Path, times: int
) -> None:
    """Nobody clicks; the caller hears the agent again, and it is one call of one case.

    Back once the loss was noticed, or after the lost page was rung in vain: what was sent to it
    meanwhile reaches it late, all at once.
    """
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    with a_wire() as wire:
        house = behind(wire, tmp_path)
        await house.furnish(prompts)
        async with contextlib.AsyncExitStack() as stack:
            await house.start()
            stack.push_async_callback(house.stop)
            browser = await stack.enter_async_context(
                # Browsers give the microphone to pages of this machine and to those of TLS alone.
                a_browser(*FAKE_MEDIA, f"--unsafely-treat-insecure-origin-as-secure={house.web}")
            )
            ava = await sign_in(browser, house, AGENT)
            stack.push_async_callback(ava.close)
            await ava.take_calls()
            sip = house.config["asterisk"]["sip"]["port"]
            own, media = free_ports(2)
            caller = stack.enter_context(
                Callers(
                    tmp_path, "caller", sip, own, count=1, rate=1, first=0, dialed=SALES,
                    within=wire.within, media=media, echo=True,
                )
            )  # fmt: skip
            await ava.answer()
            ear = tmp_path / "heard.wav"
            await house.hear(await house.channel_of(caller.numbers[0]), ear)
            await hear_each_other(ava, ear)

            wire.drop(True)
            try:
                await rung_in_vain(house, times)
            finally:
                wire.drop(False)
            await joined(house)
            await ava.in_state("talking")
            await hear_each_other(ava, ear)

            await ava.page.keyboard.press("F4")
            assert (await asyncio.to_thread(caller.wait)).good == 1
            await ava.in_state("wrap_up")
            await ava.page.keyboard.press("F10")
            await ava.in_state("available")
            conversation = await only_call(house, caller.numbers[0], outcome="answered")
            assert conversation["agents"] == [AGENT]
            case = await house.api("GET", f"/cases/{conversation['case_number']}")
            told = Counter(entry["kind"] for entry in case["timeline"])
            assert [told[kind] for kind in ("answered", "cut_off", "back", "ended")] == [1, 1, 1, 1]

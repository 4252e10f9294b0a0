"""23: the host's own name resolves nowhere, or its name server is silent; no call waits for it."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from bench.sipp import Callers
from tests.conftest import need
from tests.faults.board import a_browser
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor, floor_settings, open_floor
from tests.faults.naming import Answers, a_bad_name
from tests.faults.sip_log import seen_in
from tests.faults.test_link import SLOWER, SetUp, set_up
from tests.journeys.agent import FAKE_MEDIA, sign_in
from tests.ports import free_ports

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 10.0  # calls a second
AGENT, SALES = "ava", "3000"
PACKETS = 100  # two seconds of talk


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("answers", "host"), [("no such name", "127.0.0.1"), ("nothing", "0.0.0.0")]
)
async def test_bad_name(
    tmp_path: Path, floor: Floor, check: Check, answers: Answers, host: str
) -> None:
    """SIP on this machine only, and at each address of it.

    Calls are set up as fast as with a good name, an agent's browser hears its caller, and no
    name is asked for."""
    check.of(23, f"the host's name: the name server says {answers}; SIP at {host}")
    count = length(60, 600)
    config = floor_settings(tmp_path)
    config["asterisk"]["sip"]["host"] = host
    need("chromium")
    prompts = (floor.folder / "data/prompts").resolve()
    async with a_bad_name(tmp_path, answers) as bad, contextlib.AsyncExitStack() as stack:
        here = await stack.enter_async_context(
            open_floor(tmp_path, prompts, config=config, within=bad.within)
        )
        started = len(bad.server.asked)
        # Both at once: whatever else the machine does, it does to both.
        usual, meanwhile = await asyncio.gather(timed(floor, count), timed(here, count))
        by_calls = len(bad.server.asked) - started
        await talk_in_a_browser(here, stack)
        by_browser = len(bad.server.asked) - started - by_calls
        tally = await here.tally(await here.counted())
        assert here.house.process is not None
        ours = here.house.process.pid
        asked = [one for one in bad.server.asked[started:] if not one.is_for_addresses(ours)]
    check.count(tally)
    lookups = f"{by_calls} lookups, {by_browser} by a browser's call, {len(asked)} in all"
    check.note(f"until taken: {meanwhile}; with a good name: {usual}; {lookups}")
    log = tmp_path / "data/asterisk/log/messages.log"
    assert "Unable to lookup" not in log.read_text(errors="replace")
    assert asked == []
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert meanwhile.median < usual.median * 2 + SLOWER


async def timed(floor: Floor, count: int) -> SetUp:
    """So many calls, and how soon they were taken."""
    log = floor.folder / f"timed{floor.made}.log"
    floor.call(count, RATE, log=log)
    await floor.counted()
    return set_up(list((await asyncio.to_thread(seen_in, log)).values()))


async def talk_in_a_browser(floor: Floor, stack: contextlib.AsyncExitStack) -> None:
    """Its media goes by ICE, to an address that Asterisk offers."""
    browser = await stack.enter_async_context(a_browser(*FAKE_MEDIA))
    agent = await sign_in(browser, floor.house, AGENT)
    await agent.take_calls()
    own, media = free_ports(2)
    sip = floor.house.config["asterisk"]["sip"]["port"]
    caller = Callers(
        floor.folder, "heard", sip, own, count=1, rate=1.0, first=floor.made, dialed=SALES,
        talk=8.0, media=media, echo=True,
    )  # fmt: skip
    floor.flows.append(caller)
    await agent.answer()
    await agent.heard(PACKETS)
    # Who only closes the page comes back, for all that Asterisk knows: the caller would be kept.
    await agent.hang_up()
    await agent.close()

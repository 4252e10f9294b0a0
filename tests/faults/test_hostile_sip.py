"""21: strangers and callers who write what is no SIP, or is somebody else's, harm nobody's call."""

from __future__ import annotations

import asyncio
import sys
import time

import pytest

from tests.fakes.sip_client import SipClient, SipMessage, offer
from tests.faults.conftest import Check, length
from tests.faults.floor import Floor
from tests.faults.hostile_sip import MALFORMED
from tests.faults.sip_log import seen_in
from tests.faults.test_link import SLOWER, set_up
from tests.journeys.house import CHECKOUT, TRUNK
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = 10.0  # calls a second
HOSTILE_RATE = 1_000.0  # messages a second
# What a carrier's caller says they are: line ends, another event, ids, a name.
CALLERS = (
    "+4977%0d%0aUniqueid%3A%20forged",
    "+4977%0d%0a%0d%0aEvent%3A%20AgentCalled%0d%0aQueue%3A%20support%0d%0aMemberName%3A%20agent1",
    "+4977%0d%0a%0d%0aEvent%3A%20PeerStatus%0d%0aPeer%3A%20PJSIP/agent1%0d%0aPeerStatus%3A%20Rejected",
    "+4977%0d%0aCallerIDName%3A%20x%0d%0aLinkedid%3A%20forged%0d%0aUniqueid%3A%20forged%0d%0a%0d%0aE",
    "+4977%22%7D%0a%7B%22system%22%3A%22floor%22%7D",
    "+4977%09%5c%22%00",
)


async def test_hostile_sip(floor: Floor, check: Check) -> None:
    """Calls are set up as fast as before; no call, no agent's state and no case is invented."""
    assert len(MALFORMED) == 20
    check.of(21, "hostile SIP: line ends, forged identity, 20 malformed kinds")
    port = int(floor.house.config["asterisk"]["sip"]["port"])
    log = floor.folder / "hostile.log"
    floor.call(length(200, 1_200), RATE, log=log)
    flowing = asyncio.create_task(floor.counted())
    before = length(60, 400)
    await until(
        lambda: asyncio.to_thread(seen_in, log),
        lambda seen: len(seen) >= before,
        seconds=before / RATE + 30.0,
        every=0.5,
    )
    began = time.time()
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.hostile_sip", str(port)),
        *(str(length(8_000, 60_000)), str(HOSTILE_RATE)),
        cwd=CHECKOUT,
        stdout=asyncio.subprocess.PIPE,
    )
    hostile = [await call_as(floor, caller) for caller in CALLERS]
    said, _ = await program.communicate()
    ended = time.time()
    counts = await flowing
    # Who called with line ends in their number has called, and is a case; nobody else is.
    numbers = {str(row[0]) for row in await floor.ask("SELECT number FROM conversation")}
    floor.earlier |= {number for number in numbers if not number or number.startswith("+4977")}
    tally = await floor.tally(counts)
    check.count(tally)
    seen = (await asyncio.to_thread(seen_in, log)).values()
    usual = set_up([call for call in seen if 0 < call.answered < began])
    meanwhile = set_up([call for call in seen if began < call.asked < ended])
    rate = int(said)
    check.note(f"until taken: {usual}; at {rate} hostile messages/s: {meanwhile}")
    assert tally.sipp.failed == 0
    assert tally.lost == tally.duplicated == tally.stray == []
    assert [answer.status for answer in hostile] == [200] * len(hostile)
    calls = await floor.ask("SELECT count(*) FROM conversation WHERE number LIKE '+4977%'")
    assert calls[0][0] <= len(hostile)
    assert rate > HOSTILE_RATE / 2
    assert meanwhile.median < usual.median * 2 + SLOWER
    alarms = await floor.ask("SELECT kind FROM alarm WHERE cleared_at IS NULL")
    assert ("events_forged",) in [tuple(row) for row in alarms]
    await floor.agents_agree()


async def call_as(floor: Floor, caller: str) -> SipMessage:
    """One call from the carrier's address, ended as soon as it is answered."""
    async with SipClient(floor.house.sip, TRUNK) as carrier:
        answer = await carrier.ask(
            "INVITE", "sip:2000@127.0.0.1", user=caller, body=offer(TRUNK), seconds=10
        )
        if answer.status == 200:
            await carrier.hang_up(answer)
        return answer

"""What the bridge after the next crash is told of the calls that go on."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import func, select

from cti import events as cti
from service_desk.desk import Desk
from service_desk.first_start import DISPOSITIONS, furnish
from service_desk.intake import Intake
from service_desk.model import Disposition
from service_desk.queries.told import told_of_live_calls


def arrived(desk: Desk, call_id: str, system: str = "s") -> cti.CallArrived:
    return cti.CallArrived(
        at=desk.clock.now(),
        system=system,
        call_id=call_id,
        leg_id=f"{call_id}.1",
        channel="PJSIP/carrier-1",
        direction="inbound",
        caller_number="0301",
        caller_name="",
        dialed="1000",
    )


async def test_the_facts_of_this_systems_unfinished_calls_in_the_order_told(desk: Desk) -> None:
    now = desk.clock.now()
    live, over, other = (arrived(desk, c, s) for c, s in (("a", "s"), ("b", "s"), ("c", "t")))
    queued = cti.CallQueued(
        at=now + timedelta(seconds=1),
        system="s",
        call_id="a",
        queue="support",
        position=1,
        leg_id="a.1",
    )
    ended = cti.CallEnded(at=now, system="s", call_id="b", cause=16, by="caller")
    intake = Intake(desk)
    await intake.start()
    for fact in (queued, live, over, ended, other):
        intake.take(fact)
    await intake.settled()
    await intake.stop()
    assert await told_of_live_calls(desk, "s") == [live, queued]
    assert await told_of_live_calls(desk, "t") == [other]


async def test_roles_that_start_together_furnish_once(desk: Desk) -> None:
    """Four processes find the same empty database at the same moment."""
    await asyncio.gather(*(furnish(desk) for _ in range(4)))
    count = await desk.fetch(lambda c: c.scalar(select(func.count()).select_from(Disposition)))
    assert count == len(DISPOSITIONS)

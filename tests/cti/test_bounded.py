"""A day of calls leaves no more behind in the bridge than its morning did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cti import board, conversation
from cti.ami.wire import AmiParser, Message
from cti.bridge import AgentPlan, Bridge, QueuePlan
from cti.bus import InProcessBus
from cti.interpret import WANTED_EVENTS, channels, set_back
from tests.fakes.ami_link import FakeLink
from tests.held import held

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CALL = (Path(__file__).parents[2] / "bench/queued_call.ami").read_bytes().decode()
FEW = 10  # instead of thousands
SLACK = 20  # objects: one call more or less that goes on in a wrap-up


def call(number: int, at: datetime) -> list[Message]:
    """A recorded call through a queue, under ids of its own."""
    text = CALL
    for mark, value in (
        ("@A@", f"x-{number}.1"), ("@B@", f"x-{number}.2"), ("@C@", f"{number:08x}"),
        ("@D@", f"{number:07x}d"), ("@G@", f"bridge-{number}"), ("@T@", f"{at.timestamp():.6f}"),
    ):  # fmt: skip
        text = text.replace(mark, value)
    parser = AmiParser(WANTED_EVENTS)
    parser.feed(b"Asterisk Call Manager/11.0.0\r\n")
    return parser.feed(text.encode())


async def test_what_is_remembered_of_calls_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Interpreter, board and roster together; bounds that are thousands are ten here."""
    monkeypatch.setattr(board, "REMEMBERED", FEW)
    monkeypatch.setattr(channels, "REMEMBERED", FEW)
    monkeypatch.setattr(set_back, "MOST", FEW)
    now = [NOON]
    bridge = Bridge(
        FakeLink,
        InProcessBus(),
        system="ringdesk-1",
        agents={"ava": AgentPlan(name="ava", extension="101", queues={"support": 0})},
        queues={"support": QueuePlan(name="support", threshold=20)},
        clock=lambda: now[0],
    )
    monkeypatch.setattr(
        bridge.interpreter.world, "ids", conversation.Conversations("ringdesk-1", FEW)
    )
    link = bridge.link
    assert isinstance(link, FakeLink)
    await link.up()

    def calls(first: int, last: int) -> None:
        for number in range(first, last):
            now[0] += timedelta(seconds=10)
            for message in call(number, now[0]):
                link.tell(message)
        bridge.tick(now[0])

    calls(0, 50)
    morning = held(bridge)
    calls(50, 150)
    evening = held(bridge)
    queue = bridge.snapshot().queues["support"]
    assert (queue.answered, queue.abandoned) == (150, 0)
    assert evening.total() <= morning.total() + SLACK, evening - morning

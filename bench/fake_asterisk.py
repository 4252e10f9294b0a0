"""An AMI peer that plays recorded calls when told to, a part at a time, to whoever logs in.

It answers what a bridge asks (login, status, lists, pings) and knows which channels are up, so that
nothing is taken for a lost hang-up. Every agent is a member of the queue `support`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

RECORDING = Path(__file__).with_name("queued_call.ami")
SYSTEM = "ringdesk-1"
BOOT = ("CoreStartupDate: 2026-11-21", "CoreStartupTime: 08:00:00")
# Where the recording is cut: the caller is there; waits, and rings the agent; the talk; the end.
CUTS = ("Event: QueueCallerJoin\r\n", "Event: DialBegin\r\n", "Event: HangupRequest\r\n")


class Call:
    """One recorded call under ids, an agent and a number of its own, in four parts."""

    def __init__(self, number: int, agent: str, caller: str) -> None:
        self.linkedid = f"{SYSTEM}-1795293454.{number * 2}"
        self.legs = (self.linkedid, f"{SYSTEM}-1795293454.{number * 2 + 1}")
        text = RECORDING.read_bytes().decode()
        for mark, value in (
            ("PJSIP/ava", f"PJSIP/{agent}"),
            ("MemberName: ava", f"MemberName: {agent}"),
            ("+493012345678", caller),
            ("@A@", self.legs[0]),
            ("@B@", self.legs[1]),
            ("@C@", f"{number * 2:08x}"),
            ("@D@", f"{number * 2 + 1:08x}"),
            ("@G@", f"d3999bb9-5051-460f-a3ac-{number:012x}"),
        ):
            text = text.replace(mark, value)
        joins = text.index(CUTS[0])
        called = text.index("Event: AgentCalled")
        first = text.index(CUTS[1], called)
        second = text.index(CUTS[2], first)
        self._parts = (text[:joins], text[joins:first], text[first:second], text[second:])

    def part(self, place: int) -> bytes:
        """A part of it, happening now."""
        return self._parts[place].replace("@T@", f"{time.time():.6f}").encode()


class FakeAsterisk:
    """Listens on 127.0.0.1; one client, the bridge."""

    def __init__(self, agents: Sequence[str]) -> None:
        self._agents = agents
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self.live: set[str] = set()

    async def start(self, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def close(self) -> None:
        """Hang up on the bridge."""
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()

    def arrive(self, call: Call) -> None:
        """The caller is there: in the menu, or about to join the queue."""
        self.live.update(call.legs)
        self._send(call.part(0))

    def ring(self, call: Call) -> None:
        """The caller joins the queue, an agent is free: the last event written is AgentCalled."""
        self._send(call.part(1))

    def talk(self, call: Call) -> None:
        """The agent answers."""
        self._send(call.part(2))

    def end(self, call: Call) -> None:
        """Both hang up."""
        self._send(call.part(3))
        self.live.difference_update(call.legs)

    def _send(self, data: bytes) -> None:
        if self._writer is None:
            raise RuntimeError("nobody is logged in")
        self._writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = (line.partition(":") for line in block.split("\r\n"))
                asked = {name.lower(): value.strip() for name, _, value in lines}
                self._answer(asked.get("action", "").lower(), asked.get("actionid", ""))
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _answer(self, action: str, asked_by: str) -> None:
        own = f"ActionID: {asked_by}"
        items: list[tuple[str, ...]]
        match action:
            case "corestatus":
                self._say("Response: Success", own, *BOOT)
                return
            case "coresettings":
                self._say("Response: Success", own, f"SystemName: {SYSTEM}")
                return
            case "coreshowchannels":
                items = [
                    ("Event: CoreShowChannel", f"Uniqueid: {leg}") for leg in sorted(self.live)
                ]
            case "queuestatus":
                items = [_member(agent) for agent in self._agents]
            case "bridgelist":
                items = []
            case _:
                self._say("Response: Success", own)
                return
        self._say("Response: Success", own, "EventList: start")
        for item in items:
            self._say(*item[:1], own, *item[1:])
        self._say("Event: ListComplete", own, "EventList: Complete", f"ListItems: {len(items)}")

    def _say(self, *lines: str) -> None:
        self._send("\r\n".join((*lines, "", "")).encode())


def _member(agent: str) -> tuple[str, ...]:
    return (
        "Event: QueueMember",
        "Queue: support",
        f"Name: {agent}",
        f"Location: PJSIP/{agent}",
        f"StateInterface: PJSIP/{agent}",
        "Membership: dynamic",
        "Penalty: 0",
        "Status: 1",
        "Paused: 0",
        "PausedReason: ",
        "InCall: 0",
    )

"""Who talks on the line, and how long the callers heard nothing: RTP, to the millisecond.

A program of its own (`python -m tests.faults.voices EAR MOUTH`), so that nothing of the test makes
it late. EAR is where the callers' media goes: from the first packet on they talk, 50 packets a
second, each marked. MOUTH is the agents': they send back at once what they hear. What callers hear
of themselves has gone twice through Asterisk; the time between two marked packets, by the kernel's
stamps, is what anybody would have heard. A line on stdin asks for what there was since the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.faults.asked import ask, program
from tests.faults.stalls import Span, Stalls, stalls
from tests.ports import free_ports

CALLERS = "127.0.0.2"
AGENTS = "127.0.0.1"
MARK = b"ringdesk says: one two three"
PACE = 0.02
STAMPS = 35  # SO_TIMESTAMPNS: seconds and nanoseconds of the packet's arrival
NOTED, MOST_GAPS = 60.0, 500
SILENT = 3.0  # seconds without any packet: that call is over

Address = tuple[str, int]


class Heard(msgspec.Struct, frozen=True):
    """`gap`: the longest time in ms without a packet that a caller had while talking; `ours`: what
    is left of the longest without the times in which the machine stood still; `gaps`: all of more
    than 60 ms, from and until."""

    streams: int = 0
    packets: int = 0
    gap: float = 0.0
    gaps: list[Span] = []
    ours: float = 0.0


@dataclass
class _Talk:
    """One caller's side: what is sent next, and when the last came."""

    to: Address
    due: float
    sequence: int = 0
    last: dict[bytes, float] = field(default_factory=dict)  # the stream's ssrc -> arrival
    any_at: float = 0.0


class _Line:
    def __init__(self, ear: int, mouth: int) -> None:
        self.ear, self.mouth = _socket(CALLERS, ear), _socket(AGENTS, mouth)
        self.talks: dict[Address, _Talk] = {}
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.streams: set[tuple[Address, bytes]] = set()
        self.packets = 0
        self.gap = 0.0
        self.gaps: list[Span] = []

    def serve(self) -> None:
        """Until stdin ends."""
        while True:
            now = time.monotonic()
            wait = min((talk.due for talk in self.talks.values()), default=now + 1.0) - now
            ready, _, _ = select.select([self.ear, self.mouth, sys.stdin], [], [], max(wait, 0.0))
            if self.mouth in ready:
                self._echo()
            if self.ear in ready:
                self._hear()
            self._talk()
            if sys.stdin in ready:
                if not sys.stdin.readline():
                    return
                said = Heard(len(self.streams), self.packets, round(self.gap, 1), self.gaps)
                sys.stdout.write(msgspec.json.encode(said).decode() + "\n")
                sys.stdout.flush()
                self._begin_anew()

    def _echo(self) -> None:
        for data, _, source in _packets(self.mouth):
            self.mouth.sendto(data, source)

    def _hear(self) -> None:
        now = time.monotonic()
        for data, came, source in _packets(self.ear):
            talk = self.talks.get(source)
            if talk is None:
                talk = self.talks[source] = _Talk(source, due=now)
            talk.any_at = now
            if not data.endswith(MARK):
                continue
            ssrc = data[8:12]
            self.packets += 1
            self.streams.add((source, ssrc))
            if (before := talk.last.get(ssrc)) is not None:
                gap = (came - before) * 1000
                self.gap = max(self.gap, gap)
                if gap > NOTED and len(self.gaps) < MOST_GAPS:
                    self.gaps.append((before, came))
            talk.last = {ssrc: came}

    def _talk(self) -> None:
        now = time.monotonic()
        for talk in list(self.talks.values()):
            if now - talk.any_at > SILENT:
                del self.talks[talk.to]
                continue
            while talk.due <= now:
                head = struct.pack(
                    "!BBHII", 0x80, 0, talk.sequence & 0xFFFF, talk.sequence * 160, talk.to[1]
                )
                self.ear.sendto(head + MARK.rjust(160, b"\xff"), talk.to)
                talk.sequence += 1
                talk.due += PACE


def _socket(address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, STAMPS, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    made.bind((address, port))
    made.setblocking(False)
    return made


def _packets(at: socket.socket) -> list[tuple[bytes, float, Address]]:
    found = []
    with contextlib.suppress(BlockingIOError):
        for _ in range(500):
            data, more, _, source = at.recvmsg(2048, 64)
            seconds, nanoseconds = struct.unpack("qq", more[0][2])
            found.append((data, seconds + nanoseconds / 1e9, source))
    return found


def ahead_of_others(pid: int) -> bool:
    """Let a program's threads run before those of others, as `asterisk -p` does; needs root.

    Without it what is heard is how busy the machine is with other things.
    """
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        return False
    return True


@dataclass
class Voices:
    """The running program. `ear` and `mouth`: the ports for callers' and agents' media."""

    ear: int
    mouth: int
    process: asyncio.subprocess.Process
    stalls: Stalls

    async def heard(self) -> Heard:
        """What callers heard since the last time that this was asked."""
        found = await ask(self.process, Heard)
        await self.stalls.ask()
        return msgspec.structs.replace(found, ours=round(left_of(found, self.stalls), 1))


def left_of(heard: Heard, stalls: Stalls) -> float:
    """What is left (ms) of the longest gap without the times in which the machine stood still."""
    if len(heard.gaps) == MOST_GAPS:  # there may be others, which nobody looks into
        return heard.gap
    left = max((stalls.left_of(each) for each in heard.gaps), default=0.0) * 1000
    return max(left, min(heard.gap, NOTED))


@contextlib.asynccontextmanager
async def voices() -> AsyncIterator[Voices]:
    """The program, until the end of the block."""
    ear, mouth = free_ports(2)
    async with program(__name__, str(ear), str(mouth)) as process, stalls() as watching:
        yield Voices(ear, mouth, process, watching)


if __name__ == "__main__":
    _Line(int(sys.argv[1]), int(sys.argv[2])).serve()

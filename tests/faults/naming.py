"""A host whose own name is bad: namespaces of a command's own for the host's name and its files.

Needs root. The network is the machine's, so that a test outside reaches what runs inside.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import struct
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

import pytest

from config.media import whereabouts

DNS_PORT = 53
SECONDS = 20.0
NO_SUCH_NAME = 0x8183  # an answer, recursion wanted and available, NXDOMAIN
# $1: the host's name, $2 and $3: what is seen as /etc/resolv.conf and /etc/hosts.
ENTER = (
    'hostname "$1" && mount --bind "$2" /etc/resolv.conf && mount --bind "$3" /etc/hosts'
    ' && shift 3 && exec "$@"'
)
Answers = Literal["no such name", "nothing"]
LOOKS = 0.2  # seconds between two looks at the machine's addresses


@dataclass(frozen=True)
class Lookup:
    """A name that was asked for, and by which process (None: it had gone by then). `moved`: the
    machine's addresses had changed since the beginning."""

    name: str
    by: int | None
    moved: bool

    def is_for_addresses(self, ours: int | None) -> bool:
        """Whether the process `ours` looks at the machine's new addresses, which other tests on it
        add and remove: that is once for each such change, and no call has part in it."""
        return self.moved and self.by is not None and self.by == ours


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """One that says there is no such name, or nothing at all; what it was asked for, in order."""

    answers: Answers
    asked: list[Lookup] = field(default_factory=list)
    moved: bool = False
    _transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio calls this."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    async def watch(self) -> None:
        """Until cancelled: see whether the machine's addresses change."""
        before = whereabouts()
        while not self.moved:
            await asyncio.sleep(LOOKS)
            self.moved = whereabouts() != before

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """asyncio calls this."""
        self.asked.append(Lookup(_name_in(data), _who_is_at(addr[1]), self.moved))
        if self.answers == "no such name" and self._transport is not None:
            answer = data[:2] + struct.pack("!H", NO_SUCH_NAME) + data[4:6] + bytes(6) + data[12:]
            self._transport.sendto(answer, addr)


@dataclass(frozen=True)
class BadName:
    """`within`: what a command on such a host begins with."""

    within: tuple[str, ...]
    server: NameServer


@contextlib.asynccontextmanager
async def a_bad_name(folder: Path, answers: Answers) -> AsyncIterator[BadName]:
    """A host whose name no file knows and no name server; skips by name without root."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mount namespaces")
    address = f"127.{secrets.randbelow(250) + 2}.{secrets.randbelow(256)}.53"
    resolv, hosts = folder / "resolv.conf", folder / "hosts"
    resolv.write_text(f"nameserver {address}\n")
    hosts.write_text("127.0.0.1 localhost\n")
    name = f"nameless-{secrets.token_hex(3)}"
    enter = ("unshare", "--mount", "--uts", "--", "sh", "-c", ENTER, "sh")
    within = (*enter, name, str(resolv), str(hosts))
    await asyncio.to_thread(_possible, within)
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(answers), local_addr=(address, DNS_PORT)
    )
    watching = asyncio.create_task(server.watch())
    try:
        yield BadName(within, server)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        transport.close()


def _possible(within: tuple[str, ...]) -> None:
    tried = subprocess.run(
        [*within, "true"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"needs root with mount namespaces: {tried.stderr.strip()}")


def _who_is_at(port: int) -> int | None:
    """The process that has this UDP port."""
    table = [line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
    inodes = {int(line[1].rpartition(":")[2], 16): line[9] for line in table}
    wanted = f"socket:[{inodes.get(port)}]"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(each.readlink()) == wanted for each in (process / "fd").iterdir()):
                return int(process.name)
    return None


def _name_in(query: bytes) -> str:
    labels, at = [], 12
    while at < len(query) and (size := query[at]):
        labels.append(query[at + 1 : at + 1 + size].decode(errors="replace"))
        at += 1 + size
    return ".".join(labels)

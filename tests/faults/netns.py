"""A network namespace of a test's own, joined to the machine's by one wire on which packets vanish.

Needs root. Nothing of the machine's own network is touched but one more interface, which goes with
the namespace.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

SECONDS = 20.0
# 198.18.0.0/15 is for tests of networks (RFC 2544): four addresses of it for each wire.
NETWORKS = 1 << 14


@dataclass(frozen=True)
class Wire:
    """`host` is our end's address, `guest` that of the namespace called `name`."""

    name: str
    host: str
    guest: str

    @property
    def network(self) -> str:
        """Both addresses, for a list of whom to let in."""
        return f"{self.host}/30"

    @property
    def within(self) -> tuple[str, ...]:
        """What a command that runs in the namespace begins with."""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def drop(self, on: bool) -> None:
        """Let every packet vanish, both ways; whoever sends it believes that it went."""
        # netem's `loss 100%` is not in every kernel; this one has been in all since 5.0.
        change = ("replace", "root", "blackhole") if on else ("del", "root")
        _run("tc", "qdisc", change[0], "dev", f"{self.name}h", *change[1:])
        _run(*self.within, "tc", "qdisc", change[0], "dev", f"{self.name}g", *change[1:])


@contextlib.contextmanager
def a_wire() -> Iterator[Wire]:
    """A namespace with a loopback, and the wire to it; skips the test, by name, without root."""
    if os.geteuid() != 0:
        pytest.skip("needs root: network namespaces")
    place = secrets.randbelow(NETWORKS) * 4
    first = (198 << 24) + (18 << 16) + place
    wire = Wire(f"rd{secrets.token_hex(3)}", _address(first + 1), _address(first + 2))
    try:
        _run("ip", "netns", "add", wire.name)
    except OSError as why:
        pytest.skip(f"needs root with network namespaces: {why}")
    try:
        host, guest = f"{wire.name}h", f"{wire.name}g"
        _run("ip", "link", "add", host, "type", "veth", "peer", guest, "netns", wire.name)
        for at, link, address in ((), host, wire.host), (wire.within, guest, wire.guest):
            _run(*at, "ip", "address", "add", f"{address}/30", "dev", link)
            _run(*at, "ip", "link", "set", link, "up")
        _run(*wire.within, "ip", "link", "set", "lo", "up")
        yield wire
    finally:
        _run("ip", "netns", "del", wire.name)
        with contextlib.suppress(OSError):  # gone with its other end, a moment later or now
            _run("ip", "link", "del", f"{wire.name}h")


def _address(number: int) -> str:
    return ".".join(str(byte) for byte in number.to_bytes(4, "big"))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")

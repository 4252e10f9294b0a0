"""Ports for the servers that tests start.

They lie below the ports that the system gives to outgoing connections (32768 and up on Linux), so
none is taken between being found free and being listened on; signalling and RTP have ranges of
their own, so neither falls into the other; and every worker of a parallel run has its own part.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from typing import Final

WORKERS: Final = 8
SIGNALLING: Final = range(10_100, 16_000)  # 10080 is refused by browsers
RTP: Final = range(16_000, 32_000)
RTP_STEP: Final = 250


def _own(whole: range) -> range:
    number = int((re.findall(r"\d+", os.environ.get("PYTEST_XDIST_WORKER", "")) or ["0"])[0])
    share = len(whole) // WORKERS
    first = whole.start + (number % WORKERS) * share
    return range(first, first + share)


class _Round:
    """Goes through a range from a random place on, again and again."""

    def __init__(self, whole: range, step: int) -> None:
        self._own = _own(whole)[::step]
        self._next = secrets.randbelow(len(self._own))

    def take(self, many: int = 1) -> int:
        """The first of so many steps in a row."""
        if self._next + many > len(self._own):
            self._next = 0
        port = self._own[self._next]
        self._next = (self._next + many) % len(self._own)
        return port

    def __len__(self) -> int:
        return len(self._own)


_signalling = _Round(SIGNALLING, 1)
_rtp = _Round(RTP, RTP_STEP)


def _is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(type=kind) as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def free_ports(count: int) -> list[int]:
    """So many ports that are free on 127.0.0.1, for TCP and UDP, all different."""
    found: list[int] = []
    for _ in range(len(_signalling)):
        if _is_free(port := _signalling.take()):
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"fewer than {count} free ports between {SIGNALLING.start} and {SIGNALLING.stop}")


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def health_port() -> int:
    """The first of six in a row that nobody else is given: one for each role, and the gate's."""
    while True:
        found = free_ports(6)
        if found[-1] - found[0] == 5:
            return found[0]


def rtp_ports(count: int = 200) -> tuple[int, int]:
    """First and last port of a range for RTP, nobody else's in this run; up to 990 ports."""
    first = _rtp.take(count // RTP_STEP + 1)
    return first, first + count

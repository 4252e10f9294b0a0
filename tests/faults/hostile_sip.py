"""A stranger who sends what is no SIP, or whose it is not: `python -m tests.faults.hostile_sip`.

A program of its own, so that nothing of the test makes it late. 20 malformed kinds, forged names
and identities, in turn, at a steady rate, so many and no more; nothing waits for answers.
"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from uuid import uuid4

STRANGER = "127.0.0.9"
CRLF = "\r\n"
BATCH = 20  # messages between two looks at the clock


def request(
    method: str = "INVITE",
    uri: str = "sip:2000@127.0.0.1",
    *,
    user: str = "stranger",
    extra: tuple[str, ...] = (),
    without: str = "",
    body: str = "",
    length: str = "",
    version: str = "SIP/2.0",
) -> bytes:
    """A request like any other, but for what is said."""
    lines = [
        f"Via: SIP/2.0/UDP {STRANGER}:5099;branch=z9hG4bK{uuid4().hex};rport",
        "Max-Forwards: 70",
        f"From: <sip:{user}@{STRANGER}>;tag={uuid4().hex[:8]}",
        f"To: <{uri}>",
        f"Call-ID: {uuid4().hex}",
        f"CSeq: 1 {method}",
        f"Contact: <sip:{user}@{STRANGER}:5099>",
        *extra,
        *(["Content-Type: application/sdp"] if body else []),
        f"Content-Length: {length or len(body)}",
    ]
    kept = [line for line in lines if not without or not line.startswith(f"{without}:")]
    head = CRLF.join([f"{method} {uri} {version}", *kept])
    return (head + CRLF * 2 + body).encode("utf-8", "surrogateescape")


MALFORMED: tuple[Callable[[], bytes], ...] = (
    lambda: b"\r\n\r\n",
    lambda: b"\0" * 64,
    lambda: bytes(range(256)) * 4,
    lambda: b"INVITE",
    lambda: request(without="CSeq"),
    lambda: request(without="Via"),
    lambda: request(without="Call-ID"),
    lambda: request(without="From"),
    lambda: request(length="-1"),
    lambda: request(length="99999999999"),
    lambda: request(extra=("X-Long: " + "x" * 8_000,)),
    lambda: request(extra=tuple(f"Via: SIP/2.0/UDP 10.0.0.{n % 250}" for n in range(300))),
    lambda: request(extra=("Subject: \udcff\udcfe\udc80",)),
    lambda: request(method="X" * 200),
    lambda: request(version="SIP/9.9"),
    lambda: request(uri="sip:%0d%0a%00@[::::]"),
    lambda: request(extra=("Max-Forwards: -7",)),
    lambda: request(body="v=0\r\n" + "m=audio 0 RTP/AVP 0\r\n" * 300),
    lambda: b"SIP/2.0 200 OK\r\n" + request().partition(b"\r\n")[2],
    lambda: request(method="CANCEL"),
)
FORGED: tuple[Callable[[], bytes], ...] = (
    lambda: request(user="carrier", extra=("P-Asserted-Identity: <sip:+4930112@x>",)),
    lambda: request(user="agent1", uri="sip:0049301234567@127.0.0.1"),
    lambda: request(user="ava", uri="sip:0049301234567@127.0.0.1"),
    lambda: request(method="REGISTER", uri="sip:127.0.0.1", user="ava"),
    lambda: request(method="OPTIONS", user="carrier"),
    lambda: request(user="x%0d%0a%0d%0aEvent%3A%20AgentCalled"),
    lambda: request(method="REFER", extra=("Refer-To: <sip:+49900123456@x>",)),
)
KINDS = MALFORMED + FORGED


def send(port: int, count: int, rate: float) -> float:
    """Send so many to 127.0.0.1:`port`; messages a second that it came to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((STRANGER, 0))
        began = time.monotonic()
        for sent in range(count):
            wire.sendto(KINDS[sent % len(KINDS)](), ("127.0.0.1", port))
            if sent % BATCH == BATCH - 1:
                time.sleep(max(0.0, began + (sent + 1) / rate - time.monotonic()))
        return count / (time.monotonic() - began)


if __name__ == "__main__":
    print(f"{send(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])):.0f}")  # noqa: T201 - its answer

"""SIP as a stranger speaks it: any header, any address of this machine, byte by byte.

One UDP socket; `ask` sends one request and returns the final answer. `answer_with` says what the
client answers to requests that come to it (a device that redirects, refuses, rings).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self, cast
from uuid import uuid4

SECONDS = 5.0
CRLF = "\r\n"


@dataclass(frozen=True)
class SipMessage:
    """A request or an answer, its headers in order."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""

    @property
    def status(self) -> int:
        """Of an answer; 0 for a request."""
        found = re.match(r"SIP/2\.0 (\d{3})", self.start)
        return int(found[1]) if found else 0

    @property
    def method(self) -> str:
        """Of a request, or of what was answered."""
        if self.start.startswith("SIP/2.0"):
            return self.get("CSeq").split()[-1]
        return self.start.partition(" ")[0]

    def get(self, name: str) -> str:
        """The first header of this name."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every header of this name."""
        return [v for n, v in self.headers if n.lower() == name.lower()]


def parse(data: bytes) -> SipMessage:
    """One datagram."""
    head, _, body = data.decode("utf-8", "replace").partition(CRLF * 2)
    start, *lines = head.split(CRLF)
    pairs = (line.partition(":") for line in lines)
    return SipMessage(start, tuple((n.strip(), v.strip()) for n, _, v in pairs), body)


Answer = Callable[["SipClient", SipMessage], None]


@dataclass
class SipClient(asyncio.DatagramProtocol):
    """One telephone, server or intruder. `async with sip_client(...)`."""

    server: tuple[str, int]
    source: str = "127.0.0.9"
    port: int = 0
    answer_with: Answer | None = None
    heard: list[SipMessage] = field(default_factory=list)
    _transport: asyncio.DatagramTransport | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=(self.source, self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio calls this."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        """asyncio calls this."""
        message = parse(data)
        if message.start:
            self.heard.append(message)
            self._news.set()
            if not message.status and self.answer_with is not None:
                self.answer_with(self, message)

    @property
    def contact(self) -> str:
        """Where we are."""
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")[:2]
        return f"{host}:{port}"

    def send(self, text: str | bytes) -> None:
        """Send as it is."""
        assert self._transport is not None
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        self._transport.sendto(data, self.server)

    def reply(
        self, request: SipMessage, status: str, extra: Sequence[str] = (), body: str = ""
    ) -> None:
        """Answer a request: `status` such as `302 Moved Temporarily`."""
        to = request.get("To")
        lines = [
            f"SIP/2.0 {status}",
            *(f"Via: {via}" for via in request.all("Via")),
            f"From: {request.get('From')}",
            f"To: {to if 'tag=' in to else to + ';tag=' + uuid4().hex[:8]}",
            f"Call-ID: {request.get('Call-ID')}",
            f"CSeq: {request.get('CSeq')}",
            *extra,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        self.send(CRLF.join(lines) + CRLF * 2 + body)

    async def hang_up(self, answer: SipMessage) -> SipMessage:
        """End the call whose INVITE was answered so."""
        branch = f"z9hG4bK{uuid4().hex}"
        target = re.sub(r".*<(.*)>.*", r"\1", answer.get("Contact"))
        lines = [
            f"BYE {target} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.contact};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {answer.get('From')}",
            f"To: {answer.get('To')}",
            f"Call-ID: {answer.get('Call-ID')}",
            "CSeq: 9 BYE",
            "Content-Length: 0",
        ]
        self.send(CRLF.join(lines) + CRLF * 2)
        return await self.until(lambda m: m.status >= 200 and branch in m.get("Via"))

    async def until(
        self, wanted: Callable[[SipMessage], bool], seconds: float = SECONDS
    ) -> SipMessage:
        """The first message that was heard so."""
        async with asyncio.timeout(seconds):
            while True:
                for message in self.heard:
                    if wanted(message):
                        return message
                self._news.clear()
                await self._news.wait()

    async def ask(
        self,
        method: str,
        uri: str,
        *,
        user: str = "stranger",
        to: str = "",
        headers: Sequence[str] = (),
        body: str = "",
        password: str = "",
        seconds: float = SECONDS,
    ) -> SipMessage:
        """Send a request and return its final answer; with a password, the challenge is met.

        An INVITE's answer is acknowledged.
        """
        call_id, tag = uuid4().hex, uuid4().hex[:8]
        extra: list[str] = []
        for sequence in (1, 2):
            branch = f"z9hG4bK{uuid4().hex}"
            via = f"Via: SIP/2.0/UDP {self.contact};branch={branch};rport"
            shared = [
                f"From: <sip:{user}@{self.server[0]}>;tag={tag}",
                f"Call-ID: {call_id}",
            ]
            lines = [
                f"{method} {uri} SIP/2.0",
                via,
                "Max-Forwards: 70",
                *shared,
                f"To: <{to or uri}>",
                f"CSeq: {sequence} {method}",
                f"Contact: <sip:{user}@{self.contact}>",
                *headers,
                *extra,
                *(["Content-Type: application/sdp"] if body else []),
                f"Content-Length: {len(body)}",
            ]
            self.send(CRLF.join(lines) + CRLF * 2 + body)
            final = await self.until(
                lambda m, b=branch: m.status >= 200 and b in m.get("Via"), seconds
            )
            if method == "INVITE":
                ack = [
                    f"ACK {uri} SIP/2.0",
                    via,
                    "Max-Forwards: 70",
                    *shared,
                    f"To: {final.get('To')}",
                    f"CSeq: {sequence} ACK",
                    "Content-Length: 0",
                ]
                self.send(CRLF.join(ack) + CRLF * 2)
            if final.status != 401 or not password:
                return final
            extra = [_credentials(final.get("WWW-Authenticate"), method, uri, user, password)]
        return final


def _credentials(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    said = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    nonce, realm = said["nonce"], said["realm"]
    one = _md5(f"{user}:{realm}:{password}")
    two = _md5(f"{method}:{uri}")
    response = _md5(f"{one}:{nonce}:00000001:abcdef01:auth:{two}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}",'
        f' response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="abcdef01"'
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what SIP's digest is made of


def offer(host: str, port: int = 40_000) -> str:
    """A telephone's SDP offer."""
    return CRLF.join(
        [
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
            "",
        ]
    )

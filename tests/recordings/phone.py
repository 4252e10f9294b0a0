"""A SIP telephone led by a script: enough of SIP over UDP on the loopback to make real calls with.

It rings, answers, refuses, holds, transfers (REFER, also with Replaces), presses keys (INFO) and
hangs up when it is told to. Its voice is a tone of its own: without media Asterisk leaves Local
channels where they are. What comes twice is answered twice and told once.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import struct
from dataclasses import dataclass, field
from typing import cast

from tests.journeys.tones import tone

WAIT = 15.0  # seconds for anything that is waited for
FRAME = 0.02  # seconds
# Hz, by name: each fits a frame, and none is a key's.
VOICES = {"carrier": 450.0, "ava": 500.0, "ben": 550.0, "cat": 600.0}
LOUD = 0.1  # of full scale
Address = tuple[str, int]


@dataclass
class Sip:
    """One SIP message."""

    first: str
    headers: list[tuple[str, str]]
    body: str = ""

    def get(self, name: str) -> str:
        """The first header of this name, empty if there is none."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    @property
    def method(self) -> str:
        """Of a request its own, of a response that of its CSeq."""
        return self.get("CSeq").rpartition(" ")[2]

    @property
    def status(self) -> int:
        """Of a response; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0


def parse(data: bytes) -> Sip:
    """Bytes of one datagram as a message."""
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    first, *lines = head.split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Sip(first, [(n.strip(), v.strip()) for n, _, v in pairs], body)


def _uri(header: str) -> str:
    found = re.search(r"<([^>]+)>", header)
    return found.group(1) if found else header.partition(";")[0]


def _tag(header: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", header)
    return found.group(1) if found else ""


@dataclass
class Call:
    """One dialog of a phone."""

    phone: Phone
    id: str
    own: str  # our From or To header
    other: str  # theirs
    target: str  # the URI our requests go to
    invite: Sip | None = None  # theirs, when they called
    cseq: int = 0
    branch: str = ""
    status: int = 0  # the last final status of our INVITE
    voice: asyncio.Task[None] | None = None
    holds: bool = False
    ringing: asyncio.Event = field(default_factory=asyncio.Event)
    up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_up(self) -> Call:
        """Wait until it is answered."""
        await asyncio.wait_for(self.up.wait(), WAIT)
        return self

    async def until_ringing(self) -> Call:
        """Wait until the other side rings."""
        await asyncio.wait_for(self.ringing.wait(), WAIT)
        return self

    async def until_over(self, seconds: float = WAIT) -> Call:
        """Wait until it is over, by whoever."""
        await asyncio.wait_for(self.over.wait(), seconds)
        return self

    def answer(self) -> Call:
        """Take the call that rings."""
        assert self.invite is not None
        self.phone.respond(self.invite, "200 OK", self.own, self.phone.sdp())
        self.speak(self.invite.body)
        return self

    def speak(self, sdp: str) -> None:
        """The call is up: talk to where the other side listens, until it is over."""
        self.up.set()
        if self.voice is None and (port := re.search(r"^m=audio (\d+)", sdp, re.MULTILINE)):
            self.voice = asyncio.create_task(self._speak(int(port.group(1))))

    async def _speak(self, port: int) -> None:
        mark = secrets.token_bytes(4)
        for number in range(int(60 / FRAME)):
            if self.over.is_set():
                return
            sound = self.phone.sound
            head = b"\x80\x00" + struct.pack("!HI", number, number * len(sound)) + mark
            if not self.holds:
                self.phone.voice(head + sound, port)
            await asyncio.sleep(FRAME)

    def refuse(self, status: str = "486 Busy Here") -> None:
        """Do not take it."""
        assert self.invite is not None
        self.phone.respond(self.invite, status, self.own)
        self.over.set()

    def hang_up(self) -> None:
        """BYE, or CANCEL of a call that is not yet answered."""
        if self.invite is None and not self.up.is_set():
            self._send("CANCEL", branch=self.branch, cseq=self.cseq)
            return
        self._send("BYE")
        self.over.set()

    def leave(self) -> None:
        """BYE as a page says it that goes in mid-call (static/core/softphone.ts)."""
        self._send("BYE", headers=[("Reason", 'Q.850;cause=27;text="page left"')])
        self.over.set()

    def hold(self) -> None:
        """Put the other side on hold (re-INVITE), and say nothing into it."""
        self.holds = True
        self._send("INVITE", body=self.phone.sdp("sendonly"))

    def resume(self) -> None:
        """Take the other side back."""
        self.holds = False
        self._send("INVITE", body=self.phone.sdp())

    def refer(self, to: str, replaces: Call | None = None) -> None:
        """Transfer the other side to a number; with `replaces` to the other side of that call."""
        target = f"sip:{to}@{self.phone.server[0]}:{self.phone.server[1]}"
        if replaces is not None:
            tags = f"to-tag%3D{_tag(replaces.other)}%3Bfrom-tag%3D{_tag(replaces.own)}"
            target += f"?Replaces={replaces.id}%3B{tags}"
        self._send("REFER", headers=[("Refer-To", f"<{target}>"), ("Referred-By", self.own)])

    async def press(self, keys: str) -> None:
        """Keys, one after the other, as INFO."""
        for key in keys:
            body = f"Signal={key}\r\nDuration=100\r\n"
            self._send("INFO", headers=[("Content-Type", "application/dtmf-relay")], body=body)
            await asyncio.sleep(0.15)

    def _send(
        self,
        method: str,
        *,
        headers: list[tuple[str, str]] | None = None,
        body: str = "",
        branch: str = "",
        cseq: int = 0,
    ) -> None:
        if not cseq:
            self.cseq += 1
        kind = [("Content-Type", "application/sdp")] if method == "INVITE" else []
        self.branch = branch or self.phone.branch()
        self.phone.send(
            f"{method} {self.target} SIP/2.0",
            [
                ("Via", f"{self.phone.via};branch={self.branch}"),
                ("Max-Forwards", "70"),
                ("From", self.own),
                ("To", self.other),
                ("Call-ID", self.id),
                ("CSeq", f"{cseq or self.cseq} {method}"),
                ("Contact", self.phone.contact),
                *(headers or kind),
            ],
            body,
        )


class Phone(asyncio.DatagramProtocol):
    """One telephone at an address of its own, at `server`."""

    def __init__(self, name: str, at: Address, server: Address) -> None:
        self.name, self.at, self.server = name, at, server
        self.sound = tone((VOICES[name],), FRAME, LOUD)  # one frame of PCMU
        self.calls: dict[str, Call] = {}
        self._came: asyncio.Queue[Call] = asyncio.Queue()
        self._transport: asyncio.DatagramTransport | None = None
        self._mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._mouth.bind((at[0], 0))
        self._mouth.setblocking(False)

    @property
    def via(self) -> str:
        """Where answers go."""
        return f"SIP/2.0/UDP {self.at[0]}:{self.at[1]};rport"

    @property
    def contact(self) -> str:
        """Where requests go."""
        return f"<sip:{self.name}@{self.at[0]}:{self.at[1]}>"

    def branch(self) -> str:
        """A fresh one."""
        return f"z9hG4bK{secrets.token_hex(8)}"

    async def plug_in(self) -> Phone:
        """Listen."""
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=self.at)
        return self

    def unplug(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()
        self._mouth.close()

    def voice(self, packet: bytes, port: int) -> None:
        """A frame to the server; what does not fit is lost, as voice is. Nobody listens here."""
        with contextlib.suppress(BlockingIOError):
            self._mouth.sendto(packet, (self.server[0], port))
        with contextlib.suppress(BlockingIOError):
            while True:
                self._mouth.recv(2048)

    @property
    def unexpected(self) -> int:
        """How many calls came here that nobody waited for."""
        return self._came.qsize()

    def drop_all(self) -> None:
        """Hang up whatever is up or rings, and forget who called."""
        for call in self.calls.values():
            if not call.over.is_set():
                if call.invite is not None and not call.up.is_set():
                    call.refuse()
                else:
                    call.hang_up()
        self.calls.clear()
        while not self._came.empty():
            self._came.get_nowait()

    def sdp(self, direction: str = "sendrecv") -> str:
        """What we would hear and say."""
        host = self.at[0]
        lines = ("v=0", f"o=- 1 1 IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0")
        media = (
            f"m=audio {self._mouth.getsockname()[1]} RTP/AVP 0",
            "a=rtpmap:0 PCMU/8000",
            f"a={direction}",
        )
        return "".join(f"{line}\r\n" for line in (*lines, *media))

    def dial(self, number: str, caller: str = "", name: str = "") -> Call:
        """Call a number, by default as ourselves."""
        host = f"{self.at[0]}:{self.at[1]}"
        call_id = secrets.token_hex(8)
        own = f'"{name or self.name}" <sip:{caller or self.name}@{host}>;tag={secrets.token_hex(4)}'
        target = f"sip:{number}@{self.server[0]}:{self.server[1]}"
        call = self.calls[call_id] = Call(self, call_id, own, f"<{target}>", target)
        call._send("INVITE", body=self.sdp())
        return call

    async def rings(self, seconds: float = WAIT) -> Call:
        """Wait for the next call that comes."""
        return await asyncio.wait_for(self._came.get(), seconds)

    def send(self, first: str, headers: list[tuple[str, str]], body: str = "") -> None:
        """One message to the server."""
        assert self._transport is not None
        lines = [first, *(f"{n}: {v}" for n, v in headers), f"Content-Length: {len(body)}"]
        self._transport.sendto(("\r\n".join(lines) + "\r\n\r\n" + body).encode(), self.server)

    def respond(self, request: Sip, status: str, to: str = "", body: str = "") -> None:
        """Answer a request; `to` is our To header with its tag."""
        copied = ("via", "from", "call-id", "cseq", "record-route")
        headers = [(n, v) for n, v in request.headers if n.lower() in copied]
        headers += [("To", to or request.get("To")), ("Contact", self.contact)]
        if body:
            headers.append(("Content-Type", "application/sdp"))
        self.send(f"SIP/2.0 {status}", headers, body)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Called by the loop."""
        if not data.strip():
            return
        message = parse(data)
        call = self.calls.get(message.get("Call-ID"))
        if message.status:
            if call is not None:
                self._answered(call, message)
        elif message.method == "INVITE":
            self._invited(call, message)
        elif message.method != "ACK":
            self._asked(call, message)

    def _invited(self, call: Call | None, m: Sip) -> None:
        if call is not None:
            if call.up.is_set():  # a re-INVITE
                self.respond(m, "200 OK", body=self.sdp())
            return
        own = f"{m.get('To')};tag={secrets.token_hex(4)}"
        target = _uri(m.get("Contact"))
        call = Call(self, m.get("Call-ID"), own, m.get("From"), target, m)
        self.calls[call.id] = call
        self.respond(m, "180 Ringing", own)
        self._came.put_nowait(call)

    def _asked(self, call: Call | None, m: Sip) -> None:
        self.respond(m, "200 OK")
        if call is None:
            return
        if m.method == "CANCEL" and call.invite is not None and not call.up.is_set():
            self.respond(call.invite, "487 Request Terminated", call.own)
            call.over.set()
        elif m.method == "BYE":
            call.over.set()
        elif m.method == "NOTIFY" and m.body.startswith("SIP/2.0 200") and not call.over.is_set():
            call.hang_up()  # the transfer went through: who asked for it leaves

    def _answered(self, call: Call, m: Sip) -> None:
        if m.method != "INVITE" or m.status < 180:
            return
        if m.status < 200:
            call.ringing.set()
            return
        call.other = m.get("To")
        if m.status < 300:
            call.target = _uri(m.get("Contact"))
            call.ringing.set()
            call.speak(m.body)
        elif not call.up.is_set():
            call.over.set()
        call.status = m.status
        own_branch = (
            "" if m.status < 300 else m.get("Via").partition("branch=")[2].partition(";")[0]
        )
        self.send(
            f"ACK {call.target} SIP/2.0",
            [
                ("Via", f"{self.via};branch={own_branch or self.branch()}"),
                ("Max-Forwards", "70"),
                ("From", call.own),
                ("To", call.other),
                ("Call-ID", call.id),
                ("CSeq", f"{m.get('CSeq').split()[0]} ACK"),
            ],
        )

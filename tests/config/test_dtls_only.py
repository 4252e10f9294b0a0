"""Browser phones speak encrypted or not at all: what is offered or answered in clear is refused."""

from __future__ import annotations

import asyncio
import contextlib
import re
import struct
from typing import cast

import pytest

from config.secrets import open_secrets
from tests.config.lab import Lab, listening, section
from tests.fakes.sip_client import CRLF, SipClient, SipMessage, offer

PHONE, DESK_PHONE = "127.0.0.9", "127.0.0.8"
FINGERPRINT = ("a=fingerprint:SHA-256 " + ":".join(["AB"] * 32), "a=setup:actpass", "a=rtcp-mux")
KEYS_IN_THE_OFFER = ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40,)
CLEAR = [
    ("RTP/AVP", ()),
    ("RTP/AVPF", ()),
    ("RTP/AVP", FINGERPRINT),  # encrypted if the other side likes
    ("RTP/AVPF", FINGERPRINT),
    ("RTP/SAVP", ()),
    ("RTP/SAVPF", KEYS_IN_THE_OFFER),  # whoever reads the signalling reads the keys
]
ENCRYPTED = "UDP/TLS/RTP/SAVPF"
MEDIA = 40_000  # where a telephone hears, as it says in its offer
RTP_VERSION = 2


def sdp(profile: str, attributes: tuple[str, ...], host: str = PHONE) -> str:
    return offer(host).replace("RTP/AVP", profile) + "".join(f"{each}{CRLF}" for each in attributes)


def password_of(lab: Lab, name: str) -> str:
    return open_secrets(lab.settings.data_folder, {}).sip_password(name)


def test_only_browsers_are_told_to(files: dict[str, str]) -> None:
    pjsip = files["pjsip.conf"]
    for name in ("ava", "customer"):
        said = section(pjsip, name)
        assert "\nmedia_encryption = dtls\n" in said
        assert "\nwebrtc" not in said
    assert "dtls" not in section(pjsip, "bob")


@pytest.mark.parametrize(("profile", "attributes"), CLEAR)
async def test_an_offer_in_the_clear_is_refused(
    lab: Lab, profile: str, attributes: tuple[str, ...]
) -> None:
    """Agents' and the demo customer's browsers, with the right password."""
    for name in ("ava", "customer"):
        async with SipClient(lab.sip, PHONE) as phone:
            answer = await phone.ask(
                "INVITE",
                "sip:2000@127.0.0.1",
                user=name,
                body=sdp(profile, attributes),
                password=password_of(lab, name),
            )
        assert answer.status == 488, (name, answer.start)


async def test_an_encrypted_offer_is_taken_and_answered_encrypted(lab: Lab) -> None:
    async with SipClient(lab.sip, PHONE) as phone:
        answer = await phone.ask(
            "INVITE",
            "sip:2000@127.0.0.1",
            user="ava",
            body=sdp(ENCRYPTED, FINGERPRINT),
            password=password_of(lab, "ava"),
        )
        assert answer.status == 200
        assert f" {ENCRYPTED} " in answer.body
        assert "a=fingerprint:SHA-256 " in answer.body
        await phone.hang_up(answer)


class Ear(asyncio.DatagramProtocol):
    """Where a telephone hears: an address for RTP."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio calls this."""
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        """asyncio calls this."""
        if data[0] >> 6 == RTP_VERSION:
            self.heard.set()


def silence(number: int) -> bytes:
    """An RTP packet of 20 ms."""
    return struct.pack("!BBHII", RTP_VERSION << 6, 0, number, number * 160, 77) + b"\x7f" * 160


async def test_an_answer_in_the_clear_puts_nobody_through(lab: Lab) -> None:
    """Asterisk offers encryption alone: who takes the call without is not heard, nor hears."""
    offered: list[str] = []
    loop = asyncio.get_running_loop()
    mouth, ear = Ear(), Ear()
    for one, host in ((mouth, PHONE), (ear, DESK_PHONE)):
        await loop.create_datagram_endpoint(lambda one=one: one, local_addr=(host, MEDIA))

    def take(phone: SipClient, request: SipMessage) -> None:
        if request.method == "INVITE":
            offered.append(request.body)
            contact = f"Contact: <sip:ava@{phone.contact}>"
            phone.reply(request, "200 OK", [contact], sdp("RTP/AVP", ()))
        elif request.method in {"OPTIONS", "BYE"}:
            phone.reply(request, "200 OK")

    async with (
        listening(lab) as (_link, events),
        SipClient(lab.sip, PHONE, answer_with=take) as ava,
        SipClient(lab.sip, DESK_PHONE) as bob,
    ):
        address = "sip:ava@127.0.0.1"
        registered = await ava.ask(
            "REGISTER",
            "sip:127.0.0.1",
            user="ava",
            to=address,
            headers=["Expires: 60"],
            password=password_of(lab, "ava"),
        )
        assert registered.status == 200
        called = asyncio.create_task(
            bob.ask(
                "INVITE",
                "sip:101@127.0.0.1",
                user="bob",
                body=offer(DESK_PHONE, MEDIA),
                password=password_of(lab, "bob"),
            )
        )
        await ava.until(lambda m: m.method == "ACK" or (m.method == "BYE" and not m.status))
        assert f" {ENCRYPTED} " in offered[0]
        answer = await called
        if answer.status == 200:
            await events("BridgeEnter")
            media = re.search(r"m=audio (\d+)", offered[0])
            assert media is not None
            assert mouth.transport is not None
            for number in range(50):
                mouth.transport.sendto(silence(number), ("127.0.0.1", int(media[1])))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ear.heard.wait(), 0.02)
            await bob.hang_up(answer)
    for one in (mouth, ear):
        assert one.transport is not None
        one.transport.close()
        assert not one.heard.is_set()

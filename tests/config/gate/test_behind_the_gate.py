"""What a real Asterisk takes a browser for, when the gate passes it on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from config.gate.plan import key_of
from config.gate.ticket import ticket_of
from config.own_gate import OwnGate
from config.secrets import open_secrets
from tests.config.lab import lab_settings, running
from tests.fakes.sip_client import CRLF, offer, parse
from tests.ports import free_port, health_port

HERE = "127.0.0.1"


async def test_a_browser_is_nobody_until_its_password_says_who(
    tmp_path: Path, asterisk: object, sipp: str
) -> None:
    """A carrier on this machine is known by its address: what the gate passes on comes from one
    that is nobody's, so a ticket alone makes no call, whatever name it says."""
    settings = lab_settings(
        tmp_path,
        f"gate: {{port: {free_port()}}}\nhealth: {{port: {health_port()}}}\n",
        [("addresses: [127.0.0.2]", f"addresses: [{HERE}, 127.0.0.2]")],
    )
    secrets = open_secrets(settings.data_folder, {})
    gate = OwnGate(settings, secrets)
    async with running(settings, sipp, tmp_path) as lab:
        await gate.start()
        try:
            until = datetime.now(UTC) + timedelta(hours=1)
            ticket = ticket_of(key_of(secrets.cookie_key), "ava", until)
            async with connect(
                f"ws://{HERE}:{settings.gate.port}/ws?ticket={ticket}",
                origin=Origin(f"http://{HERE}:{settings.web.port}"),
                subprotocols=[Subprotocol("sip")],
                proxy=None,
            ) as browser:
                for name in ("carrier", "ava", "load1", "nobody"):
                    await browser.send(invite(name))
                    async with asyncio.timeout(10):
                        answer = parse(str(await browser.recv()).encode())
                    assert answer.status == 401, (name, answer.start)
        finally:
            await gate.stop()
        assert lab.records() == []


def invite(name: str) -> str:
    body = offer(HERE)
    lines = [
        "INVITE sip:2000@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/WS x.invalid;branch=z9hG4bK{uuid4().hex}",
        "Max-Forwards: 70",
        f"From: <sip:{name}@127.0.0.1>;tag={uuid4().hex[:8]}",
        "To: <sip:2000@127.0.0.1>",
        f"Call-ID: {uuid4().hex}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:{name}@x.invalid;transport=ws>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body)}",
    ]
    return CRLF.join(lines) + CRLF * 2 + body

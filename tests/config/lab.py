"""An Asterisk of a test's own, with the files that Ringdesk renders for it."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.roots import records_in
from config import parts
from config.own_asterisk import OwnAsterisk
from config.pbx import own_place, render
from config.secrets import open_secrets
from config.settings import Settings, load
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.interpret import WANTED_EVENTS
from tests.ports import free_ports, rtp_ports

SETTINGS = """
system: lab-1
company: {{languages: [en]}}
data: {{folder: {folder}}}
asterisk:
  ami: {{port: {ami}}}
  agi: {{port: {agi}}}
  http: {{port: {http}}}
  sip: {{port: {sip}}}
  rtp: {{from: {rtp}, to: {rtp_last}}}
dids:
  "1000": {{flow: main}}
  "2000": {{queue: support}}
  "3000": {{queue: short}}
  "4000": {{queue: gives_up}}
  "5000": {{queue: strict}}
  "6000": {{queue: impatient}}
queues:
  support: {{record: true}}
  sales: {{}}
  # Without announcements: the longest wait is looked at after them.
  short: {{max_wait: 1, overflow: sales, announce_position: false}}
  gives_up: {{max_wait: 1, announce_position: false}}
  impatient: {{max_wait: 3, ring: 20, announce_position: false}}
  strict: {{when_empty: closed, announce_position: false}}
agents:
  ava: {{extension: "101", name: "Ava L", queues: {{support: 0}}}}
  bob: {{extension: "105", queues: {{support: 0}}, device: {{kind: phone}}}}
agent_ranges:
  - {{prefix: load, count: 3, contact: "sip:{{name}}@127.0.0.1:7000", extension_from: 5001,
     queues: {{sales: 2}}, signed_in: true}}
trunks:
  carrier: {{addresses: [127.0.0.2], dial: "sip:127.0.0.2:7080;transport=udp"}}
demo: true
"""


def lab_settings(
    folder: Path, more: str = "", replaced: Sequence[tuple[str, str]] = ()
) -> Settings:
    """Settings of an Asterisk of its own in `folder`, with `more` lines, or others."""
    ami, agi, http, sip = free_ports(4)
    rtp, rtp_last = rtp_ports()
    text = SETTINGS.format(
        folder=folder / "data", ami=ami, agi=agi, http=http, sip=sip, rtp=rtp, rtp_last=rtp_last
    )
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    file = folder / "settings.yaml"
    file.write_text(text + more)
    return load(file, {})


def render_own(settings: Settings, folder: Path) -> bool:
    """Render as for an Asterisk of our own."""
    secrets = open_secrets(settings.data_folder, {})
    return render(settings, folder, secrets=secrets, place=own_place(settings, Path("/modules")))


def section(text: str, name: str, kind: str = "") -> str:
    """The section `[name]` that says `type = kind`."""
    for found in re.split(r"^(?=\[)", text, flags=re.MULTILINE):
        if found.startswith(f"[{name}]") and (not kind or f"type = {kind}\n" in found):
            return found
    raise AssertionError(f"no [{name}] of type {kind}")


@dataclass
class Lab:
    """A running Asterisk, and what it wrote into its call records."""

    settings: Settings
    sipp: str
    folder: Path

    @property
    def sip(self) -> tuple[str, int]:
        """Where it takes calls."""
        sip = self.settings.asterisk.sip
        return sip.host, sip.port

    async def says(self, command: str) -> str:
        """What Asterisk's own console answers."""
        etc = self.settings.data_folder / "asterisk" / "etc"
        process = await asyncio.create_subprocess_exec(
            *(parts.asterisk().command, "-C", str(etc / "asterisk.conf"), "-rx", command),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(20):
            out, _ = await process.communicate()
        return out.decode(errors="replace")

    def records(self) -> list[dict[str, Any]]:
        """What it wrote into its call records."""
        return list(records_in(self.settings.records_folder))

    @contextlib.asynccontextmanager
    async def call(self, number: str, source: str = "127.0.0.2") -> AsyncIterator[None]:
        """A caller who dials, and stays on the line until the block ends."""
        sip = self.settings.asterisk.sip
        process = await asyncio.create_subprocess_exec(
            *(self.sipp, "-sn", "uac", "-s", number, f"{sip.host}:{sip.port}", "-i", source),
            *("-m", "1", "-d", "30000", "-nostdin", "-timeout", "40s"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def queued(self, queue: str, within: float) -> float:
        """Wait until a caller is in `queue`; seconds from the channel's start to there."""
        async with asyncio.timeout(within):
            while True:
                records = self.records()
                for record in records:
                    if record["eventtype"] == "APP_START" and _queue_of(record) == queue:
                        starts = [r for r in records if r["eventtype"] == "CHAN_START"]
                        first = next(r for r in starts if r["uniqueid"] == record["uniqueid"])
                        return _seconds(record) - _seconds(first)
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(settings: Settings, sipp: str, folder: Path) -> AsyncIterator[Lab]:
    """An Asterisk with these settings, until the block ends."""
    own = OwnAsterisk(settings, open_secrets(settings.data_folder, {}))
    await own.start()
    try:
        yield Lab(settings, sipp, folder)
    finally:
        await own.stop()


class Heard:
    """What came over the link, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._news = asyncio.Event()

    def take(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()

    async def __call__(self, name: str) -> Message:
        async with asyncio.timeout(10):
            while True:
                for message in self.messages:
                    if message.name == name:
                        return message
                self._news.clear()
                await self._news.wait()


@contextlib.asynccontextmanager
async def listening(
    lab: Lab, wanted: frozenset[str] = WANTED_EVENTS
) -> AsyncIterator[tuple[AmiLink, Heard]]:
    """The bridge's own link with the lab's Asterisk."""
    ami, heard, up = lab.settings.asterisk.ami, Heard(), asyncio.Event()

    async def on_up() -> None:
        up.set()

    link = AmiLink(
        ami.host,
        ami.port,
        ami.user,
        open_secrets(lab.settings.data_folder, {}).ami_password,
        wanted=wanted,
        on_event=heard.take,
        on_up=on_up,
        on_down=lambda _why: None,
    )
    task = asyncio.create_task(link.run())
    try:
        await asyncio.wait_for(up.wait(), 10)
        yield link, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _queue_of(record: dict[str, Any]) -> str:
    return str(record["appdata"]).split(",")[0] if record["appname"] == "Queue" else ""


def _seconds(record: dict[str, Any]) -> float:
    return float(record["eventtime"])

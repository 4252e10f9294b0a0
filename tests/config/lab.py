"""An Asterisk of a test's own, with the files that Ringdesk renders for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.pbx import own_place, render
from config.secrets import open_secrets
from config.settings import Settings, load
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
queues:
  support: {{record: true}}
  sales: {{}}
  # Without announcements: the longest wait is looked at after them.
  short: {{max_wait: 1, overflow: sales, announce_position: false}}
  gives_up: {{max_wait: 1, announce_position: false}}
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


def lab_settings(folder: Path) -> Settings:
    """Settings of an Asterisk of its own in `folder`."""
    ami, agi, http, sip = free_ports(4)
    rtp, rtp_last = rtp_ports()
    text = SETTINGS.format(
        folder=folder / "data", ami=ami, agi=agi, http=http, sip=sip, rtp=rtp, rtp_last=rtp_last
    )
    file = folder / "settings.yaml"
    file.write_text(text)
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

    def records(self) -> list[dict[str, Any]]:
        file = self.settings.records_folder / "cel.json"
        text = file.read_text() if file.exists() else ""
        return [json.loads(line) for line in text.splitlines() if line.strip()]

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


def _queue_of(record: dict[str, Any]) -> str:
    return str(record["appdata"]).split(",")[0] if record["appname"] == "Queue" else ""


def _seconds(record: dict[str, Any]) -> float:
    return float(record["eventtime"])

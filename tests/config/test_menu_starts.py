"""What starting the menu's role does besides taking calls."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select

from config import bootstrap
from config.running import Running
from config.settings import load
from ivr.prompts import Prompts
from ivr.sound import write_wav
from service_desk.model import Recording

SETTINGS = """
data: {{folder: {folder}}}
database: {{url: "sqlite+aiosqlite:///{folder}/ringdesk.db"}}
asterisk: {{agi: {{host: 127.0.0.1, port: {port}}}}}
queues: {{support: {{}}, sales: {{}}}}
default_queue: support
agents: {{}}
"""


class Humming:
    def identity(self, language: str) -> str:
        return "hum"

    async def speak(self, text: str, language: str) -> bytes:
        return write_wav([9_000, -9_000] * 800)


async def test_it_tells_the_desk_of_messages_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    file = tmp_path / "ringdesk.yaml"
    file.write_text(SETTINGS.format(folder=tmp_path / "data", port=port))
    settings = load(file)
    message = settings.recordings_folder / "messages" / f"{uuid.uuid4()}.wav"
    message.parent.mkdir(parents=True)
    message.write_bytes(write_wav([9_000, 0] * 8_000))
    past = time.time() - 3600
    os.utime(message, (past, past))
    prompts = Prompts(tmp_path / "prompts", Humming())
    monkeypatch.setattr(bootstrap, "prompts_of", lambda _settings: prompts)
    async with asyncio.timeout(30), Running() as running:
        desk = await bootstrap.start(settings, frozenset({"ivr"}), running, say=lambda _line: None)
        (work,) = [task for task in asyncio.all_tasks() if task.get_name() == "ivr-leftovers"]
        await work
        files = await desk.fetch(lambda c: c.execute(select(Recording.file)).scalars().all())
    assert files == [f"messages/{message.name}"]

"""Silent sockets by the hundred: who opens them gets none of what the others and the journal need.

The process has 400 descriptors and is flooded from 127.0.0.2 alone, on every listener of ours.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.sync.client import connect as live_to

from config import descriptors
from config.parts_of import ALL_ROLES
from service_desk.actions import staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from tests.config.outside import CHECKOUT, Site

FILES = 400
SILENT = 500  # on each listener
SECONDS = 20.0
HOSTILE = "127.0.0.2"
ENVIRONMENT = b"agi_network: yes\nagi_uniqueid: u-1\n\n"


class Flooded:
    """The other process: its ports, and what it says of itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        said = json.loads(self.hears())
        self.limit: int = said["limit"]
        self.pages, self.live, self.menu, self.health = said["ports"]

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def asked(self, what: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        return int(self.hears())

    @property
    def ports(self) -> list[int]:
        return [self.pages, self.live, self.menu, self.health]


@pytest.fixture
async def token(tmp_path: Path) -> str:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    desk = Desk(connect(url))
    await desk.start()
    await staff.create_staff(desk, name="ava", role="agent", password="a long word", by=SYSTEM)
    signed = await staff.sign_in(desk, name="ava", password="a long word", address="127.0.0.1")
    await desk.close()
    return signed.token


@pytest.fixture
def flooded(tmp_path: Path, token: str) -> Iterator[Flooded]:
    assert token
    site = Site(tmp_path)
    command = [sys.executable, "-m", "tests.config.flooded", str(tmp_path)]
    command += [f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}", str(site.file), str(FILES)]
    with subprocess.Popen(
        command,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield Flooded(process)
        finally:
            process.kill()


@pytest.fixture
def silent(flooded: Flooded) -> Iterator[list[socket.socket]]:
    """The flood: every socket that could be had, each held without a word."""
    held: list[socket.socket] = []
    assert descriptors.raise_limit() > 4 * SILENT
    try:
        for port in flooded.ports:
            for _ in range(SILENT):
                held.append(socket.socket())
                held[-1].bind((HOSTILE, 0))
                held[-1].settimeout(SECONDS)
                held[-1].connect(("127.0.0.1", port))
        yield held
    finally:
        for each in held:
            each.close()


def asked(port: int, path: str, **headers: str) -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)) as pages:
        pages.request("GET", path, headers=headers)
        answer = pages.getresponse()
        return answer.status, answer.read().decode()


def test_while_silent_sockets_are_held_everybody_else_is_served(
    flooded: Flooded, silent: list[socket.socket], token: str
) -> None:
    """Without shares the listeners take all 400, and then nothing opens any more."""
    assert flooded.limit == FILES  # raised to what the system allows
    assert len(silent) == SILENT * 4
    assert flooded.asked("open") < FILES - descriptors.RESERVE // 2  # a record is still written
    assert asked(flooded.pages, "/cases", Cookie=f"ringdesk_session={token}")[0] == 200
    assert asked(flooded.health, "/readyz") == (200, "ready\n")
    with live_to(
        f"ws://127.0.0.1:{flooded.live}/live",
        origin="http://127.0.0.1:1",
        additional_headers={"Cookie": f"ringdesk_session={token}"},
        proxy=None,
        open_timeout=SECONDS,
    ) as page:
        page.send('{"id": 1, "do": "ping"}')
        answer: dict[str, Any] = json.loads(page.recv(timeout=SECONDS))
        assert answer["ok"] is True
    with closing(socket.create_connection(("127.0.0.1", flooded.menu), SECONDS)) as call:
        call.sendall(ENVIRONMENT)
        assert call.recv(100) == b"ANSWER\n"


def test_what_is_silent_is_let_go(flooded: Flooded, silent: list[socket.socket]) -> None:
    """Each listener's deadline: a head, a handshake, an environment that does not come."""
    for each in silent:
        each.settimeout(40.0)
        try:
            assert each.recv(1) == b""
        except ConnectionError:
            continue
    assert flooded.asked("used") < 60


def test_the_shares_leave_a_reserve_however_few_there_are() -> None:
    """Together with a file beside each page they stay below the limit."""
    for files in (256, FILES, 1_024, 4_096, descriptors.ENOUGH):
        most = descriptors.shared(files, ALL_ROLES)
        taken = sum(most[role] * descriptors.SHARES[role].takes for role in most)
        assert taken + descriptors.HEALTH[0] + descriptors.RESERVE <= files
        assert all(most.values())
    assert most == {role: descriptors.SHARES[role].most for role in ("web", "live", "ivr")}
    gate = descriptors.shared(descriptors.ENOUGH, {"gate"})["gate"]
    assert gate == descriptors.SHARES["gate"].most
    alone = descriptors.shared(FILES, {"web"})
    assert alone["web"] > descriptors.shared(FILES, ALL_ROLES)["web"]


async def test_it_is_told_before_they_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the log once, and as a figure while it lasts."""
    used = 10
    looked = asyncio.Event()

    def in_use() -> int:
        looked.set()
        return used

    monkeypatch.setattr(descriptors, "in_use", in_use)
    monkeypatch.setattr(descriptors, "limit", lambda: 100)

    async def look() -> None:
        looked.clear()
        async with asyncio.timeout(SECONDS):
            await looked.wait()
        looked.clear()
        async with asyncio.timeout(SECONDS):
            await looked.wait()

    with capture_logs() as lines:
        watching = asyncio.create_task(descriptors.keep_watch(0.001))
        await look()
        assert lines == []
        used = 81
        await look()
        assert descriptors.nearly_out()
        used = 20
        await look()
        watching.cancel()
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("descriptors.low", "error"),
        ("descriptors.enough", "info"),
    ]

"""A whole Ringdesk for the journeys: its own folder, ports, Asterisk, staff; led from outside."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import aiohttp
import yaml

from config import parts
from config.settings import load
from service_desk.actions.staff import create_staff, issue_token
from service_desk.actor import SYSTEM, Role
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from tests.polling import until
from tests.ports import free_ports, health_port, rtp_ports

CHECKOUT = Path(__file__).resolve().parents[2]
READY_SECONDS = 300  # with other suites beside this one; one that ends is noticed at once
READY = re.compile(r"(Ringdesk|Asterisk|Ringdesk Demo) is ready\b")
STOP_SECONDS = 25
TRUNK = "127.0.0.2"  # where the callers call from
PASSWORD = "correct horse battery"
STAFF: dict[str, Role] = {"ava": "agent", "ben": "agent", "sam": "supervisor"}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOSED = {
    "description": "Closed",
    "languages": ["en"],
    "start": "opening",
    "nodes": {
        "opening": {
            "kind": "hours",
            "label": "Opening hours",
            # A day that is neither today nor tomorrow.
            "open": {DAYS[(datetime.now(UTC).weekday() + 3) % 7]: "09:00-10:00"},
            "when_open": "message",
            "when_closed": "message",
        },
        "message": {
            "kind": "message",
            "label": "Message",
            "prompt": {"en": "Please leave a message."},
            "thanks": {"en": "Thank you."},
            "next": "bye",
        },
        "bye": {"kind": "hangup", "label": "Goodbye", "prompt": {"en": "Goodbye."}},
    },
}
CHINESE = {
    "description": "Straight to sales, in Chinese",
    "languages": ["zh"],
    "start": "sales",
    "nodes": {
        "sales": {"kind": "queue", "label": "Sales", "queue": "sales"},
        "bye": {"kind": "hangup", "label": "Goodbye", "prompt": {"zh": "再见。"}},
    },
    "after": {"full": "bye", "timeout": "bye", "closed": "bye"},
}


def installation(folder: Path, system: str, database: str = "") -> dict[str, Any]:
    """What every installation of a test says: a folder and ports of its own, one trunk."""
    ami, agi, http, sip, web, live, gate = free_ports(7)
    first_rtp, last_rtp = rtp_ports(240)
    return {
        "system": system,
        "company": {"name": system.title(), "time_zone": "UTC", "languages": ["en", "zh"]},
        "data": {"folder": str(folder / "data")},
        "database": {"url": database},
        "asterisk": {
            "ami": {"port": ami},
            "agi": {"port": agi},
            "http": {"port": http},
            "sip": {"host": "127.0.0.1", "port": sip},
            "rtp": {"from": first_rtp, "to": last_rtp},
        },
        "web": {"port": web},
        "live": {"port": live},
        "gate": {"port": gate},
        "health": {"port": health_port()},
        "night_switch": "open",
        "trunks": {"carrier": {"addresses": [TRUNK]}},
    }


def settings(folder: Path, database: str = "") -> dict[str, Any]:
    """Two agents in one queue, a menu, a closed menu, a queue nobody is in."""
    (desk_phone,) = free_ports(1)
    return installation(folder, "journey", database) | {
        "dids": {
            "1000": {"flow": "main"},
            "2000": {"queue": "support"},
            "3000": {"flow": "closed"},
            "4000": {"queue": "sales"},
            "5000": {"queue": "pair"},
            "6000": {"queue": "brief"},
            "7000": {"queue": "phones"},
            "8000": {"flow": "chinese"},
            "9000": {"queue": "spilling"},
            "9500": {"queue": "hasty"},
        },
        "queues": {
            "support": {"record": True, "wrap_up": 60, "ring": 30},
            "sales": {"announce_every": 10},
            "pair": {"wrap_up": 3, "ring": 30},
            "brief": {"max_wait": 1, "announce_position": False},
            "phones": {"wrap_up": 0},
            "hasty": {"ring": 5, "announce_position": False},
            "spilling": {"max_wait": 1, "overflow": "pair", "record": True},
        },
        "agents": {
            "ava": {"extension": "101", "queues": {"support": 0, "pair": 0, "hasty": 0}},
            "ben": {"extension": "102", "queues": {"support": 5, "pair": 0}},
            "dora": {
                "extension": "104",
                "queues": {"phones": 0},
                "device": {"kind": "contact", "uri": f"sip:dora@127.0.0.3:{desk_phone}"},
                "signed_in": True,
            },
        },
        "pause_reasons": {"lunch": {"en": "Lunch", "zh": "午餐"}},
    }


@dataclass
class House:
    """A running Ringdesk. `config` is what its settings file says."""

    folder: Path
    config: dict[str, Any]
    token: str = ""
    name: str = "ringdesk.yaml"
    within: tuple[str, ...] = ()  # the command that ours begins with, if any
    env: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None
    said: list[str] = field(default_factory=list)
    _reading: asyncio.Task[None] | None = None

    @property
    def file(self) -> Path:
        """The settings file."""
        return self.folder / self.name

    @property
    def web(self) -> str:
        """Where the pages are."""
        web = self.config["web"]
        return f"http://{web.get('host', 'localhost')}:{web['port']}"

    @property
    def sip(self) -> tuple[str, int]:
        """Where callers call."""
        return "127.0.0.1", self.config["asterisk"]["sip"]["port"]

    def write(self) -> None:
        """Write the settings file as `config` is now."""
        self.file.write_text(yaml.safe_dump(self.config, allow_unicode=True))

    async def furnish(self, prompts: Path) -> None:
        """Settings, flows, tables, staff and a token; `prompts` is shared between houses."""
        data = self.folder / "data"
        (data / "flows").mkdir(parents=True)
        (data / "prompts").symlink_to(prompts)
        self.write()
        (data / "flows" / "closed.yaml").write_text(yaml.safe_dump(CLOSED))
        (data / "flows" / "chinese.yaml").write_text(yaml.safe_dump(CHINESE))
        # What `ringdesk db migrate`, `user add` and `token create` do, without six starts of it.
        url = load(self.file).database.url
        await migrate(url)
        desk = Desk(connect(url))
        try:
            for name, role in STAFF.items():
                await create_staff(
                    desk, name=name, shown=name, role=role, password=PASSWORD, by=SYSTEM
                )
            self.token = await issue_token(desk, label="journeys", role="administrator", by=SYSTEM)
        finally:
            await desk.close()

    def _ringdesk(self, words: tuple[str, ...]) -> list[str]:
        return [
            *self.within,
            sys.executable,
            "-m",
            "config.cli",
            *words,
            "--settings",
            str(self.file),
        ]

    async def start(self, *roles: str, seconds: float = READY_SECONDS) -> None:
        """Start `serve` (or the given command) and wait until it says that it is ready."""
        self.write()
        self.process = await asyncio.create_subprocess_exec(
            *self._ringdesk(roles or ("serve",)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=CHECKOUT,
            start_new_session=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.env,
        )
        ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read(ready))
        waiting = asyncio.create_task(ready.wait())
        done, _ = await asyncio.wait(
            [waiting, self._reading],
            timeout=seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        assert waiting in done, "Ringdesk did not start:\n" + "\n".join(self.said[-30:])

    async def _read(self, ready: asyncio.Event) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode(errors="replace").rstrip())
            if READY.match(self.said[-1]):
                ready.set()

    async def asterisk_says(self, command: str) -> str:
        """What Asterisk's own console answers."""
        process = await asyncio.create_subprocess_exec(
            parts.asterisk().command,
            "-C",
            str(self.folder / "data/asterisk/etc/asterisk.conf"),
            "-rx",
            command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(READY_SECONDS):
            out, _ = await process.communicate()
        return out.decode(errors="replace")

    def asterisk_pid(self) -> int | None:
        """The process of our own Asterisk, if it runs."""
        return self._pid("data/asterisk/run/asterisk.pid")

    def gate_pid(self) -> int | None:
        """The process of its gate, if it runs."""
        return self._pid("data/gate/gate.pid")

    def _pid(self, file: str) -> int | None:
        try:
            pid = int((self.folder / file).read_text())
            said = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self.folder).encode() in said else None

    async def end_asterisk(self) -> None:
        """End what outlived a Ringdesk that was killed, and wait until it is gone."""
        for pid in (self.asterisk_pid(), self.gate_pid()):
            if pid is not None:
                os.kill(pid, SIGKILL)

        async def there() -> int | None:
            return self.asterisk_pid() or self.gate_pid()

        await until(there, lambda pid: pid is None, seconds=STOP_SECONDS, every=0.05)

    async def channel_of(self, caller: str) -> str:
        """The name of the one channel that shows this number as its caller's."""
        out = await self.asterisk_says("core show channels concise")
        found = [line.split("!")[0] for line in out.splitlines() if f"!{caller}!" in line]
        assert len(found) == 1, out
        return found[0]

    async def hear(self, channel: str, file: Path) -> None:
        """Write to `file` what the one on this channel hears, until the call ends."""
        both = file.with_suffix(".both.wav")
        await self.asterisk_says(f"mixmonitor start {channel} {both},t({file})")

    async def rtp_of(self, endpoint: str) -> dict[str, int]:
        """RTP packets of the endpoint's one channel, as Asterisk has counted them."""
        out = await self.asterisk_says("pjsip show channelstats")
        rows = [line.split() for line in out.splitlines() if f"{endpoint}-" in line]
        assert len(rows) == 1, out
        # BridgeId ChannelId UpTime Codec, then received: Count Lost Pct Jitter; sent: the same.
        counts = rows[0][rows[0].index("ulaw") + 1 :]
        return {"received": int(counts[0]), "sent": int(counts[4])}

    async def stop(self) -> None:
        """Ctrl-C; it must end by itself."""
        if self.process is None:
            return
        if self.process.returncode is None:
            self.process.send_signal(2)
        await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        if self._reading is not None:
            await self._reading

    async def api(
        self, method: str, path: str, body: object = None, *, expect: int | None = None
    ) -> Any:
        """The JSON API, as a program outside would use it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"{self.web}/api/v1{path}", json=body, headers=headers) as r,
        ):
            answer = await r.json()
            assert r.status == (expect or r.status), answer
            assert r.status < 400 or expect, answer
            return answer

    async def until(self, path: str, good: Any, seconds: float = 20) -> Any:
        """Ask `path` until `good(answer)`; the answer. Nothing tells outsiders of a change."""
        return await until(lambda: self.api("GET", path), good, seconds=seconds, every=0.1)

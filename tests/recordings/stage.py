"""Where calls are recorded: a real Asterisk with the product's own files, telephones, its events.

What a kind of call needs beyond the product's dialplan stands in `DIALPLAN` here.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from config.own_asterisk import OwnAsterisk
from config.secrets import open_secrets
from config.settings import Settings, load
from tests.ports import free_ports, rtp_ports
from tests.recordings.phone import Phone

AGENTS = {"ava": "101", "ben": "102", "cat": "103"}
CALLER, CALLER_NAME = "+493012345678", "Erika"
OUTSIDE = "+4930111222"
SETTLE = 0.6  # seconds of silence after the last channel's end
WAIT = 20.0

# Events that tell nothing of a call that another does not tell: left out of the recordings.
NOISE = frozenset(
    {
        "ContactStatus", "DeviceStateChange", "ExtensionStatus", "FullyBooted", "MusicOnHoldStart",
        "MusicOnHoldStop", "NewCallerid", "NewConnectedLine", "Newstate", "PeerStatus",
        "QueueMemberAdded", "QueueMemberPause", "QueueMemberRemoved", "QueueMemberStatus",
        "SuccessfulAuth", "ChannelTalkingStart", "ChannelTalkingStop", "DTMFBegin", "DTMFEnd",
    }
)  # fmt: skip

DIALPLAN = """
[ringdesk-inbound](+)
; A menu that plays and hangs up.
exten => 1000,1,Answer(,i)
 same => n,Wait(1)
 same => n,Hangup(16)
; Two queues, one after the other, then nothing.
exten => 2005,1,Answer(,i)
 same => n,Queue(two,,,,1)
 same => n,Queue(everyone,,,,1)
 same => n,Hangup(16)
; The agent may transfer by star codes.
exten => 2006,1,Gosub(ringdesk-ready,s,1)
 same => n,Answer(,i)
 same => n,Gosub(ringdesk-record,s,1)
 same => n,Queue(support,t)

[ringdesk-transfer](+)
; A colleague who is dialled through a Local channel.
exten => 112,1,Dial(Local/102@ringdesk-transfer)

[ringdesk-rooms]
exten => three,1,Answer(,i)
 same => n,ConfBridge(three)
 same => n,Hangup()
"""
FEATURES = "[featuremap](+)\natxfer = *2\n"
CONFBRIDGE = "[general]\n[default_user]\ntype=user\nquiet=yes\n[default_bridge]\ntype=bridge\n"
MANAGER = """
[recorder]
secret = {secret}
deny = 0.0.0.0/0.0.0.0
permit = 127.0.0.1/255.255.255.255
writetimeout = 5000
read = system,call,agent,user
write = call,agent,originate,reporting
"""


class Account:
    """One AMI connection: every event as it came, actions that answer."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.live: set[str] = set()
        self.heard = asyncio.Condition()
        self._replies: dict[str, asyncio.Future[str]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def log_in(self, port: int, secret: str) -> None:
        """Connect, and hear everything from now on."""
        reader, self._writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        await reader.readline()
        self._task = asyncio.create_task(self._read(reader))
        await self.do("Login", Username="recorder", Secret=secret)

    async def log_out(self) -> None:
        """Leave."""
        if self._task is not None and self._writer is not None:
            self._writer.close()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def do(self, action: str, **fields: str) -> None:
        """One action; raises AssertionError if Asterisk refuses it."""
        assert self._writer is not None
        mark = secrets.token_hex(6)
        reply = self._replies[mark] = asyncio.get_running_loop().create_future()
        pairs = {"Action": action, "ActionID": mark, **fields}
        self._writer.write("".join(f"{n}: {v}\r\n" for n, v in pairs.items()).encode() + b"\r\n")
        said = await asyncio.wait_for(reply, WAIT)
        assert "Response: Success" in said, (action, said)

    async def event(
        self, name: str, where: Callable[[dict[str, str]], bool] = bool
    ) -> dict[str, str]:
        """The first event of this call with this name for which `where` holds; waits for it."""
        async with asyncio.timeout(WAIT), self.heard:
            while True:
                for text in self.events:
                    found = dict(line.partition(": ")[::2] for line in text.splitlines())
                    if found["Event"] == name and where(found):
                        return found
                await self.heard.wait()

    async def quiet(self) -> None:
        """Wait until no channel is there any more, and nothing was said for a while."""
        async with asyncio.timeout(60), self.heard:
            await self.heard.wait_for(lambda: bool(self.events) and not self.live)
        while True:
            said = len(self.events)
            await asyncio.sleep(SETTLE)
            if len(self.events) == said and not self.live:
                return

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                block = await reader.readuntil(b"\r\n\r\n")
                await self._take(block.decode("utf-8", "replace").replace("\r\n", "\n").strip())

    async def _take(self, text: str) -> None:
        fields = dict(line.partition(": ")[::2] for line in text.splitlines())
        if "Response" in fields:
            waiting = self._replies.pop(fields.get("ActionID", ""), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(text)
            return
        name = fields.get("Event", "")
        if name == "Newchannel":
            self.live.add(fields["Uniqueid"])
        elif name == "Hangup":
            self.live.discard(fields["Uniqueid"])
        if name not in NOISE:
            async with self.heard:
                self.events.append(text)
                self.heard.notify_all()


class _Asterisk(OwnAsterisk):
    """The product's Asterisk, and what only recordings need."""

    secret = secrets.token_hex(16)
    parked_for = 180

    def _prepare(self) -> bool:
        super()._prepare()
        parking = self.etc / "res_parking.conf"
        text = parking.read_text()
        assert "parkingtime = 180" in text
        parking.write_text(text.replace("= 180", f"= {self.parked_for}"))
        for name, text in (
            ("extensions", DIALPLAN),
            ("features", FEATURES),
            ("manager", MANAGER.format(secret=self.secret)),
            ("modules", "load = app_confbridge.so\n"),
        ):
            with (self.etc / f"{name}.conf").open("a") as file:
                file.write(text)
        (self.etc / "confbridge.conf").write_text(CONFBRIDGE)
        return True


class Stage:
    """A running Asterisk and its telephones, named as the agents are, and `carrier`.

    `queues`: what is otherwise than in the recordings, by queue; all agents are in these.
    `parked_for`: seconds. `absent`: the extension of an agent whose phone is never there.
    """

    def __init__(
        self,
        folder: Path,
        queues: Mapping[str, dict[str, Any]] | None = None,
        *,
        parked_for: int = 180,
        absent: str = "",
    ) -> None:
        self._queues = dict(queues or {})
        self.absent = absent
        ami, agi, http, sip, *phones = free_ports(4 + 4 * 1)
        rtp, rtp_last = rtp_ports()
        server = ("127.0.0.1", sip)
        self.agi = agi
        # An address each: without a password that is all a telephone is known by.
        addresses = {"carrier": "127.0.0.2"}
        addresses |= {name: f"127.0.0.{place}" for place, name in enumerate(AGENTS, 11)}
        self.phones = {
            name: Phone(name, (addresses[name], port), server)
            for name, port in zip((*AGENTS, "carrier"), phones, strict=True)
        }
        (folder / "settings.yaml").write_text(
            yaml.safe_dump(self._settings(folder, (ami, agi, http, sip), (rtp, rtp_last)))
        )
        self.settings: Settings = load(folder / "settings.yaml", {})
        self.asterisk = _Asterisk(self.settings, open_secrets(self.settings.data_folder, {}))
        self.asterisk.parked_for = parked_for
        self.ami = Account()
        self.menu: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None
        self.menu = None

    def _settings(
        self, folder: Path, ports: tuple[int, ...], rtp: tuple[int, int]
    ) -> dict[str, Any]:
        ami, agi, http, sip = ports
        queues = {
            "support": {"strategy": "linear", "record": True},
            "everyone": {"strategy": "ringall", "record": True},
            "two": {"strategy": "linear", "record": True},
            "single": {"record": True},
            "brief": {"max_wait": 2, "overflow": "single", "record": True},
            "locals": {"record": True},
            "nobody": {"when_empty": "closed"},
        }
        members = {
            "ava": ("support", "everyone", "two", "brief"),
            "ben": ("support", "everyone", "two", "single"),
            "cat": (),
        }
        for name, other in self._queues.items():
            queues[name] = queues.get(name, {}) | other
            members = {agent: (*theirs, name) for agent, theirs in members.items()}
        carrier = self.phones["carrier"].at
        return {
            "system": "ringdesk-1",
            "company": {"languages": ["en"]},
            "data": {"folder": str(folder / "data")},
            "asterisk": {
                "ami": {"port": ami},
                "agi": {"port": agi},
                "http": {"port": http},
                "sip": {"host": "127.0.0.1", "port": sip},
                "rtp": {"from": rtp[0], "to": rtp[1]},
            },
            "dids": {
                "2000": {"queue": "support"},
                "2001": {"queue": "everyone"},
                "2003": {"queue": "two"},
                "2004": {"queue": "brief"},
                "2007": {"queue": "locals"},
                "2008": {"queue": "nobody"},
                "3000": {"flow": "main"},
            },
            "queues": {
                name: {"announce_position": False, "ring": 5, "wrap_up": 0, **queue}
                for name, queue in queues.items()
            },
            "agents": {
                name: {
                    "extension": extension,
                    "queues": dict.fromkeys(members[name], 0),
                    "device": {
                        "kind": "contact",
                        "uri": "sip:{}@{}:{}".format(name, *self.phones[name].at),
                    },
                    "signed_in": bool(members[name]),
                }
                for name, extension in AGENTS.items()
            }
            | (
                {"dan": {"extension": self.absent, "device": {"kind": "phone"}}}
                if self.absent
                else {}
            ),
            "trunks": {
                "carrier": {
                    "addresses": [carrier[0]],
                    "dial": f"sip:{carrier[0]}:{carrier[1]}",
                    "trust_identity": True,
                }
            },
        }

    async def __aenter__(self) -> Stage:
        """Start everything; what has started ends if the rest cannot."""
        async with contextlib.AsyncExitStack() as started:
            await self.asterisk.start()
            started.push_async_callback(self.asterisk.stop)
            for phone in self.phones.values():
                started.callback(phone.unplug)
                await phone.plug_in()
            server = await asyncio.start_server(self._serve, "127.0.0.1", self.agi)
            started.callback(server.close)
            await self.ami.log_in(self.settings.asterisk.ami.port, self.asterisk.secret)
            started.push_async_callback(self.ami.log_out)
            self._started = started.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything."""
        await self._started.aclose()

    @property
    def unexpected(self) -> list[str]:
        """Whose telephones rang without anybody who waited for it: the kind went another way."""
        return [name for name, phone in self.phones.items() if phone.unexpected]

    def forget(self) -> None:
        """Nothing of a kind is left at the telephones."""
        for phone in self.phones.values():
            phone.drop_all()
        self.menu = None

    @property
    def records(self) -> Path:
        """Asterisk's own records of calls."""
        return self.settings.records_folder / "cel.csv"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A call in the menu: what the kind of call says."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\n\n")
            if self.menu is not None:
                await self.menu(reader, writer)
        writer.close()

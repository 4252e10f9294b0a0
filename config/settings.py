"""Ringdesk's settings: one YAML file, typed, checked as a whole, and frozen.

`load(path)` returns `Settings` or raises `LocatedError`: one line with file, line, key and what is
allowed. What is optional has its default here; docs/configuration.md describes every key.
Durations are seconds. Paths are relative to the working directory.

Environment variables replace what differs between machines and is no business of a shared file:
see `OVERRIDES`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from config import settings_checks
from ivr.located_convert import convert_located
from ivr.located_yaml import LocatedError, load_located
from ivr.protocol import NightSwitch

Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]
Strategy = Literal[
    "ringall", "leastrecent", "fewestcalls", "random", "rrmemory", "rrordered", "linear", "wrandom"
]
Language = Literal["en", "zh"]
Codec = Literal["ulaw", "alaw", "g722", "opus"]

OVERRIDES = {
    "RINGDESK_DATABASE_URL": ("database", "url"),
    "RINGDESK_REDIS_URL": ("bus", "url"),
    "RINGDESK_DATA": ("data", "folder"),
}


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the settings: an unknown key is a mistake, not a wish for later."""


class Company(_Part, frozen=True, kw_only=True):
    """Who we are. `country` (ISO 3166) is where a number without a country code belongs."""

    name: str = "Ringdesk"
    time_zone: str = "UTC"
    languages: tuple[Language, ...] = ("en", "zh")
    country: str = "DE"


class Database(_Part, frozen=True, kw_only=True):
    """An SQLAlchemy address; empty: SQLite in the data folder."""

    url: str = ""


class BusSettings(_Part, frozen=True, kw_only=True):
    """`memory://` for one process, `redis://...` for several."""

    url: str = "memory://"


class Data(_Part, frozen=True, kw_only=True):
    """Where Ringdesk keeps what it writes: database, recordings, prompts, secrets, Asterisk's."""

    folder: str = ".ringdesk/data"


class Ami(_Part, frozen=True, kw_only=True):
    """Where we reach Asterisk's manager. `bind` and `permit` matter only to another machine's."""

    host: str = "127.0.0.1"
    port: Port = 5038
    user: str = "ringdesk"
    bind: str = "127.0.0.1"
    permit: tuple[str, ...] = ("127.0.0.1/32",)


class Agi(_Part, frozen=True, kw_only=True):
    """Where Asterisk reaches our menu: `host` as Asterisk says it, `bind` where we listen."""

    host: str = "127.0.0.1"
    port: Port = 4573
    bind: str = "127.0.0.1"


class Http(_Part, frozen=True, kw_only=True):
    """Asterisk's HTTP server, for our gate alone: `host` as the gate says it, `bind` Asterisk's."""

    host: str = "127.0.0.1"
    port: Port = 8088
    bind: str = "127.0.0.1"


class Sip(_Part, frozen=True, kw_only=True):
    """The SIP transport of trunks and desk phones. `public_address`: what is told outside a NAT."""

    host: str = "127.0.0.1"
    port: Port = 5060
    public_address: str = ""
    own_address: str = ""  # ours behind that NAT: browsers are told the public one instead
    local_networks: tuple[str, ...] = ()
    codecs: tuple[Codec, ...] = ("ulaw", "alaw")


class Rtp(_Part, frozen=True, kw_only=True):
    """The UDP ports of the media; each call leg takes two. `host`: see config/media.py."""

    host: str = ""  # one address, or 0.0.0.0 for every one; empty: found (config/media.py)
    first: Port = field(name="from", default=10_000)
    last: Port = field(name="to", default=20_000)


class AsteriskSettings(_Part, frozen=True, kw_only=True):
    """`own`: we start it and render its files; `external`: somebody else runs it with our files."""

    mode: Literal["own", "external"] = "own"
    ami: Ami = Ami()
    agi: Agi = Agi()
    http: Http = Http()
    sip: Sip = Sip()
    rtp: Rtp = Rtp()
    files: str = ""  # external: the folder where it reads them, if we can write there
    recordings: str = ""  # empty: <data>/recordings
    records: str = ""  # the folder of Asterisk's call records (CEL); empty: <data>/records
    records_days: Annotated[int, Meta(ge=1, le=3660)] = 14  # that files of records are kept


class Web(_Part, frozen=True, kw_only=True):
    """Pages and the JSON API."""

    host: str = "127.0.0.1"
    port: Port = 8080
    origins: tuple[str, ...] = ()  # as browsers say it (`https://desk.example`); empty: this port
    proxies: tuple[str, ...] = ()  # networks of reverse proxies whose X-Forwarded-For is believed


class Live(_Part, frozen=True, kw_only=True):
    """The websocket of the live screens, on its own port."""

    host: str = "127.0.0.1"
    port: Port = 8081
    url: str = ""  # as browsers reach it (`wss://host/live`); empty: this port on the page's host


class Gate(_Part, frozen=True, kw_only=True):
    """Where browsers' telephones connect; it passes them on to Asterisk's `/ws`."""

    host: str = "127.0.0.1"
    port: Port = 8082
    url: str = ""  # as browsers reach it (`wss://host/ws`); empty: this port on the page's host


class Health(_Part, frozen=True, kw_only=True):
    """`/healthz`, `/readyz` and `/metrics` of each process, away from the pages.

    `port` is that of `ringdesk serve`; what runs apart has the next five: bridge, ivr, web, live,
    gate.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65530)] = 9140  # 0: none
    allow: tuple[str, ...] = ("127.0.0.0/8", "::1/128")  # networks that may read /metrics


class Did(_Part, frozen=True, kw_only=True):
    """Where a dialled number goes: to a flow, or straight to a queue."""

    flow: str = ""
    queue: str = ""


class BothTitles(_Part, frozen=True, kw_only=True):
    """What a queue is called in English, and in Chinese where that differs."""

    en: Annotated[str, Meta(min_length=1)]
    zh: str = ""


class Queue(_Part, frozen=True, kw_only=True):
    """A queue; times in seconds."""

    title: str | BothTitles = ""
    strategy: Strategy = "rrmemory"  # a call somebody rejected goes to the next
    threshold: Annotated[int, Meta(ge=1, le=3600)] = 20  # of the service level
    ring: Annotated[int, Meta(ge=5, le=300)] = 20  # one agent, before the next
    missed_limit: Annotated[int, Meta(ge=0, le=100)] = 1  # in a row, then not answering; 0: never
    max_wait: Seconds = 600  # 0: for ever
    max_callers: Annotated[int, Meta(ge=0, le=10_000)] = 0  # waiting at once; 0: any number
    overflow: str = ""  # the queue after max_wait or max_callers; empty: the menu's `after` flow
    # Nobody is signed in whose telephone is there: callers wait, or are told so (`after: closed`).
    when_empty: Literal["wait", "closed"] = "wait"
    record: bool = False
    announce_position: bool = True
    announce_every: Annotated[int, Meta(ge=10, le=600)] = 30
    wrap_up: Seconds = 30  # after-call work at most
    weight: Annotated[int, Meta(ge=0, le=1000)] = 0  # against other queues of the same agents


class Device(_Part, frozen=True, kw_only=True):
    """How an agent is rung: in the browser, by a registering phone, or at a fixed SIP address."""

    kind: Literal["webrtc", "phone", "contact"] = "webrtc"
    uri: str = ""


Penalty = Annotated[int, Meta(ge=0, le=1000)]


class Agent(_Part, frozen=True, kw_only=True):
    """An agent: the key is the user name and the name of the SIP endpoint."""

    extension: str
    name: str = ""
    queues: dict[str, Penalty] = field(default_factory=dict)  # queue -> penalty, 0 is asked first
    device: Device = Device()
    signed_in: bool = False  # a member of the queues from Asterisk's start


class AgentRange(_Part, frozen=True, kw_only=True):
    """Many agents at once: `prefix` + number; `contact` may hold `{name}` and `{number}`."""

    prefix: str
    count: Annotated[int, Meta(ge=1, le=10_000)]
    contact: str
    extension_from: Annotated[int, Meta(ge=1, le=10**9)]
    first: Annotated[int, Meta(ge=0, le=10_000)] = 1
    queues: dict[str, Penalty] = field(default_factory=dict)
    signed_in: bool = False

    def members(self) -> Iterator[tuple[str, str, str]]:
        """(name, extension, SIP address) of each."""
        for offset in range(self.count):
            number = self.first + offset
            name = f"{self.prefix}{number}"
            uri = self.contact.replace("{name}", name).replace("{number}", str(number))
            yield name, str(self.extension_from + offset), uri


class Trunk(_Part, frozen=True, kw_only=True):
    """A carrier: known by its addresses (without any: by where it is dialled), never by a name.

    `dial`: `sip:host[:port]`.
    """

    addresses: tuple[str, ...] = ()
    dial: str = ""
    user: str = ""  # for carriers that want a password: from the environment, `password_env`
    password_env: str = ""
    register: bool = False
    caller_number: str = ""  # shown to those we call
    trust_identity: bool = False  # believe P-Asserted-Identity: the carrier vouches for it


class TollCaps(_Part, frozen=True, kw_only=True):
    """How much may be dialled outside, held by Asterisk itself; 0: any amount.

    `night`: `22:00-06:00` in the company's time, when only `night_calls` at once are let out.
    """

    agent_calls: Annotated[int, Meta(ge=0, le=100)] = 3  # at once, of one agent
    agent_minutes: Annotated[int, Meta(ge=0, le=1440)] = 480  # a day, of one agent
    trunk_calls: Annotated[int, Meta(ge=0, le=10_000)] = 0
    trunk_minutes: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    night: str = ""
    night_calls: Annotated[int, Meta(ge=0, le=10_000)] = 0


class Dialling(_Part, frozen=True, kw_only=True):
    """Which outside numbers agents may dial: E.164 prefixes, the longer one counts.

    Emergency numbers always.
    """

    allow: tuple[str, ...] = ()  # if there are any: only these
    deny: tuple[str, ...] = ()
    also: tuple[str, ...] = ()  # although they are costly
    short: tuple[str, ...] = ()  # short numbers of the country that may be dialled as they are
    premium: bool = False  # everything that is costly
    caps: TollCaps = TollCaps()


class PauseReason(_Part, frozen=True, kw_only=True):
    """Why an agent pauses, in words, and for how long at most (0: no limit)."""

    en: str
    zh: str = ""
    limit_minutes: Annotated[int, Meta(ge=0, le=1440)] = 0


class Settings(_Part, frozen=True, kw_only=True):
    """Everything. Ranges of agents are already among `agents`."""

    system: str = "ringdesk-1"
    company: Company = Company()
    database: Database = Database()
    bus: BusSettings = BusSettings()
    data: Data = Data()
    asterisk: AsteriskSettings = AsteriskSettings()
    web: Web = Web()
    live: Live = Live()
    gate: Gate = Gate()
    health: Health = Health()
    cookie_secure: bool = False
    dids: dict[str, Did] = field(default_factory=dict)
    default_flow: str = "main"
    default_queue: str = "support"
    # Seconds that a caller is kept for an agent whose device is lost in mid-call; 0: the call ends.
    keep_caller: Annotated[int, Meta(ge=0, le=120)] = 20
    queues: dict[str, Queue]
    agents: dict[str, Agent] = field(default_factory=dict)
    agent_ranges: tuple[AgentRange, ...] = ()
    trunks: dict[str, Trunk] = field(default_factory=dict)
    outbound: str = ""  # the trunk of outside calls; empty: the first that can be dialled
    dialling: Dialling = Dialling()
    pause_reasons: dict[str, PauseReason] = field(default_factory=dict)
    demo: bool = False
    # The night switch: `open` and `closed` overrule every flow's opening hours.
    night_switch: NightSwitch = "auto"

    @property
    def data_folder(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data.folder).absolute()

    @property
    def recordings_folder(self) -> Path:
        """Where recordings and messages lie, absolute."""
        said = self.asterisk.recordings
        return Path(said).absolute() if said else self.data_folder / "recordings"

    @property
    def records_folder(self) -> Path:
        """Where Asterisk writes its call records (CEL), absolute."""
        said = self.asterisk.records
        return Path(said).absolute() if said else self.data_folder / "records"

    @property
    def page_origins(self) -> tuple[str, ...]:
        """Which pages may open a websocket of ours, as browsers say it; may hold `{host}`."""
        return self.web.origins or (f"http://{{host}}:{self.web.port}",)

    @property
    def outbound_trunk(self) -> str | None:
        """The trunk that outside calls take, if there is one."""
        dialable = [name for name, trunk in self.trunks.items() if trunk.dial]
        return self.outbound or next(iter(dialable), None)


def load(path: str | Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a settings file. Raises LocatedError with one line for a person."""
    located = load_located(path)
    if not isinstance(located.data, dict):
        raise located.error((), "the file must hold keys and values")
    for variable, (section, key) in OVERRIDES.items():
        value = environment.get(variable)
        if value:
            holder = located.data.setdefault(section, {})
            if isinstance(holder, dict):
                holder[key] = value
    settings = convert_located(located, Settings)
    settings_checks.check(settings, located)
    return _completed(settings)


def parse_failure(error: LocatedError) -> str:
    """The one line to print before exit status 2."""
    return f"settings: {error}"


def _completed(settings: Settings) -> Settings:
    """Fill in what follows from other settings: the database's place, ranges of agents."""
    agents = dict(settings.agents)
    for agents_range in settings.agent_ranges:
        for name, extension, uri in agents_range.members():
            agents[name] = Agent(
                extension=extension,
                name=name,
                queues=agents_range.queues,
                device=Device(kind="contact", uri=uri),
                signed_in=agents_range.signed_in,
            )
    url = settings.database.url
    if not url:
        url = f"sqlite+aiosqlite:///{settings.data_folder / 'ringdesk.db'}"
    return msgspec.structs.replace(
        settings, agents=agents, agent_ranges=(), database=Database(url=url)
    )

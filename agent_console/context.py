"""What the counter is given by whoever starts it; nothing here is built at import.

Addresses the browser will use (`live_url`, `sip_url`, `origins`) may contain `{host}`: it stands
for the host name the browser asked for, so that one start serves `localhost`, a LAN name and an
address.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

from msgspec import Struct
from prometheus_client import generate_latest

from agent_console.pace import Paces
from cti.bus import Bus
from service_desk.desk import Desk
from service_desk.settings import Title

BUILT = Path(__file__).parent / "static" / "built"


class PauseReason(Struct, frozen=True, kw_only=True):
    """A reason for a pause: its code, its words by language, how long it may last (None: any)."""

    code: str
    labels: dict[str, str]
    limit_minutes: int | None = None


class QueueInfo(Struct, frozen=True, kw_only=True):
    """A queue as the screens need it. Seconds."""

    name: str
    title: Title
    threshold: int = 20
    wrap_up: int = 60


class AgentDevice(Struct, frozen=True, kw_only=True):
    """An agent's extension and device; `name` is the user name and the SIP endpoint's name."""

    name: str
    extension: str
    label: str = ""  # for people
    kind: Literal["webrtc", "phone", "contact"] = "webrtc"
    queues: tuple[str, ...] = ()


class DemoCaller(Struct, frozen=True, kw_only=True):
    """A number the demo's phone may call from ("": withheld), and whose it is.

    `note` is one of the stories of `service_desk/queries/demo_callers.py`, or a text of its own.
    """

    number: str
    name: str
    note: str = ""


async def bare_metrics() -> bytes:
    """The figures of the Python process alone."""
    return generate_latest()


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleContext:
    """Everything the pages, the API and the live side stand on.

    `sip_secret(endpoint, generation)` gives the SIP password of an agent's (or the demo phone's)
    endpoint; each generation has its own (config/phones.py). `ticket(endpoint, until)` gives what
    opens the gate of the browser phones (config/gate/).
    """

    desk: Desk
    bus: Bus
    company: str
    sip_secret: Callable[[str, int], str]
    ticket: Callable[[str, datetime], str]
    recordings: Path
    languages: tuple[str, ...] = ("en", "zh")
    time_zone: str = "UTC"
    system: str = ""  # the Asterisk whose alarms are shown
    live_url: str = "ws://{host}:8081/live"
    sip_url: str = "ws://{host}:8082/ws"
    sip_domain: str = "{host}"
    origins: tuple[str, ...] = ()  # besides the live socket's own origin
    cookie_secure: bool = False
    proxies: tuple[str, ...] = ()  # networks of reverse proxies whose X-Forwarded-For is believed
    demo: bool = False
    demo_phone: str = "customer"  # SIP endpoint of the demo's customer phone
    demo_callers: tuple[DemoCaller, ...] = ()
    hotline: str = "1000"
    built: Path = BUILT
    agents: Mapping[str, AgentDevice] = field(default_factory=dict)
    queues: Mapping[str, QueueInfo] = field(default_factory=dict)
    pause_reasons: Mapping[str, PauseReason] = field(default_factory=dict)
    paces: Paces = field(default_factory=lambda: Paces(time.monotonic))
    metrics: Callable[[], Awaitable[bytes]] = bare_metrics  # of the process, for Prometheus

    def title_of(self, queue: str) -> Title:
        """What people call a queue; one the settings do not know (any more) by its name."""
        info = self.queues.get(queue)
        return Title(en=queue) if info is None else info.title

"""All that the gate must know, and nothing more: no database, no password of a telephone.

Our own Asterisk's gate reads it from a file in the data folder, readable by its owner alone; one
that runs by itself (`ringdesk gate`) makes it of the settings.
"""

from __future__ import annotations

import hashlib
import hmac
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct

from config.gate import FROM
from config.settings import Health, Settings

KEY: Final = b"ringdesk gate ticket"
PLAN: Final = "gate.json"
PID: Final = "gate.pid"
CHECKOUT: Final = Path(__file__).resolve().parents[2]


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one gate is. `key` is hexadecimal."""

    host: str
    port: int
    asterisk: str  # its HTTP server
    asterisk_port: int
    key: str
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    local: str = ""  # the address that it speaks to Asterisk from; empty: any
    health: Health = Health()
    program: str = f"{sys.executable} {CHECKOUT}"  # another version of us is another plan


def key_of(cookie_key: bytes) -> bytes:
    """What tickets are sealed with."""
    return hmac.new(cookie_key, KEY, hashlib.sha256).digest()


def plan_of(settings: Settings, cookie_key: bytes) -> Plan:
    """The gate of an installation."""
    http = settings.asterisk.http
    return Plan(
        host=settings.gate.host,
        port=settings.gate.port,
        asterisk=http.host,
        asterisk_port=http.port,
        key=key_of(cookie_key).hex(),
        origins=settings.page_origins,
        proxies=settings.web.proxies,
        local=FROM if settings.asterisk.mode == "own" else "",
        health=settings.health,
    )

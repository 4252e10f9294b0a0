"""At which addresses Asterisk sends and takes media: known ones, so that no call waits for a name.

Where an RTP socket is bound to every address, Asterisk asks for its own address at each leg: first
for the host's own name, then for A.ROOT-SERVERS.NET, and the call waits for the answer (its
acl.c:ast_find_ourip). Many containers and cloud machines have a name that resolves nowhere. A
socket that is bound to one address asks nobody.

One address is all that most machines have. Who has several and a name that resolves keeps them all:
telephones of one network and a carrier of another reach no address in common there.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:
    from config.settings import Settings

EVERY: Final = ""  # bound to every address
LOOPBACK: Final = "127.0.0.1"
# For documentation (RFC 5737), at no machine's other end: the default route is what leads there.
FAR: Final = ("198.51.100.1", 9)
NAME_SECONDS: Final = 1.0  # a name that takes longer holds up calls
ROUTES: Final = Path("/proc/net/fib_trie")
ADDRESSES_6: Final = Path("/proc/net/if_inet6")
_LOCAL: Final = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")
_GLOBAL: Final = 0  # the scope of an IPv6 address that others reach


class Media(Struct, frozen=True):
    """An address each, or EVERY: for telephones and carriers, and for the browsers' ICE."""

    phones: str = EVERY
    browsers: str = EVERY


def media_of(settings: Settings) -> Media:
    """As the settings say, else by this machine's addresses as they are now.

    Blocks for up to NAME_SECONDS on a machine with several addresses.
    """
    said = settings.asterisk.rtp.host
    if said:
        every = ipaddress.ip_address(said).is_unspecified
        return Media() if every else Media(said, said)
    if settings.asterisk.mode == "external":  # another machine's addresses, which we cannot know
        return Media()
    sip = settings.asterisk.sip
    ours, more = addresses(), addresses_6()
    named = len(ours) + len(more) > 1 and own_name().resolved
    own = sip.own_address if is_here(sip.own_address) else ""
    found = own or _towards_others() or next(iter(ours), LOOPBACK)
    browsers = EVERY if named else found
    if is_here(sip.host) and not (_is_loopback(sip.host) and sip.public_address):
        return Media(sip.host, browsers)
    return Media(EVERY if named and len(ours) > 1 else found, browsers)


def addresses() -> list[str]:
    """This machine's IPv4 addresses that others may reach."""
    try:
        found = set(_LOCAL.findall(ROUTES.read_text()))
    except OSError:
        return []
    return sorted(each for each in found if _reaches_out(each))


def addresses_6() -> list[str]:
    """This machine's IPv6 addresses that others may reach; browsers are offered them too."""
    try:
        lines = [line.split() for line in ADDRESSES_6.read_text().splitlines()]
    except OSError:
        return []
    return sorted(line[0] for line in lines if int(line[3], 16) == _GLOBAL)


def whereabouts() -> tuple[object, ...]:
    """What changes with the machine's addresses; no name is asked for."""
    return addresses(), addresses_6(), _towards_others()


def is_here(address: str) -> bool:
    """Whether it is one certain address, and this machine's now."""
    try:
        if not address or ipaddress.ip_address(address).is_unspecified:
            return False
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except (OSError, ValueError):
        return False
    return True


class OwnName(Struct, frozen=True):
    """What became of asking for the host's own name, and after how many seconds."""

    resolved: bool
    seconds: float

    @property
    def silent(self) -> bool:
        """Nobody had answered within the time that is left for it."""
        return self.seconds >= NAME_SECONDS


def own_name(most: float = NAME_SECONDS) -> OwnName:
    """Ask for the host's own name, as Asterisk does, for `most` seconds.

    In a thread that nobody waits for longer: the C library's resolver cannot be told to stop.
    """
    resolved = threading.Event()

    def look() -> None:
        with contextlib.suppress(OSError):
            socket.getaddrinfo(socket.gethostname(), None)
            resolved.set()

    began = time.monotonic()
    thread = threading.Thread(target=look, daemon=True, name="own-name")
    thread.start()
    thread.join(most)
    return OwnName(resolved.is_set(), time.monotonic() - began)


def short_waits(environment: Mapping[str, str]) -> dict[str, str]:
    """What shall be in Asterisk's environment where nobody answers for the host's name.

    At its start it asks several times whatever its files say: 10 s each by the C library's custom,
    and as much again for each further name server.
    """
    if "RES_OPTIONS" in environment or not own_name().silent:
        return {}
    return {"RES_OPTIONS": "timeout:1 attempts:2"}


def _towards_others() -> str:
    """Our end of the way to others; no packet is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(FAR)
        except OSError:
            return ""
        address = str(probe.getsockname()[0])
    return address if _reaches_out(address) else ""


def _reaches_out(address: str) -> bool:
    said = ipaddress.ip_address(address)
    return not (said.is_loopback or said.is_link_local or said.is_unspecified)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"

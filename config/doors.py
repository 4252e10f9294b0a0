"""Who may come in by SIP, and how each is known: by a password, or by an address alone.

Asterisk takes an endpoint without a password for whoever says its name, unless the endpoint is
`identify_by = ip`. So an endpoint here has a password or `identify_by = ip` and its addresses, and
`open_doors` walks the rendered file for one that has neither.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from config.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The widest network that one carrier or telephone may be known by (bits of its prefix).
WIDEST: Final = {4: 8, 6: 24}
_SECTION: Final = re.compile(r"^\[([^\]]+)\](?:\(([^)]*)\))?\s*$")


def host_of(uri: str) -> str:
    """The host of a SIP address: `sip:ava@10.0.0.7:5060;transport=udp` is `10.0.0.7`."""
    rest = uri.partition(":")[2].rpartition("@")[2].partition(";")[0]
    if rest.startswith("["):
        return rest[1:].partition("]")[0]
    return rest.partition(":")[0]


def network_of(address: str) -> Network | None:
    """An address or network; None for a name."""
    try:
        return ipaddress.ip_network(address, strict=False)
    except ValueError:
        return None


def addresses_of(settings: Settings) -> Mapping[str, tuple[str, ...]]:
    """Endpoint without a password -> the addresses it is known by.

    A trunk without `addresses` is known by the host that it is dialled at. A telephone at a fixed
    address is known by it if it is an address and nobody else's; of several at one address nobody
    can tell which one calls: they are rung, and are let in by nothing.
    """
    known = {
        name: trunk.addresses or (host_of(trunk.dial),) for name, trunk in settings.trunks.items()
    }
    carriers = [network_of(each) for addresses in known.values() for each in addresses]
    hosts = {
        name: host_of(agent.device.uri)
        for name, agent in settings.agents.items()
        if agent.device.kind == "contact"
    }
    shared = Counter(hosts.values())
    for name, host in hosts.items():
        own = network_of(host)
        alone = own is not None and shared[host] == 1
        alone = alone and not any(_within(own, network) for network in carriers)
        known[name] = (host,) if alone else ()
    return known


def _within(own: Network | None, network: Network | None) -> bool:
    if own is None or network is None:
        return False
    return own.version == network.version and own.overlaps(network)


def open_doors(pjsip: str) -> Iterator[str]:
    """Each endpoint of a rendered pjsip.conf that a stranger could be, in words; none: all hold."""
    sections = list(_sections(pjsip))
    templates = {name: keys for name, is_template, keys in sections if is_template}
    known: dict[str, list[str]] = {}
    for _, is_template, keys in sections:
        if not is_template and keys.get("type") == ["identify"]:
            known.setdefault(keys["endpoint"][0], []).extend(keys.get("match", ()))
    for name, is_template, keys in sections:
        whole = templates.get(keys.get("_from", [""])[0], {}) | keys
        if is_template or whole.get("type") != ["endpoint"]:
            continue
        if name == "anonymous":
            yield "anonymous: lets in whoever comes"
        elif not any(whole.get("auth", [])) and whole.get("identify_by") != ["ip"]:
            yield f"{name}: no password, and known by its name"
        for address in known.get(name, ()):
            network = network_of(address)
            if network is not None and network.prefixlen < WIDEST[network.version]:
                yield f"{name}: known by {address}, which is nearly everybody"


def _sections(text: str) -> Iterator[tuple[str, bool, dict[str, list[str]]]]:
    """(name, whether it is a template, its keys) in order; `_from` is the template it begins as."""
    name, is_template, keys = "", False, dict[str, list[str]]()
    for line in text.splitlines():
        words = line.strip()
        found = _SECTION.match(words)
        if found:
            if name:
                yield name, is_template, keys
            name, is_template, keys = found[1], found[2] == "!", {}
            if found[2] and not is_template:
                keys["_from"] = [found[2]]
        elif "=" in words and not words.startswith(";"):
            key, _, value = words.partition("=")
            keys.setdefault(key.strip(), []).append(value.removeprefix(">").strip())
    if name:
        yield name, is_template, keys

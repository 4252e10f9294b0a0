"""What no single key can say of itself: whether the settings fit together.

Each check names the first mistake it finds, at the line where a person would mend it.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from phonenumbers import SUPPORTED_REGIONS

from config.doors import WIDEST, network_of
from config.gate import FROM
from config.number_plan import emergency_numbers
from cti.bounds import lies_within
from cti.commands import OURS
from cti.interpret.world import PARKING
from cti.wishes import AGENT_NAME
from ivr.located_yaml import Located, PathTuple

if TYPE_CHECKING:
    from config.settings import Settings, Trunk

# What becomes a name in Asterisk's files: an endpoint, a queue, a system.
NAME: Final = re.compile(r"\A[a-z][a-z0-9_-]{0,31}\Z")
FLOW_NAME: Final = re.compile(r"\A[a-z][a-z0-9_-]{0,63}\Z")
DID: Final = re.compile(r"\A[0-9A-Za-z+*]{1,40}\Z")
EXTENSION: Final = re.compile(r"\A[0-9]{2,10}\Z")
# An address as `contact` or `dial`: nothing that an Asterisk file or a dial string could misread.
SIP_URI: Final = re.compile(
    r"\Asips?:(?:[A-Za-z0-9_.+~-]+@)?[A-Za-z0-9.:\[\]-]+(?:;[a-z=0-9-]+)*\Z"
)
SHORT: Final = re.compile(r"\A[0-9]{2,8}\Z")
NIGHT: Final = re.compile(r"\A([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]\Z")
PREFIX: Final = re.compile(r"\A\+[1-9][0-9]{0,13}\Z")
HOST: Final = re.compile(r"\A[A-Za-z0-9.:-]{1,253}\Z")
PLAIN: Final = re.compile(r"\A[A-Za-z0-9_.@+-]{1,64}\Z")
# Names with a meaning of their own in the rendered files.
RESERVED: Final = frozenset(
    {"customer", "global", "general", "system", "anonymous", "udp", "ws", "default"}
)
HEALTH_PORTS: Final = 6  # one for `serve`, one for each role, one for the gate
NAME_ALLOWED: Final = "a small letter, then up to 31 of a-z, 0-9, _ and -"


def check(settings: Settings, located: Located) -> None:
    """Raises LocatedError for the first thing that does not fit."""
    for path, message in _mistakes(settings):
        raise located.error(path, message)


Mistake = tuple[PathTuple, str]


def _mistakes(settings: Settings) -> Iterator[Mistake]:
    yield from _general(settings)
    yield from _names(settings)
    yield from _places(settings)
    yield from _behind_the_gate(settings)
    yield from _ports(settings)
    yield from _queues(settings)
    yield from _dids(settings)
    yield from _agents(settings)
    yield from _trunks(settings)
    yield from _outside(settings)


def _outside(settings: Settings) -> Iterator[Mistake]:
    said = settings.dialling
    for key in ("allow", "deny", "also"):
        for place, prefix in enumerate(getattr(said, key)):
            if not PREFIX.match(prefix):
                allowed = "allowed: + and digits, such as +49 or +49900"
                yield ("dialling", key, place), f"no such prefix: {prefix!r}; {allowed}"
    for place, number in enumerate(said.short):
        if not SHORT.match(number):
            yield (
                ("dialling", "short", place),
                f"no short number: {number!r}; allowed: 2 to 8 digits",
            )
    if said.caps.night and not NIGHT.match(said.caps.night):
        wrong = f"no such hours: {said.caps.night!r}; allowed: such as 22:00-06:00"
        yield ("dialling", "caps", "night"), wrong


def _general(settings: Settings) -> Iterator[Mistake]:
    company = settings.company
    try:
        zoneinfo.ZoneInfo(company.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = "a name such as Europe/Berlin or Asia/Shanghai"
        yield (
            ("company", "time_zone"),
            f"no such time zone: {company.time_zone!r}; allowed: {known}",
        )
    if company.country not in SUPPORTED_REGIONS:
        yield (
            ("company", "country"),
            f"no such country: {company.country!r}; allowed: two capital letters, such as DE or CN",
        )
    if not company.languages or len(set(company.languages)) != len(company.languages):
        yield ("company", "languages"), "each language once; allowed: en, zh"
    url = settings.database.url
    if url and not url.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        # The address may hold a password: it is not repeated.
        yield ("database", "url"), "allowed: sqlite+aiosqlite:///FILE or postgresql+asyncpg://..."
    if not re.match(r"memory://\Z|rediss?://|unix://", settings.bus.url):
        yield ("bus", "url"), "allowed: memory://, redis://..., rediss://... or unix://..."
    if not settings.data.folder or re.search(r"[\r\n\0;,]", settings.data.folder):
        yield ("data", "folder"), "a folder's path without ; , or line ends"


def _names(settings: Settings) -> Iterator[Mistake]:
    if not NAME.match(settings.system):
        yield ("system",), f"not a name: {settings.system!r}; allowed: {NAME_ALLOWED}"
    if not NAME.match(settings.asterisk.ami.user):
        yield ("asterisk", "ami", "user"), f"allowed: {NAME_ALLOWED}"
    for section, names in (
        ("queues", settings.queues),
        ("trunks", settings.trunks),
        ("pause_reasons", settings.pause_reasons),
    ):
        for name in names:
            if not NAME.match(name) or name in RESERVED - {"default"}:
                yield (section, name), f"not a name: {name!r}; allowed: {NAME_ALLOWED}"
    for name in settings.agents:
        if not AGENT_NAME.match(name) or name in RESERVED:
            yield ("agents", name), f"not an agent's name: {name!r}; allowed: {NAME_ALLOWED}"
    if not FLOW_NAME.match(settings.default_flow):
        yield ("default_flow",), f"not a flow's name: {settings.default_flow!r}"
    yield from _words(settings)


def _words(settings: Settings) -> Iterator[Mistake]:
    for name, agent in settings.agents.items():
        if re.search(r"[\x00-\x1f\x7f;]", agent.name):
            yield ("agents", name, "name"), "a name without ; or line ends"
    for name in settings.pause_reasons:
        if name in OURS:
            yield ("pause_reasons", name), f"{name!r} is Ringdesk's own; choose another"


def _places(settings: Settings) -> Iterator[Mistake]:
    asterisk = settings.asterisk
    places: tuple[tuple[PathTuple, str], ...] = (
        (("asterisk", "ami", "host"), asterisk.ami.host),
        (("asterisk", "ami", "bind"), asterisk.ami.bind),
        (("asterisk", "agi", "host"), asterisk.agi.host),
        (("asterisk", "agi", "bind"), asterisk.agi.bind),
        (("asterisk", "http", "host"), asterisk.http.host),
        (("asterisk", "http", "bind"), asterisk.http.bind),
        (("asterisk", "sip", "host"), asterisk.sip.host),
        (("asterisk", "sip", "public_address"), asterisk.sip.public_address or "localhost"),
        (("asterisk", "sip", "own_address"), asterisk.sip.own_address or "localhost"),
        (("web", "host"), settings.web.host),
        (("live", "host"), settings.live.host),
        (("gate", "host"), settings.gate.host),
        (("health", "host"), settings.health.host),
    )
    for path, host in places:
        if not HOST.match(host):
            yield path, f"not a host: {host!r}; allowed: a name or an address"
    networks = (
        (("asterisk", "ami", "permit"), asterisk.ami.permit),
        (("asterisk", "sip", "local_networks"), asterisk.sip.local_networks),
        (("web", "proxies"), settings.web.proxies),
        (("health", "allow"), settings.health.allow),
    )
    for path, addresses in networks:
        for index, address in enumerate(addresses):
            if network_of(address) is None:
                yield (*path, index), f"not a network: {address!r}; allowed: such as 10.0.0.0/8"
    sip = asterisk.sip
    if sip.own_address:  # the pair of them is ICE's, and that takes no names
        for key, said in (("own_address", sip.own_address), ("public_address", sip.public_address)):
            if said and not _is_address(said):
                yield (
                    ("asterisk", "sip", key),
                    f"not an address: {said!r}; allowed: such as 203.0.113.7",
                )
    if not asterisk.sip.codecs:
        yield ("asterisk", "sip", "codecs"), "at least one; allowed: ulaw, alaw, g722, opus"


def _behind_the_gate(settings: Settings) -> Iterator[Mistake]:
    """Nobody reaches our own Asterisk's `/ws` past the gate, nor is taken for a trunk there."""
    if settings.asterisk.mode != "own":
        return
    for key in ("host", "bind"):
        said = getattr(settings.asterisk.http, key)
        if not (said == "localhost" or (_is_address(said) and ip_address(said).is_loopback)):
            yield (
                ("asterisk", "http", key),
                f"{said} is not this machine alone; browsers' telephones come by gate.host",
            )
    for name, trunk in settings.trunks.items():
        for index, address in enumerate(trunk.addresses):
            if lies_within(FROM, [address] if network_of(address) is not None else []):
                yield (
                    ("trunks", name, "addresses", index),
                    f"{address}: browsers' telephones come from {FROM}, which is in it",
                )


def _ports(settings: Settings) -> Iterator[Mistake]:
    asterisk = settings.asterisk
    listeners: list[tuple[PathTuple, str, int]] = [
        (("asterisk", "ami", "port"), asterisk.ami.bind, asterisk.ami.port),
        (("asterisk", "agi", "port"), asterisk.agi.bind, asterisk.agi.port),
        (("asterisk", "http", "port"), asterisk.http.bind, asterisk.http.port),
        (("web", "port"), settings.web.host, settings.web.port),
        (("live", "port"), settings.live.host, settings.live.port),
        (("gate", "port"), settings.gate.host, settings.gate.port),
    ]
    health = settings.health.port
    for path, _, port in listeners:
        if health and health <= port < health + HEALTH_PORTS:
            yield path, f"{port} is one of health.port's ({health} to {health + HEALTH_PORTS - 1})"
    if asterisk.mode == "external":  # Asterisk's own ports are another machine's
        listeners = [each for each in listeners if each[0][1] not in {"ami", "http"}]
    for number, (path, _, port) in enumerate(listeners):
        for earlier, _, taken in listeners[:number]:
            if port == taken:
                yield path, f"{port} is already {'.'.join(map(str, earlier))}; each needs its own"
    rtp = asterisk.rtp
    if rtp.host and not _is_address(rtp.host):
        allowed = "allowed: an address such as 10.0.0.7, or 0.0.0.0 for every one"
        yield ("asterisk", "rtp", "host"), f"not an address: {rtp.host!r}; {allowed}"
    if rtp.last < rtp.first + 10:
        yield ("asterisk", "rtp", "to"), f"at least ten more than from ({rtp.first})"
    if rtp.first <= asterisk.sip.port <= rtp.last:
        yield ("asterisk", "sip", "port"), f"outside rtp's ports ({rtp.first} to {rtp.last})"


def _queues(settings: Settings) -> Iterator[Mistake]:
    known = ", ".join(settings.queues)
    if settings.default_queue not in settings.queues:
        yield ("default_queue",), f"no such queue: {settings.default_queue!r}; allowed: {known}"
    for name, queue in settings.queues.items():
        if queue.overflow and queue.overflow not in settings.queues:
            yield (
                ("queues", name, "overflow"),
                f"no such queue: {queue.overflow!r}; allowed: {known}",
            )
        seen = [name]
        following = queue.overflow
        while following in settings.queues:
            if following in seen:
                way = " > ".join([*seen, following])
                yield ("queues", name, "overflow"), f"goes round in a circle: {way}"
                break
            seen.append(following)
            following = settings.queues[following].overflow


def _dids(settings: Settings) -> Iterator[Mistake]:
    known = ", ".join(settings.queues)
    for number, did in settings.dids.items():
        path: PathTuple = ("dids", number)
        if not DID.match(number):
            yield path, f"not a number: {number!r}; allowed: up to 40 digits, letters, + and *"
        if bool(did.flow) == bool(did.queue):
            yield path, "allowed: flow or queue, one of them"
        if did.queue and did.queue not in settings.queues:
            yield (*path, "queue"), f"no such queue: {did.queue!r}; allowed: {known}"
        if did.flow and not FLOW_NAME.match(did.flow):
            yield (*path, "flow"), f"not a flow's name: {did.flow!r}"


def _agents(settings: Settings) -> Iterator[Mistake]:
    names: set[str] = set(settings.agents)
    extensions: dict[str, str] = {}
    for name, agent in settings.agents.items():
        path: PathTuple = ("agents", name)
        if not EXTENSION.match(agent.extension):
            yield (
                (*path, "extension"),
                f"not an extension: {agent.extension!r}; allowed: 2 to 10 digits",
            )
        if taken := _taken(settings, agent.extension):
            yield (*path, "extension"), f"{agent.extension} is {taken}"
        if agent.extension in extensions:
            yield (
                (*path, "extension"),
                f"{agent.extension} is already {extensions[agent.extension]}'s",
            )
        extensions[agent.extension] = name
        yield from _memberships(settings, path, agent.queues)
        device = agent.device
        if (device.kind == "contact") != bool(device.uri):
            yield (*path, "device", "uri"), "needed with kind: contact, and only there"
        if device.uri and not SIP_URI.match(device.uri):
            yield (
                (*path, "device", "uri"),
                f"not a SIP address: {device.uri!r}; such as sip:ava@10.0.0.7",
            )
    yield from _agent_ranges(settings, names, extensions)


def _agent_ranges(
    settings: Settings, names: set[str], extensions: dict[str, str]
) -> Iterator[Mistake]:
    path: PathTuple
    for index, agents in enumerate(settings.agent_ranges):
        path = ("agent_ranges", index)
        yield from _memberships(settings, path, agents.queues)
        for name, extension, uri in agents.members():
            if not AGENT_NAME.match(name) or name in RESERVED:
                yield (*path, "prefix"), f"not an agent's name: {name!r}; allowed: {NAME_ALLOWED}"
            if name in names:
                yield (*path, "prefix"), f"{name} is already an agent"
            if extension in extensions:
                yield (*path, "extension_from"), f"{extension} is already {extensions[extension]}'s"
            if taken := _taken(settings, extension):
                yield (*path, "extension_from"), f"{extension} would be {taken}"
            if not SIP_URI.match(uri):
                yield (
                    (*path, "contact"),
                    f"not a SIP address: {uri!r}; such as sip:{{name}}@10.0.0.7",
                )
            names.add(name)
            extensions[extension] = name


def _taken(settings: Settings, extension: str) -> str:
    """What a number inside the house means already, "" if nothing."""
    if extension in PARKING:
        return "a place of parked calls"
    country = settings.company.country
    return f"an emergency number in {country}" if extension in emergency_numbers(country) else ""


def _memberships(settings: Settings, path: PathTuple, queues: dict[str, int]) -> Iterator[Mistake]:
    for queue in queues:
        if queue not in settings.queues:
            known = ", ".join(settings.queues)
            yield (*path, "queues", queue), f"no such queue: {queue!r}; allowed: {known}"


def _trunks(settings: Settings) -> Iterator[Mistake]:
    owners: dict[str, str] = {}
    for name, trunk in settings.trunks.items():
        path: PathTuple = ("trunks", name)
        if name in settings.agents:
            yield path, f"{name} is already an agent"
        for index, address in enumerate(trunk.addresses):
            where = (*path, "addresses", index)
            if network_of(address) is None and not re.fullmatch(r"[A-Za-z0-9.-]+", address):
                yield (
                    where,
                    f"not an address: {address!r}; allowed: 192.0.2.7, 192.0.2.0/24 or a name",
                )
            if address in owners:
                yield where, f"{address} is already {owners[address]}'s"
            network = network_of(address)
            if network is not None and network.prefixlen < WIDEST[network.version]:
                yield (
                    where,
                    f"{address} is nearly everybody; allowed: /{WIDEST[network.version]} or less",
                )
            owners[address] = name
        if not trunk.addresses and not trunk.dial:
            yield path, "addresses (who may call in) or dial (where calls go out) is needed"
        yield from _dialling(path, trunk)
    outbound = settings.outbound
    if outbound and (outbound not in settings.trunks or not settings.trunks[outbound].dial):
        yield ("outbound",), f"no trunk that can be dialled: {outbound!r}"


def _dialling(path: PathTuple, trunk: Trunk) -> Iterator[Mistake]:
    if trunk.dial and not SIP_URI.match(trunk.dial):
        yield (*path, "dial"), f"not a SIP address: {trunk.dial!r}; such as sip:sip.example.net"
    if trunk.register and not (trunk.dial and trunk.user):
        yield (*path, "register"), "needs dial and user"
    for key, value in (("user", trunk.user), ("caller_number", trunk.caller_number)):
        if value and not PLAIN.match(value):
            yield (*path, key), f"not allowed: {value!r}; letters, digits and . _ @ + -"
    if bool(trunk.user) != bool(trunk.password_env):
        yield path, "user and password_env belong together"
    if trunk.password_env and not re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", trunk.password_env):
        yield (
            (*path, "password_env"),
            "the name of an environment variable, such as CARRIER_PASSWORD",
        )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

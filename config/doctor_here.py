"""The doctor's checks of this machine: programs, folders, database, ports."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import platform
import re
import resource
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from agent_console.context import BUILT
from config import descriptors, media, parts, parts_of
from config.asterisk_found import asterisk_to_run
from config.doctor_asterisk import clocks_agree
from config.doors import open_doors
from config.figures_of import LEAST_FREE, program_version
from config.findings import Finding, Patient, fine, warning, wrong
from config.health import port_of
from config.privacy import open_to_others, taken
from config.problems import Problem, port_is_free
from config.settings import Settings
from config.settings_checks import HEALTH_PORTS
from ivr.voice import EspeakVoice, VoiceError
from service_desk.desk import connect
from service_desk.errors import DeskError, SchemaTooOld
from service_desk.migrations import check_schema, newest

# `host` of RFC 3261 as JsSIP reads it: the last label begins with a letter, or an IPv4 address.
SIP_HOST: Final = re.compile(
    r"\A(?:(?:[A-Za-z0-9][A-Za-z0-9_-]*\.)*[A-Za-z][A-Za-z0-9_-]*|\d{1,3}(?:\.\d{1,3}){3})\Z"
)
SECONDS: Final = 5.0
OTHERS: Final = 0o077


async def versions(patient: Patient) -> AsyncIterator[Finding]:
    """Ours, Python's, and that of the Asterisk we would start."""
    schema = f"schema {newest()}"
    yield fine("Ringdesk", f"{program_version()}, {schema}, Python {platform.python_version()}")
    if patient.settings.asterisk.mode == "own":  # somebody else's is asked by its manager alone
        try:
            files = asterisk_to_run()
        except Problem as why:
            yield wrong("Asterisk", str(why), "make setup")
        else:
            found = ".".join(map(str, parts.asterisk_version(files.command)))
            yield fine("Asterisk", f"{found} ({files.command})")


async def host_name(patient: Patient) -> AsyncIterator[Finding]:
    """Asterisk calls itself so to a browser phone, which answers only to a name it can read."""
    if patient.settings.asterisk.mode != "own":
        return
    name = socket.gethostname()
    if SIP_HOST.match(name):
        yield fine("host name", name)
    else:
        advice = "browser phones stay unreachable: choose one whose last part begins with a letter"
        yield wrong("host name", name, advice)


async def own_name(patient: Patient) -> AsyncIterator[Finding]:
    """Whether it resolves, and soon: where media is bound to every address each call asks for it.

    Where it is not, only Asterisk's start waits for it.
    """
    if patient.settings.asterisk.mode != "own":
        return
    what, name = "host name's address", socket.gethostname()
    asked = await asyncio.to_thread(media.own_name, SECONDS)
    if asked.resolved and asked.seconds < media.NAME_SECONDS:
        yield fine(what, f"found in {asked.seconds:.2f} s")
        return
    said = f"{name} resolves nowhere" if not asked.resolved else f"{name} takes long"
    advice = f"add the line `127.0.1.1 {name}` to /etc/hosts"
    bound = await asyncio.to_thread(media.media_of, patient.settings)
    if media.EVERY in (bound.phones, bound.browsers):
        yield wrong(
            what,
            f"{said} ({asked.seconds:.1f} s), and each call waits for it",
            f"{advice}, or set asterisk.rtp.host",
        )
    else:
        said += f" ({asked.seconds:.1f} s): media goes by {bound.browsers} alone"
        yield warning(what, said, f"{advice}; or set asterisk.rtp.host if that is the wrong one")


async def secrets(patient: Patient) -> AsyncIterator[Finding]:
    """Fit, and for their owner alone."""
    folder = patient.settings.data_folder / "secrets"
    try:
        parts_of.secrets_of(patient.settings)
    except Problem as why:
        yield wrong("secrets", str(why), "mend or remove it; then a new one is made")
        return
    files = [folder, *folder.iterdir()] if folder.is_dir() else []
    open_to_all = [each.name for each in files if each.stat().st_mode & OTHERS]
    if open_to_all:
        said = f"others may read {', '.join(open_to_all)} in {folder}"
        yield warning("secrets", said, f"chmod -R go-rwx {folder}, and have new ones made")
    else:
        yield fine("secrets", "in order")


async def doors(patient: Patient) -> AsyncIterator[Finding]:
    """Nobody becomes a carrier or an agent by saying a name, or from nearly any address."""
    what, file = "ways in by SIP", patient.settings.data_folder / "asterisk" / "etc" / "pjsip.conf"
    try:
        found = list(open_doors(file.read_text()))
    except FileNotFoundError:
        yield fine(what, "pjsip.conf is not rendered here yet")
        return
    for door in found:
        yield wrong(
            what, f"{door} ({file})", "start Ringdesk, or `ringdesk pbx render`: it is made anew"
        )
    if not found:
        yield fine(what, "each by a password or an address")


async def voice(patient: Patient) -> AsyncIterator[Finding]:
    """It speaks each language of the menu."""
    what = "voice (espeak-ng)"
    try:
        binary = parts.espeak()
    except parts.PartMissingError as why:
        yield wrong(what, str(why), "make setup")
        return
    for language in patient.settings.company.languages:
        try:
            async with asyncio.timeout(SECONDS):
                await EspeakVoice(binary).speak("1", language)
        except (VoiceError, TimeoutError, OSError) as error:
            said = f"does not speak {language}: {type(error).__name__}"
            yield wrong(what, said, "make setup; without it callers reach the default queue")
            return
    yield fine(what, ", ".join(patient.settings.company.languages))


async def flows(patient: Patient) -> AsyncIterator[Finding]:
    """The phone menus as a start would read them."""
    try:
        found = parts_of.flows_of(patient.settings)
    except Problem as why:
        yield wrong("phone menu", str(why), "ringdesk flow check")
    else:
        yield fine("phone menu", ", ".join(sorted(found)))


async def pages(_patient: Patient) -> AsyncIterator[Finding]:
    """The browsers' part is built."""
    if (BUILT / "manifest.json").exists():
        yield fine("pages", "built")
    else:
        yield wrong("pages", "not built", "make setup")


async def folders(patient: Patient) -> AsyncIterator[Finding]:
    """Room, and the right to write."""
    settings = patient.settings
    for what, folder, key in (
        ("data folder", settings.data_folder, "data.folder"),
        ("recordings", settings.recordings_folder, "asterisk.recordings"),
        ("call records", settings.records_folder, "asterisk.records"),
    ):
        yield _folder(what, folder, key)
    if open_to_others(settings.data_folder, taken(settings)):
        said = f"others may look into {settings.data_folder}"
        yield warning(
            "data folder", said, "the next start closes it, if it is ours; or chmod o-rwx"
        )


def _folder(what: str, folder: Path, key: str) -> Finding:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    said = f"{folder}: {free / 1e9:.1f} GB free"
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return wrong(what, f"{said}, not writable", f"give us the right to write, or set {key}")
    if free < LEAST_FREE:
        return wrong(what, said, f"make room, or set {key}: a full disk loses recordings")
    return fine(what, said)


async def database(patient: Patient) -> AsyncIterator[Finding]:
    """It answers and has our schema; its clock. Nothing is made or migrated here."""
    url = make_url(patient.settings.database.url)
    kind = url.get_backend_name()
    if kind == "sqlite" and not is_there(url.database):
        yield fine("database", "none yet: the first start makes it")
        return
    engine = connect(patient.settings.database.url)
    try:
        async with asyncio.timeout(2 * SECONDS):
            await check_schema(engine)
            yield fine("database", f"{kind}, schema {newest()}")
            if kind != "sqlite":
                yield clocks_agree("database's clock", await _database_ahead(engine))
    except SchemaTooOld as why:
        if kind == "sqlite":
            said = "older than this program: the next start migrates it"
            yield warning("database", said, "make a backup first, with the version that runs now")
        else:
            yield wrong("database", str(why), "make a backup, then run `ringdesk db migrate`")
    except (DeskError, DBAPIError, TimeoutError, OSError) as error:
        said = str(error) if isinstance(error, DeskError) else "does not answer"
        yield wrong("database", said, "start it, or check database.url and its password")
    finally:
        await engine.dispose()


def is_there(file: str | None) -> bool:
    """Whether a database of SQLite was made already."""
    return Path(file or "").exists()


async def _database_ahead(engine: AsyncEngine) -> float:
    async with engine.connect() as connection:
        before = datetime.now(UTC)
        theirs: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        ours = before + (datetime.now(UTC) - before) / 2
    return (theirs - ours).total_seconds()


async def files(_patient: Patient) -> AsyncIterator[Finding]:
    """How many descriptors a start from here would have; a service may have a limit of its own."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= hard < descriptors.LEAST:
        said = f"at most {hard} at once: listeners hold few connections, to leave some for calls"
        advice = f"raise it to {descriptors.ENOUGH}: LimitNOFILE= of the service, or ulimit -Hn"
        yield warning("open files", said, advice)
    else:
        yield fine("open files", f"at most {descriptors.ENOUGH if hard < 0 else hard} at once")


async def bus(patient: Patient) -> AsyncIterator[Finding]:
    """Redis, where there is one."""
    url = patient.settings.bus.url
    if not url.startswith(("redis", "unix")):
        return
    redis = Redis.from_url(url, socket_connect_timeout=SECONDS)
    try:
        async with asyncio.timeout(SECONDS):
            await redis.ping()
        yield fine("bus", "Redis answers")
    except (RedisError, OSError, TimeoutError) as error:
        said = f"Redis does not answer: {type(error).__name__}"
        yield wrong("bus", said, "start it, or check bus.url and its password")
    finally:
        await redis.aclose()


async def ports(patient: Patient) -> AsyncIterator[Finding]:
    """Free, or ours already."""
    settings = patient.settings
    free = []
    runs = await _runs(settings)
    for what, host, port, key in _listeners(settings):
        try:
            port_is_free(what, host, port, key)
            free.append(str(port))
        except Problem as why:
            if runs:
                yield fine("ports", f"{port} ({what}): Ringdesk runs")
            else:
                yield wrong("ports", str(why), "find what uses it: ss -lptn")
    if free:
        yield fine("ports", f"{', '.join(free)} free")


def _listeners(settings: Settings) -> Iterator[tuple[str, str, int, str]]:
    agi, web, live, health = settings.asterisk.agi, settings.web, settings.live, settings.health
    yield "the phone menu", agi.bind, agi.port, "asterisk.agi.port"
    yield "the pages", web.host, web.port, "web.port"
    yield "the live screens", live.host, live.port, "live.port"
    if settings.asterisk.mode == "own":
        yield "the browser phones' gate", settings.gate.host, settings.gate.port, "gate.port"
    if health.port:
        port = port_of(settings, parts_of.ALL_ROLES)
        yield "health", health.host, port, "health.port"


def _everywhere(host: str) -> bool:
    """Whether it is bound on every address, which is none to ask."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


async def _runs(settings: Settings) -> bool:
    """Whether a Ringdesk answers at one of its ports."""
    first = settings.health.port
    addresses = [(settings.web.host, settings.web.port)]
    if first:
        addresses += [(settings.health.host, port) for port in range(first, first + HEALTH_PORTS)]
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        for host, port in addresses:
            shown = "127.0.0.1" if _everywhere(host) else host
            try:
                async with session.get(f"http://{shown}:{port}/healthz") as answer:
                    if (await answer.text()).strip() == "ok":
                        return True
            except (aiohttp.ClientError, OSError, TimeoutError, UnicodeDecodeError):
                continue
    return False

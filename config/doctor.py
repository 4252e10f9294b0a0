"""`ringdesk doctor`: what is missing or wrong with this installation, and what to do about it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from agent_console.context import BUILT
from config import logs, parts, parts_of
from config.asterisk_found import asterisk_to_run
from config.bootstrap import open_desk
from config.problems import Problem, port_is_free
from config.settings import Settings, load
from cti.ami.errors import AmiError
from cti.ami.link import AmiLink
from ivr.located_yaml import LocatedError
from service_desk.errors import DeskError

LEAST_FREE: Final = 1_000_000_000  # bytes: some 17 hours of recordings
AMI_SECONDS: Final = 5.0
# `host` of RFC 3261 as JsSIP reads it: the last label begins with a letter, or an IPv4 address.
SIP_HOST: Final = re.compile(
    r"\A(?:(?:[A-Za-z0-9][A-Za-z0-9_-]*\.)*[A-Za-z][A-Za-z0-9_-]*|\d{1,3}(?:\.\d{1,3}){3})\Z"
)


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that was looked at; `advice` says what to do when it is not `ok`."""

    what: str
    ok: bool
    said: str
    advice: str = ""

    def line(self) -> str:
        """For people."""
        mark = "ok  " if self.ok else "NOT "
        return f"{mark}{self.what}: {self.said}" + (f" -> {self.advice}" if self.advice else "")


async def examine(settings_file: Path) -> list[Finding]:
    """Look at everything; a fault in one thing never hides the others."""
    logs.configure("CRITICAL")  # what is found is said once, by us
    try:
        settings = load(settings_file)
    except LocatedError as error:
        return [Finding(what="settings", ok=False, said=str(error), advice="mend this line")]
    findings = [Finding(what="settings", ok=True, said=str(settings_file))]
    findings += _programs(settings)
    findings.append(_looked("phone menu", lambda: _flows(settings), "ringdesk flow check"))
    findings.append(_pages())
    findings.append(_disk(settings.data_folder))
    findings.append(await _database(settings))
    findings.append(await _asterisk(settings))
    return findings


def _looked(what: str, look: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(what=what, ok=True, said=look())
    except (Problem, parts.PartMissingError) as why:
        return Finding(what=what, ok=False, said=str(why), advice=advice)


def _programs(settings: Settings) -> Iterator[Finding]:
    def asterisk() -> str:
        files = asterisk_to_run()
        version = parts.asterisk_version(files.command)
        return f"{'.'.join(map(str, version))} ({files.command})"

    if settings.asterisk.mode == "own":  # somebody else's is asked by its manager alone
        yield _looked("Asterisk", asterisk, "make setup")
        yield _host_name(socket.gethostname())
    yield _looked("voice (espeak-ng)", parts.espeak, "make setup")


def _host_name(name: str) -> Finding:
    """Asterisk calls itself so to a browser phone, which answers only to a name it can read."""
    ok = bool(SIP_HOST.match(name))
    advice = (
        ""
        if ok
        else "browser phones stay unreachable: choose one whose last part begins with a letter"
    )
    return Finding(what="host name", ok=ok, said=name, advice=advice)


def _flows(settings: Settings) -> str:
    return ", ".join(sorted(parts_of.flows_of(settings)))


def _pages() -> Finding:
    built = (BUILT / "manifest.json").exists()
    return Finding(
        what="pages",
        ok=built,
        said="built" if built else "not built",
        advice="" if built else "make setup",
    )


def _disk(folder: Path) -> Finding:
    there = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(there).free
    writable = os.access(there, os.W_OK)
    return Finding(
        what="data folder",
        ok=writable and free > LEAST_FREE,
        said=f"{folder}: {free / 1e9:.1f} GB free" + ("" if writable else ", not writable"),
        advice="" if writable and free > LEAST_FREE else "make room or set data.folder",
    )


async def _database(settings: Settings) -> Finding:
    try:
        desk = await open_desk(settings)
    except (DeskError, Problem) as error:
        return Finding(what="database", ok=False, said=str(error), advice="ringdesk db migrate")
    kind = desk.engine.dialect.name
    await desk.close()
    return Finding(what="database", ok=True, said=f"{kind}, schema in order")


async def _asterisk(settings: Settings) -> Finding:
    """Log in as the bridge does; with our own Asterisk stopped, its ports must be free."""
    ami = settings.asterisk.ami
    try:
        password = parts_of.secrets_of(settings).ami_password
    except Problem as why:
        return Finding(what="secrets", ok=False, said=str(why), advice="mend or remove it")
    up = asyncio.Event()

    async def on_up() -> None:
        up.set()

    link = AmiLink(
        ami.host,
        ami.port,
        ami.user,
        password,
        wanted=frozenset(),
        on_event=lambda _message: None,
        on_up=on_up,
        on_down=lambda _why: None,
    )
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(AMI_SECONDS):
            await up.wait()
            await link.listing("QueueStatus")
            await link.listing("CoreShowChannels")
        return Finding(what="Asterisk's manager", ok=True, said=f"answers; started {link.boot}")
    except (TimeoutError, AmiError):
        return _not_answering(settings)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _not_answering(settings: Settings) -> Finding:
    ami = settings.asterisk.ami
    what, place = "Asterisk's manager", f"{ami.host}:{ami.port}"
    if settings.asterisk.mode == "external":
        said = f"does not let us in at {place}"
        return Finding(what=what, ok=False, said=said, advice="start Asterisk with our files")
    try:
        port_is_free(what, ami.bind, ami.port, "asterisk.ami.port")
    except Problem as why:
        advice = "another program has the port, or another installation's Asterisk"
        return Finding(what=what, ok=False, said=str(why), advice=advice)
    return Finding(what=what, ok=True, said="not running now; `ringdesk serve` starts it")

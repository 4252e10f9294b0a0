"""An Asterisk that we start, watch and stop.

It outlives a crash of ours (config/outliving.py): calls go on, and the next start takes it over.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

import structlog

from config import media, parts, pbx, sounds
from config.asterisk_found import asterisk_to_run
from config.log_files import CONSOLE, MESSAGES
from config.outliving import Outliving, running_pid
from config.problems import Problem, port_is_free
from config.secrets import Secrets
from config.settings import Settings

_log = structlog.get_logger(__name__)

READY_SECONDS: Final = 60.0  # half of it: a name server that does not answer (config/media.py)
TICK: Final = 0.05
CONSOLE_SECONDS: Final = 10.0
# `/registrar/contact/ava;@0c1a...: {...}`
CONTACT: Final = re.compile(r"^/registrar/(contact/[a-z0-9_-]+;@[^\s:\"]+)\s*:", re.MULTILINE)
ADDRESS_SECONDS: Final = 10.0  # between looks at the machine's addresses
MOST_ENDS: Final = 3  # starts after an end by itself, within
ENDS_SECONDS: Final = 60.0


class OwnAsterisk(Outliving):
    """Asterisk on this machine, as `asterisk: {mode: own}` wants it."""

    name = "asterisk"

    def __init__(
        self, settings: Settings, secrets: Secrets, *, keep: Callable[[], bool] = lambda: False
    ) -> None:
        super().__init__(keep=keep)  # whether its calls go on without us
        self._settings = settings
        self._secrets = secrets
        self.phones: Mapping[str, int] = {}  # agent -> generation of their telephone's password
        self._media = media.Media()
        self._where: tuple[object, ...] = ()  # when that was found
        self._files = asterisk_to_run()
        self._place = pbx.own_place(settings, self._files.modules)
        self._said_before: dict[str, int] = {}  # bytes that stood in its logs before this start

    @property
    def etc(self) -> Path:
        """Where its configuration files are rendered."""
        return self._place.etc

    @property
    def log_folder(self) -> Path:
        """Where its logs are."""
        return self._place.log

    async def start(self) -> None:
        """Render, start, and return when it takes calls. Raises Problem, nothing left running."""
        running = self._running_pid()
        if running is None:
            pbx.mark_boot(self._place)
        before = pbx.passwords_in(self._place.etc)
        changed = await asyncio.to_thread(self._prepare)
        await self._speak()
        if running is not None:
            self.adopt(running)
            if changed:
                self.tell(signal.SIGHUP)
        else:
            self.check_ports()
            await self._spawn()
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._until_booted()
        except TimeoutError:
            why = self.last_words()
            await self.stop()
            raise Problem(f"Asterisk was not ready within {READY_SECONDS:.0f} s: {why}") from None
        except BaseException:
            await self.stop()
            raise
        # What was registered with a password that ended while nobody of ours ran.
        with contextlib.suppress(OSError, TimeoutError):
            await self._drop_contacts(pbx.changed_since(before, self._place.etc))

    async def renew_phones(self, phones: Mapping[str, int]) -> None:
        """Give telephones other passwords (agent -> generation); those of before are gone at once.

        Calls go on. Raises OSError or TimeoutError if Asterisk's console does not answer.
        """
        self.phones = phones
        before = pbx.passwords_in(self._place.etc)
        if await asyncio.to_thread(self._prepare):
            await self.console("module reload res_pjsip.so")
        await self._drop_contacts(pbx.changed_since(before, self._place.etc))

    async def console(self, words: str) -> str:
        """`asterisk -rx`; what it answers. Raises OSError or TimeoutError."""
        conf = str(self._place.etc / "asterisk.conf")
        process = await asyncio.create_subprocess_exec(
            *(self._files.command, "-C", conf, "-rx", words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(CONSOLE_SECONDS):
                out, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return out.decode(errors="replace")

    async def _drop_contacts(self, endpoints: Collection[str]) -> None:
        """A registration outlives its password by minutes, and would be rung meanwhile."""
        if not endpoints:
            return
        for key in CONTACT.findall(await self.console("database show registrar")):
            if key.partition(";")[0].removeprefix("contact/") in endpoints:
                await self.console(f'database del registrar "{key}"')

    async def keep_running(self) -> None:
        """Start it again whenever it ends by itself; never returns.

        Raises Problem when it ended too often, or does not start: whoever supervises us decides.
        """
        following = asyncio.create_task(self._follow_addresses(), name="addresses")
        try:
            await self._start_anew()
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow_addresses(self) -> None:
        """Until cancelled: media follows the machine to another address, as a laptop goes."""
        while True:
            await asyncio.sleep(ADDRESS_SECONDS)
            before, self._where = self._where, media.whereabouts()
            if self._where == before:
                continue
            now = await asyncio.to_thread(media.media_of, self._settings)
            if now == self._media:
                continue
            _log.warning("asterisk.media_moves", phones=now.phones, browsers=now.browsers)
            with contextlib.suppress(OSError, TimeoutError, Problem):
                if await asyncio.to_thread(self._prepare):
                    await self.console("module reload res_pjsip.so")

    async def _start_anew(self) -> None:
        ends: deque[float] = deque(maxlen=MOST_ENDS)
        while True:
            status = await self.ended()
            now = time.monotonic()
            _log.error("asterisk.ended_by_itself", status=status)
            if len(ends) == MOST_ENDS and now - ends[0] < ENDS_SECONDS:
                raise Problem(
                    f"Asterisk ended by itself (status {status}), {MOST_ENDS + 1} times in"
                    f" {ENDS_SECONDS:.0f} s; calls are lost"
                )
            ends.append(now)
            self.forget()
            await self.start()
            _log.warning("asterisk.started_again", pid=self.pid)

    def _prepare(self) -> bool:
        """Folders, sounds and rendered files; True if a file changed."""
        settings, place = self._settings, self._place
        for folder in (place.etc, place.var, place.share, place.spool, place.run, place.log):
            folder.mkdir(parents=True, exist_ok=True)
        (place.var / "keys").mkdir(exist_ok=True)
        for folder in (place.log / "cdr-csv", settings.recordings_folder, settings.records_folder):
            folder.mkdir(parents=True, exist_ok=True)
        _link(place.log / "cel-custom", settings.records_folder)
        _link(place.share / "documentation", self._files.documentation)
        (place.share / "sounds").mkdir(exist_ok=True)
        _link(place.share / "sounds" / "en", self._files.sounds)
        pbx.write_sounds(settings)
        self._where = media.whereabouts()
        self._media = media.media_of(settings)
        return pbx.render(
            settings,
            place.etc,
            secrets=self._secrets,
            place=place,
            phones=self.phones,
            bound=self._media,
        )

    async def _speak(self) -> None:
        """The queue's words in Chinese; without espeak-ng they are played in English."""
        if "zh" in self._settings.company.languages:
            with contextlib.suppress(parts.PartMissingError):
                for told in await sounds.speak_queue(
                    self._place.share / "sounds/zh", parts.espeak()
                ):
                    _log.warning("queue words are missing in Chinese", why=told)

    def check_ports(self) -> None:
        """Raise Problem if a port is another program's."""
        if self._running_pid() is not None:
            return
        asterisk = self._settings.asterisk
        port_is_free(
            "Asterisk's manager", asterisk.ami.bind, asterisk.ami.port, "asterisk.ami.port"
        )
        port_is_free(
            "Asterisk's HTTP", asterisk.http.bind, asterisk.http.port, "asterisk.http.port"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((asterisk.sip.host, asterisk.sip.port))
            except OSError as why:
                place = f"{asterisk.sip.host}:{asterisk.sip.port}"
                raise Problem(f"SIP: {place}: {why.strerror} (asterisk.sip.port)") from None

    async def _spawn(self) -> None:
        place = self._place
        self._said_before = {name: len(self._said(name)) for name in (CONSOLE, MESSAGES)}
        waits = await asyncio.to_thread(media.short_waits, os.environ)
        await self.spawn(
            *(self._files.command, "-C", str(place.etc / "asterisk.conf"), "-f", "-n"),
            log=place.log / CONSOLE,
            cwd=place.run,
            environment={**os.environ, **waits},
        )

    async def _until_booted(self) -> None:
        ami = self._settings.asterisk.ami
        while True:
            if not self.alive:
                raise Problem(f"Asterisk ended at its start: {self.last_words()}")
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection(ami.host, ami.port)
                try:
                    if await self._booted(reader, writer):
                        return
                finally:
                    writer.close()
            await asyncio.sleep(TICK)

    async def _booted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Log in and wait for FullyBooted: every module is loaded, calls are taken."""
        user, password = self._settings.asterisk.ami.user, self._secrets.ami_password
        writer.write(f"Action: Login\r\nUsername: {user}\r\nSecret: {password}\r\n\r\n".encode())
        while True:
            line = await reader.readuntil(b"\n")
            if line.startswith(b"Event: FullyBooted"):
                return True
            if line.startswith(b"Message: Authentication failed"):
                raise Problem(
                    f"Asterisk's manager on port {self._settings.asterisk.ami.port} refuses our"
                    " password: it is another installation's (asterisk.ami.port)"
                )

    def find(self) -> int | None:
        """Take over one that an earlier start left, so that `stop` ends it; its pid."""
        if (pid := self._running_pid()) is not None:
            self.adopt(pid)
        return pid

    def _running_pid(self) -> int | None:
        """The pid of an Asterisk that an earlier start of ours left running, if there is one."""
        return running_pid(self._place.run / "asterisk.pid", self._place.etc / "asterisk.conf")

    def last_words(self) -> str:
        """What it said last since its start: what it printed, and what stands in its own log."""
        for name in (MESSAGES, CONSOLE):
            said = self._said(name)[self._said_before.get(name, 0) :].decode(errors="replace")
            lines = [line for line in said.splitlines() if line.strip()]
            if found := [line for line in lines if "ERROR" in line] or lines:
                return f"{found[-1].strip()} ({self._place.log / name})"
        return f"it said nothing ({self._place.log})"

    def _said(self, name: str) -> bytes:
        try:
            return (self._place.log / name).read_bytes()
        except OSError:
            return b""


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.unlink(missing_ok=True)
    link.symlink_to(target)

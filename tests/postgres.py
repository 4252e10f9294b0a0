"""A PostgreSQL server of the test run's own: loopback, a free port, thrown away at the end.

PostgreSQL refuses to run as root. A user namespace gives its process another uid while its files
stay ours, so nothing has to be installed, created or handed over for it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.ports import free_port

USER = "ringdesk"
STARTING = 30.0  # seconds


class PostgresMissingError(Exception):
    """There is no usable PostgreSQL here; the message says what is missing."""


def find_bindir() -> Path | None:
    """Where initdb and postgres lie, if they are installed on this machine."""
    named = os.environ.get("RINGDESK_POSTGRES_BIN")
    places = [Path(named)] if named else []
    on_path = shutil.which("initdb")
    places += [Path(on_path).parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((each for each in places if (each / "initdb").exists()), None)


class Server:
    """One with its data in `folder`, made by this; it may be killed, stopped and started again.

    Raises PostgresMissingError if it cannot be made or started.
    """

    def __init__(self, bindir: Path, folder: Path) -> None:
        self._bindir = bindir
        self._folder = folder
        try:
            _run(bindir, "initdb", "-D", str(folder / "data"), "-U", USER, "--auth=trust",
                 "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            said = getattr(error, "stderr", b"") or b""
            raise PostgresMissingError(
                f"initdb: {error} {said.decode(errors='replace')[-300:]}"
            ) from error
        self._port = free_port()
        self.url = f"postgresql+asyncpg://{USER}@127.0.0.1:{self._port}/postgres"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it serves; after a kill it puts its data right first."""
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [*_as_somebody(), str(self._bindir / "postgres"), "-D", str(self._folder / "data"),
                 "-c", "listen_addresses=127.0.0.1", "-c", f"port={self._port}",
                 "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
                 "-c", "max_connections=200", "-c", "shared_buffers=64MB"],
                stdout=log, stderr=log, start_new_session=True, env=_environment(self._bindir),
            )  # fmt: skip
        _await_ready(self._server, self._folder / "log")

    def send(self, number: signal.Signals) -> None:
        """A signal to each of its processes: every connection has one. SIGKILL: it is gone then."""
        assert self._server is not None
        for pid in (self._server.pid, *_children(self._server.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number is signal.SIGKILL:
            self._server.wait()

    def stop(self) -> None:
        """End it, fast."""
        if self._server is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(10)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()


def start(bindir: Path, folder: Path) -> tuple[str, Callable[[], None]]:
    """Start a server with its data in `folder`; the URL of an empty database, and what stops it.

    Raises PostgresMissingError if it cannot be started.
    """
    server = Server(bindir, folder)
    server.start()
    return server.url, server.stop


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(each) for each in children.read_text().split()] if children.exists() else []


def _await_ready(server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + STARTING
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        # The port accepts before the server does; only the log says that it is ready.
        if b"ready to accept connections" in log.read_bytes():
            return
        time.sleep(0.05)
    server.kill()
    server.wait()
    raise PostgresMissingError(f"postgres did not start: {log.read_text(errors='replace')[-300:]}")


def _as_somebody() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


def _root(bindir: Path) -> Path | None:
    """The unpacked tree that bindir lies in, None if it is the system's own."""
    parts = bindir.resolve().parts
    if "usr" not in parts:
        return None
    root = Path(*parts[: parts.index("usr")])
    return None if root == Path("/") else root


def _environment(bindir: Path) -> dict[str, str]:
    """Programs that lie in an unpacked tree find its libraries."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    root = _root(bindir)
    if root is not None:
        libraries = [str(each) for each in (root / "usr/lib").glob("*-linux-gnu") if each.is_dir()]
        kept["LD_LIBRARY_PATH"] = ":".join(libraries)
    return kept


def _run(bindir: Path, program: str, *arguments: str) -> None:
    subprocess.run(
        [*_as_somebody(), str(bindir / program), *arguments],
        check=True, capture_output=True, timeout=60, env=_environment(bindir),
    )  # fmt: skip

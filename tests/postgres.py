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


def start(bindir: Path, folder: Path) -> tuple[str, Callable[[], None]]:
    """Start a server with its data in `folder`; the URL of an empty database, and what stops it.

    Raises PostgresMissingError if it cannot be started.
    """
    data = folder / "data"
    try:
        _run(bindir, "initdb", "-D", str(data), "-U", USER, "--auth=trust", "-E", "UTF8",
             "--locale=C", "--no-sync", "--no-instructions")  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or b""
        raise PostgresMissingError(
            f"initdb: {error} {said.decode(errors='replace')[-300:]}"
        ) from error
    port = free_port()
    log = (folder / "log").open("wb")
    server = subprocess.Popen(
        [*_as_somebody(), str(bindir / "postgres"), "-D", str(data),
         "-c", "listen_addresses=127.0.0.1", "-c", f"port={port}",
         "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "full_page_writes=off",
         "-c", "max_connections=200", "-c", "shared_buffers=64MB"],
        stdout=log, stderr=log, start_new_session=True, env=_environment(bindir),
    )  # fmt: skip
    log.close()

    def stop() -> None:
        with contextlib.suppress(ProcessLookupError):
            server.send_signal(signal.SIGINT)  # a fast shutdown
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()

    _await_ready(server, folder / "log")
    return f"postgresql+asyncpg://{USER}@127.0.0.1:{port}/postgres", stop


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

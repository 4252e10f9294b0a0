"""`ringdesk ...` as a process of its own, as cheap as a fork: the imports are made once.

A process started here has its own signals, ports, exit status, output and environment, as one
started by a shell; only Python's start and the imports are shared.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ports import free_ports, health_port, rtp_ports

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "config.cli",
        "config.bootstrap",
        "config.demo",
        "config.doctor",
        "config.cli_desk",
        "config.backup",
        "config.restore",
    ]
)


@dataclass(frozen=True)
class Said:
    """How a command ended."""

    status: int | None
    out: str
    err: str

    def refused_with(self) -> str:
        """The one line on stderr of a command that ended with status 2; stdout has no promise."""
        lines = self.err.splitlines()
        assert self.status == 2, self
        assert len(lines) == 1, self
        assert lines[0].startswith("ringdesk: "), self
        assert "ready" not in self.out, self
        return lines[0].removeprefix("ringdesk: ")


class Command:
    """A `ringdesk` that runs. `environment` is added to ours; None takes a variable away."""

    def __init__(
        self,
        words: tuple[str, ...],
        environment: Mapping[str, str | None] | None = None,
        stdin: str = "",
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ringdesk-cli-")
        place = Path(self._folder.name)
        (place / "in").write_text(stdin)
        self._place = place
        # Not `Process` of the context's generic type: its class is private to the module.
        self.process = _forks.Process(
            target=_child,
            args=(str(place), ["ringdesk", *words], dict(environment or {})),
            daemon=True,  # a test that fails leaves nothing running
        )
        self.process.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process.pid is not None
        return self.process.pid

    def out_so_far(self) -> str:
        """What it has written to stdout until now."""
        file = self._place / "out"
        return file.read_text() if file.exists() else ""

    def end(self, seconds: float = SECONDS) -> Said:
        """Wait for its end."""
        self.process.join(seconds)
        try:
            assert self.process.exitcode is not None, f"still running: {self.out_so_far()}"
            err = (self._place / "err").read_text()
            return Said(self.process.exitcode, self.out_so_far(), err)
        finally:
            if self.process.is_alive():
                self.process.kill()
                self.process.join()
            self.process.close()
            self._folder.cleanup()


def ringdesk(
    *words: str, environment: Mapping[str, str | None] | None = None, stdin: str = ""
) -> Said:
    """Run `ringdesk WORDS` to its end."""
    return Command(words, environment, stdin).end()


def _child(place: str, argv: list[str], environment: Mapping[str, str | None]) -> None:
    for number, name, flags in (
        (0, "in", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        (2, "err", os.O_WRONLY | os.O_CREAT | os.O_APPEND),
    ):
        handle = os.open(f"{place}/{name}", flags, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - stands for the process's own
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    for variable, value in environment.items():
        os.environ.pop(variable, None)
        if value is not None:
            os.environ[variable] = value
    os.chdir(CHECKOUT)
    sys.argv = argv
    os.setsid()
    from config.cli import main  # noqa: PLC0415 - preloaded in the process that forks

    main()


@dataclass
class Site:
    """A settings file with a folder and ports of its own; `config` is changed, then `write()`n."""

    folder: Path
    config: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ami, agi, http, sip, web, live, gate = free_ports(7)
        first, last = rtp_ports(20)
        self.config = {
            "system": "outside",
            "data": {"folder": str(self.data)},
            "asterisk": {
                "ami": {"port": ami},
                "agi": {"port": agi},
                "http": {"port": http},
                "sip": {"port": sip},
                "rtp": {"from": first, "to": last},
            },
            "web": {"port": web},
            "live": {"port": live},
            "gate": {"port": gate},
            "health": {"port": health_port()},
            "queues": {"support": {}, "sales": {}, "operator": {}},
            "dids": {"1000": {"flow": "main"}},
        }
        self.write()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def file(self) -> str:
        """The settings file."""
        return str(self.folder / "ringdesk.yaml")

    def write(self) -> None:
        """Write the settings file."""
        Path(self.file).write_text(yaml.safe_dump(self.config))

    def ports(self) -> list[int]:
        """The TCP ports it would listen on."""
        asterisk = self.config["asterisk"]
        return [asterisk[part]["port"] for part in ("ami", "agi", "http")] + [
            self.config[part]["port"] for part in ("web", "live", "gate")
        ]

    def assert_nothing_runs(self) -> None:
        """No port is held, no process has this folder on its command line."""
        for port in self.ports():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        assert self.processes() == []

    def processes(self) -> list[str]:
        """The command lines that name this folder."""
        found = []
        for file in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in words and file.parent.name != str(os.getpid()):
                found.append(words)
        return found

"""The stores of a floor whose roles are apart, which may be killed, stopped and come back."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import Signals

from config import parts
from tests import postgres
from tests.conftest import need
from tests.ports import free_port


class Redis:
    """A redis-server that may be stopped, and started again with nothing in it."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        self._process = subprocess.Popen(
            [need("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", str(self._folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def send(self, number: Signals) -> None:
        """Stop or continue it."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """As a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@contextmanager
def a_redis(folder: Path) -> Iterator[Redis]:
    """One that runs, and is ended."""
    made = Redis(folder)
    made.start()
    try:
        yield made
    finally:
        made.kill()


@contextmanager
def a_postgres(folder: Path) -> Iterator[postgres.Server]:
    """One that runs, and is ended."""
    need("initdb")
    folder.mkdir()
    made = postgres.Server(parts.postgres_bindir(), folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()

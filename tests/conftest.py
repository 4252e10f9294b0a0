"""What every test may ask for: the programs of config/parts, a PostgreSQL, a Redis.

A part that is missing is a skip that names it. With CI=true it is a failure: a check that was
skipped for want of a part has not been made.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest
from xdist.remote import Producer

from config import parts as programs
from tests import ports, postgres, signals
from tests.by_house import ByHouse
from tests.driver import use_our_node

MISSING = re.compile(r"missing part:|is missing:")
START_SECONDS = 10.0

# A failing example is made small but not explained: explaining traces every line, for minutes.
hypothesis.settings.register_profile(
    "ringdesk",
    deadline=None,
    phases=[each for each in hypothesis.Phase if each is not hypothesis.Phase.explain],
)
hypothesis.settings.load_profile("ringdesk")

signals.hand_down_defaults()
use_our_node()

# tests/postgres.py looks here first: a server that set-up brought is on no usual path.
with contextlib.suppress(programs.PartMissingError):
    os.environ.setdefault("RINGDESK_POSTGRES_BIN", str(programs.postgres_bindir()))


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """A start in this process makes what it writes private (config/privacy.py); the next test's
    files are not its business."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByHouse:
    """Which worker gets which test."""
    return ByHouse(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """In CI a skip for want of a part is a failure."""
    report = yield
    reason = str(call.excinfo.value) if call.excinfo is not None else ""
    if report.skipped and MISSING.search(reason) and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {reason}"
    return report


def need(name: str) -> str:
    """The path of a program; skips the test, by name, when it is missing."""
    try:
        return programs.program(name)
    except programs.PartMissingError as why:
        pytest.skip(str(why))


@pytest.fixture(scope="session")
def parts() -> ModuleType:
    """config.parts: `parts.sipp()`, `parts.chromium()` ...; PartMissingError if missing."""
    return programs


@pytest.fixture(scope="session")
def sipp() -> str:
    """The path of sipp."""
    return need("sipp")


@pytest.fixture(scope="session")
def espeak() -> str:
    """The path of espeak-ng."""
    return need("espeak-ng")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium."""
    return need("chromium")


@pytest.fixture(scope="session")
def asterisk() -> programs.AsteriskFiles:
    """The Asterisk to run."""
    need("asterisk")
    return programs.asterisk()


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty database on a PostgreSQL of this test session."""
    need("initdb")
    url, stop = postgres.start(programs.postgres_bindir(), tmp_path_factory.mktemp("postgres"))
    try:
        yield url
    finally:
        stop()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of this test session, empty, on a port of its own."""
    folder = tmp_path_factory.mktemp("redis")
    port = ports.free_port()
    command = [need("redis-server"), "--port", str(port), "--bind", "127.0.0.1"]
    command += ["--save", "", "--appendonly", "no", "--dir", str(folder)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _until_listening(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def _until_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder of the repository."""
    return Path(__file__).resolve().parent.parent

"""A desk on each database: every test that takes `desk` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import os
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import asyncpg
import pytest

from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.desk import connect as connect_to
from service_desk.events import DeskEvent
from service_desk.migrations import migrate
from service_desk.settings import DeskSettings

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def _helper() -> ModuleType:
    name = "ringdesk_tests_postgres"
    if name not in sys.modules:
        path = Path(__file__).parents[1] / "postgres.py"
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server; skipped by name where there is none."""
    if url := os.environ.get("RINGDESK_TEST_POSTGRES"):
        yield url
        return
    helper = _helper()
    bindir = helper.find_bindir()
    if bindir is None:
        pytest.skip("PostgreSQL is missing: no initdb; set RINGDESK_POSTGRES_BIN")
    try:
        url, stop = helper.start(bindir, tmp_path_factory.mktemp("postgres"))
    except helper.PostgresMissingError as missing:
        pytest.skip(f"PostgreSQL is missing: {missing}")
    yield url
    stop()


async def fresh_database(server: str, template: str = "template1") -> str:
    """A database on the server, empty or like the template; its URL."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server.replace("+asyncpg", ""), timeout=10)
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()
    return f"{server.rsplit('/', 1)[0]}/{name}"


_migrated: dict[str, str] = {}


async def migrated_database(server: str) -> str:
    """A migrated database on the server: migrated once, copied for each test; its URL."""
    if server not in _migrated:
        url = await fresh_database(server)
        await migrate(url)
        _migrated[server] = url.rsplit("/", 1)[1]
    return await fresh_database(server, _migrated[server])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    return await fresh_database(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> HandClock:
    """A clock moved by hand."""
    return HandClock(NOW)


@pytest.fixture
def told() -> list[DeskEvent]:
    """What the desk has published."""
    return []


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
async def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated, empty database of each kind."""
    if request.param == "postgresql":
        return await migrated_database(request.getfixturevalue("postgres_url"))
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    return url


@pytest.fixture
async def desk(migrated_url: str, clock: HandClock, told: list[DeskEvent]) -> AsyncIterator[Desk]:
    """A desk with an empty, migrated database."""
    made = Desk(
        connect_to(migrated_url),
        clock=clock,
        publish=told.append,
        settings=DeskSettings(region="DE"),
    )
    await made.start()
    yield made
    await made.close()

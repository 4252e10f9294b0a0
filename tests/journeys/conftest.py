"""What the journeys share: a house on each database, one browser, callers that hang up."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.journeys.agent import FAKE_MEDIA, Agent, sign_in
from tests.journeys.caller import Caller, dial
from tests.journeys.house import House, settings
from tests.journeys.phone_proxy import PhoneProxy, phone_proxy
from tests.journeys.tones import write_tones
from tests.ports import free_ports

Dial = Callable[..., Awaitable[Caller]]
SignIn = Callable[..., Awaitable[Agent]]


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prompts' folder that all houses share: speaking them takes a while."""
    return tmp_path_factory.mktemp("prompts")


@pytest_asyncio.fixture(scope="session", loop_scope="session", params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database; an empty URL is SQLite in the data folder."""
    if request.param == "sqlite":
        return ""
    return await new_database(str(request.getfixturevalue("postgres_url")))


async def new_database(server: str) -> str:
    """An empty database on a PostgreSQL server; its URL."""
    name = f"house_{uuid.uuid4().hex[:12]}"
    connection = await asyncpg.connect(server.replace("+asyncpg", ""))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{server.rpartition('/')[0]}/{name}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(
    tmp_path_factory: pytest.TempPathFactory,
    prompts: Path,
    database: str,
    asterisk: object,
    espeak: str,
) -> AsyncIterator[House]:
    """A running house."""
    folder = tmp_path_factory.mktemp("house")
    here = House(folder, settings(folder, database))
    await here.furnish(prompts)
    await here.start()
    yield here
    await here.stop()
    assert here.process is not None
    assert here.process.returncode == 0, "\n".join(here.said[-30:])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def phone_house(
    tmp_path_factory: pytest.TempPathFactory, prompts: Path, asterisk: object, espeak: str
) -> AsyncIterator[tuple[House, PhoneProxy]]:
    """A running house, on SQLite, and what lies between its browsers' telephones and the gate."""
    folder = tmp_path_factory.mktemp("phone")
    here = House(folder, settings(folder))
    (port,) = free_ports(1)
    here.config["gate"]["url"] = f"ws://localhost:{port}/ws"
    await here.furnish(prompts)
    async with phone_proxy(port, here.config["gate"]["port"]) as proxy:
        await here.start()
        yield here, proxy
        await here.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium with a microphone that beeps."""
    path = chromium_path()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *FAKE_MEDIA]
        )
        yield started
        await started.close()


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The callers' voice and keys."""
    folder = tmp_path_factory.mktemp("tones")
    write_tones(folder)
    return folder


@pytest_asyncio.fixture(loop_scope="session")
async def agent(house: House, browser: Browser) -> AsyncIterator[SignIn]:
    """`await agent("ava")`: signed in at the desk; signed out of the queues at the end."""
    opened: list[Agent] = []

    async def open_desk(name: str, path: str = "/desk") -> Agent:
        made = await sign_in(browser, house, name, path)
        opened.append(made)
        return made

    yield open_desk
    for each in opened:
        if each.name in house.config["agents"]:
            await each.leave_queues()
        await each.close()


@pytest_asyncio.fixture(loop_scope="session")
async def call(house: House, sipp: str, tones: Path, agent: SignIn) -> AsyncIterator[Dial]:
    """`await call("2000", caller="+49...")`: a sipp caller; all hang up before the agents leave."""
    callers: list[Caller] = []

    async def place(number: str, **how: str) -> Caller:
        made = await dial([sipp], house.sip, number, folder=tones, tones=tones, **how)
        callers.append(made)
        return made

    yield place
    for each in callers:
        await each.close()

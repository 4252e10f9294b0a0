"""A counter to test: the application on a context, and browsers that keep cookies."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, CookieJar
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from agent_console import reading, sessions
from agent_console.access import Viewer
from agent_console.api.routes import V1
from agent_console.app import build_app
from agent_console.context import AgentDevice, ConsoleContext, PauseReason, QueueInfo
from cti.bus import InProcessBus
from service_desk.actions import staff
from service_desk.actions.staff import issue_token
from service_desk.actor import SYSTEM
from service_desk.clock import SystemClock
from service_desk.settings import Title
from tests.agent_console.office import (
    PASSWORD,
    Office,
    database_like,
    drop_database,
    open_office,
    postgres_database,
)

VIEWERS = {
    "ava-cookie": Viewer(staff_id=1, user="ava", name="Ava", role="agent"),
    "sue-cookie": Viewer(staff_id=2, user="sue", name="Sue", role="supervisor"),
    "root-cookie": Viewer(staff_id=3, user="root", name="Root", role="administrator"),
}


class StillDesk:
    """A desk of which only the clock is asked: for tests that never reach the database."""

    clock = SystemClock()


def context_for(folder: Path, **more: Any) -> ConsoleContext:
    recordings, built = folder / "recordings", folder / "built"
    recordings.mkdir(exist_ok=True)
    built.mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "desk": StillDesk(),
        "bus": InProcessBus(),
        "company": "Test & Co",
        "sip_secret": lambda name, generation: f"secret-{generation}-of-{name}",
        "ticket": lambda name, until: f"ticket-of-{name}-{until:%Y}",
        "recordings": recordings,
        "built": built,
        "live_url": "ws://{host}:9001/live",
        "sip_url": "ws://{host}:9002/ws",
        "agents": {
            "ava": AgentDevice(name="ava", extension="101", queues=("support",)),
            "ben": AgentDevice(name="ben", extension="102", kind="phone"),
        },
        "queues": {
            "support": QueueInfo(
                name="support", title=Title(en="Support", zh="售后服务"), wrap_up=45
            )
        },
        "pause_reasons": {"lunch": PauseReason(code="lunch", labels={"en": "Lunch", "zh": "午餐"})},
    }
    return ConsoleContext(**{**given, **more})


class Browser:
    """A client with a cookie jar; `token()` finds the CSRF token on a page."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, **more: Any) -> ClientResponse:
        return await self.client.get(path, allow_redirects=False, **more)

    async def post(self, path: str, fields: dict[str, str], **more: Any) -> ClientResponse:
        return await self.client.post(path, data=fields, allow_redirects=False, **more)

    async def token(self, path: str = "/figures") -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', await (await self.get(path)).text())
        assert found is not None
        return found.group(1)


Open = Callable[..., Any]


@pytest.fixture
async def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Open]:
    """`await browser("ava-cookie")`: a browser at a fresh application, signed in by that cookie."""

    async def by_session(_context: ConsoleContext, token: str, **_more: Any) -> Viewer | None:
        return VIEWERS.get(token)

    async def by_api_token(_context: ConsoleContext, token: str) -> Viewer | None:
        return VIEWERS.get(token)

    async def remember_language(*_args: Any, **_more: Any) -> None:
        return

    async def no_figures(_context: ConsoleContext) -> tuple[()]:
        return ()

    monkeypatch.setattr(reading, "figures", no_figures)
    monkeypatch.setattr(sessions, "remember_language", remember_language)
    monkeypatch.setattr(sessions, "by_session", by_session)
    monkeypatch.setattr(sessions, "by_api_token", by_api_token)
    clients: list[TestClient[Any, Any]] = []

    async def open_browser(cookie: str = "", **more: Any) -> Browser:
        cookies = {"ringdesk_session": cookie} if cookie else {}
        app = build_app(context_for(tmp_path, **more))
        client: TestClient[Any, Any] = TestClient(TestServer(app), cookies=cookies)
        await client.start_server()
        clients.append(client)
        return Browser(client)

    yield open_browser
    for client in clients:
        await client.close()


# Argon2id at full cost, at every sign-in, would be most of the time the tests take.
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(
    scope="session",
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def office_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The URL of a migrated database of each kind, with staff and a customer: made once and
    copied for each test."""
    folder = tmp_path_factory.mktemp("office")
    server = ""
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_url").rpartition("/")[0]

    async def make() -> str:
        url = f"sqlite+aiosqlite:///{folder / 'desk.db'}"
        if server:
            url = await postgres_database(server)
        made = await open_office(folder, url, fresh=True)
        await made.intake.stop()
        await made.bus.close()
        await made.desk.close()
        return url

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staff, "_hasher", CHEAP)
        return asyncio.run(make())


@pytest.fixture
async def office(
    tmp_path: Path, office_database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """A real desk on SQLite and on PostgreSQL, with staff, a customer, and an intake."""
    monkeypatch.setattr(staff, "_hasher", CHEAP)
    url = await database_like(office_database, tmp_path)
    made = await open_office(tmp_path, url)
    yield made
    await made.intake.stop()
    await made.bus.close()
    await made.desk.close()
    await drop_database(url)


@pytest.fixture
async def door(office: Office, tmp_path: Path) -> AsyncIterator[Open]:
    """`await door()`: a browser at the office's application, nobody signed in."""
    app = build_app(context_for(tmp_path, desk=office.desk, bus=office.bus, demo=True))
    server = TestServer(app)
    await server.start_server()
    clients: list[TestClient[Any, Any]] = []

    async def open_browser(name: str = "", password: str = PASSWORD) -> Browser:
        client: TestClient[Any, Any] = TestClient(server, cookie_jar=CookieJar(unsafe=True))
        clients.append(client)
        made = Browser(client)
        if name:
            fields = {"csrf": await made.token("/sign-in"), "name": name, "password": password}
            assert (await made.post("/sign-in", fields)).status == 303
        return made

    yield open_browser
    for client in clients:
        await client.close()
    await server.close()


class Program:
    """A program with a token."""

    def __init__(self, browser: Browser, token: str) -> None:
        self.browser = browser
        self.headers = {"Authorization": f"Bearer {token}"}

    async def ask(
        self, method: str, path: str, body: Any = None, *, expect: int = 200
    ) -> dict[str, Any]:
        more = {} if body is None else {"json": body}
        answer = await self.browser.client.request(method, V1 + path, headers=self.headers, **more)
        found: dict[str, Any] = await answer.json()
        assert answer.status == expect, found
        return found


@pytest.fixture
async def program(office: Office, door: Open) -> Program:
    """A program with a supervisor's token."""
    token = await issue_token(office.desk, label="erp", role="supervisor", by=SYSTEM)
    return Program(await door(), token)

"""A session that ends cuts its sockets at once, however and wherever it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agent_console.live import watch
from agent_console.live.socket import SIGN_IN_AGAIN, LiveServer
from service_desk.actions import sessions, staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.desk import connect as connect_to
from service_desk.model import CaseEntry
from tests.agent_console.conftest import Open, context_for
from tests.agent_console.office import PASSWORD, Office, a_call

Ends = Callable[[Desk, str], Awaitable[Any]]

WAYS: dict[str, Ends] = {
    "sign out": lambda desk, token: sessions.sign_out(desk, token=token),
    "everywhere": lambda desk, _: sessions.sign_out_everywhere(desk, name="ava", by=SYSTEM),
    "password": lambda desk, _: staff.set_password(
        desk, name="ava", password="another word", by=SYSTEM
    ),
    "let go": lambda desk, _: staff.set_active(desk, name="ava", active=False, by=SYSTEM),
    "role": lambda desk, _: staff.set_role(desk, name="ava", role="supervisor", by=SYSTEM),
}


@pytest.fixture
async def live(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LiveServer]:
    monkeypatch.setattr(watch, "RECHECK", 3_600.0)  # nobody finds out by looking
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    async with await LiveServer(context).start("127.0.0.1", 0) as server:
        yield server


async def signed_in(office: Office, name: str = "ava") -> str:
    return (await staff.sign_in(office.desk, name=name, password=PASSWORD, address="")).token


def tab(live: LiveServer, token: str) -> connect:
    return connect(
        f"ws://127.0.0.1:{live.port}/live",
        additional_headers={"Cookie": f"ringdesk_session={token}"},
        origin=f"http://127.0.0.1:{live.port}",
        proxy=None,
    )


async def says(socket: ClientConnection, name: str = "ping", /, **fields: Any) -> dict[str, Any]:
    await socket.send(json.dumps({"id": 1, "do": name, **fields}))
    answer: dict[str, Any] = json.loads(await asyncio.wait_for(socket.recv(), 5))
    return answer


async def is_cut(socket: ClientConnection) -> bool:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(socket.recv(), 5)
    return closed.value.rcvd is not None and closed.value.rcvd.code == SIGN_IN_AGAIN


@pytest.mark.parametrize("way", WAYS)
async def test_a_session_that_ends_cuts_its_sockets_and_nobody_elses(
    office: Office, live: LiveServer, way: str
) -> None:
    token, other = await signed_in(office), await signed_in(office, "ben")
    async with tab(live, token) as one, tab(live, token) as two, tab(live, other) as bens:
        for each in (one, two, bens):
            assert (await says(each))["ok"] is True
        await WAYS[way](office.desk, token)
        assert await is_cut(one)
        assert await is_cut(two)
        assert (await says(bens))["ok"] is True


async def test_signing_out_of_one_browser_leaves_the_other(
    office: Office, live: LiveServer, door: Open
) -> None:
    """By the page's own button; the one for everywhere ends both."""
    ava, token = await door("ava"), await signed_in(office)
    cookies = ava.client.session.cookie_jar.filter_cookies(ava.client.make_url("/"))
    async with tab(live, cookies["ringdesk_session"].value) as one, tab(live, token) as two:
        assert (await says(one))["ok"] is True
        assert (await says(two))["ok"] is True
        await ava.post("/sign-out", {"csrf": await ava.token()})
        assert await is_cut(one)
        assert (await says(two))["ok"] is True
        again = await door("ava")
        answer = await again.post("/sign-out-everywhere", {"csrf": await again.token()})
        assert (answer.status, answer.headers["Location"]) == (303, "/sign-in")
        assert await is_cut(two)
    assert (await again.get("/cases")).status == 303


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_is_written_after_an_end_that_nobody_told_us(
    office: Office, live: LiveServer, way: str
) -> None:
    """Ended by a process without our bus, such as a command: the next command is refused."""
    await office.take(*a_call())
    token = await signed_in(office)
    entries = select(func.count()).select_from(CaseEntry).where(CaseEntry.kind == "note")
    async with tab(live, token) as one:
        assert (await says(one, "note", case_id=1, text="before"))["ok"] is True
        elsewhere = Desk(connect_to(office.desk.engine.url.render_as_string(hide_password=False)))
        await WAYS[way](elsewhere, token)
        await elsewhere.close()
        await one.send(json.dumps({"id": 2, "do": "note", "case_id": 1, "text": "after"}))
        assert await is_cut(one)
    assert await office.desk.fetch(lambda c: c.scalar(entries)) == 1


async def test_a_session_that_grows_too_old_ends_without_a_command(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All sessions are looked at together, every two seconds."""
    monkeypatch.setattr(watch, "RECHECK", 0.02)
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    async with (
        await LiveServer(context).start("127.0.0.1", 0) as server,
        tab(server, await signed_in(office)) as one,
    ):
        assert (await says(one))["ok"] is True
        aged = msgspec.structs.replace(office.desk.settings, session_longest_days=0)
        monkeypatch.setattr(office.desk, "settings", aged)
        assert await is_cut(one)

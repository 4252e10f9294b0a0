"""Every line of the log that a call in the menu causes names the call, whoever writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from cti.agi.channel import Channel
from cti.agi.server import AgiServer
from cti.conversation import call_id_of
from ivr.session import Session
from ivr.telling import Telling
from tests.ivr.test_session import Table, table

SECONDS = 10.0
__all__ = ["table"]  # a fixture


async def call(port: int, uniqueid: str) -> None:
    """Asterisk: the environment, then a reply to each command until the menu is through."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    env = {"network_script": "flow/1000", "uniqueid": uniqueid, "callerid": "+4930555"}
    writer.write("".join(f"agi_{name}: {said}\n" for name, said in env.items()).encode() + b"\n")
    async with asyncio.timeout(SECONDS):
        while await reader.readline():
            writer.write(b"200 result=0\n")
    writer.close()


async def _breaks(_channel: Channel) -> None:
    raise RuntimeError


async def lines_of(table: Table, handler: Callable[[Channel], Awaitable[None]]) -> list[Any]:
    """What is logged of two calls at once."""
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with AgiServer("127.0.0.1", 0, handler) as server:
            lines.clear()  # that it listens
            await asyncio.gather(*(call(server.port, f"pbx-{number}.1") for number in (1, 2)))
        await table.counter.close()
    assert [line for line in lines if "call_id" not in line] == []
    return lines


async def test_every_line_of_a_call_names_it(table: Table) -> None:
    """A desk that is away for questions and for news."""
    table.desk.broken |= {"identify", "note_path"}
    table.counter.telling = Telling(pauses=(0.0,))
    lines = await lines_of(table, table.counter)
    for number in (1, 2):
        call_id = call_id_of("pbx", f"pbx-{number}.1")
        said = {line["event"] for line in lines if line["call_id"] == call_id}
        assert said == {"ivr.desk_away", "ivr.desk_not_told", "ivr.desk_gave_up"}


async def test_the_server_names_the_call_whose_menu_broke(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "run", _breaks)
    lines = await lines_of(table, table.counter)
    assert {line["event"] for line in lines} == {"agi.handler_failed"}
    assert {line["call_id"] for line in lines} == {
        call_id_of("pbx", f"pbx-{number}.1") for number in (1, 2)
    }

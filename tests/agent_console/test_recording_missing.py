"""A case says it when what was recorded is not there: no player that plays nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cti import events as e
from tests.agent_console.conftest import Browser, Open
from tests.agent_console.office import CALL, Office, a_call

SAID = "The recording is known, but its file is missing."
FILE = f"2026/11/21/{CALL}.wav"


async def pages_of(browser: Browser, office: Office) -> list[str]:
    """The case's and the customer's."""
    listed = await (await browser.get("/cases")).text()
    number = "C-" + listed.split('<a href="/cases/C-')[1].split('"')[0]
    paths = (f"/cases/{number}", f"/customers/{office.customer_id}")
    return [await (await browser.get(path)).text() for path in paths]


async def a_recorded_call(office: Office) -> None:
    now = {"at": datetime.now(UTC), "system": "s", "call_id": CALL}
    stopped = e.RecordingStopped(**now, file=FILE)
    await office.take(*a_call(), stopped, e.CallEnded(**now, cause=16, by="caller"))


def write(file: Path, size: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\0" * size)


@pytest.mark.parametrize("size", [None, 0, 43])
async def test_a_file_that_is_not_there_or_was_never_begun_is_said(
    office: Office, door: Open, size: int | None
) -> None:
    await a_recorded_call(office)
    if size is not None:
        write(office.recordings / FILE, size)
    for page in await pages_of(await door("ava"), office):
        assert SAID in page
        assert "<audio" not in page


async def test_one_that_is_there_is_played(office: Office, door: Open) -> None:
    await a_recorded_call(office)
    write(office.recordings / FILE, 16_044)
    for page in await pages_of(await door("ava"), office):
        assert "<audio" in page
        assert SAID not in page

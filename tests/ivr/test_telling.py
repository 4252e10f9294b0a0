"""What the desk must know it is told, in spite of a moment's trouble, and within bounds."""

from __future__ import annotations

import asyncio

import pytest

from ivr import telling
from ivr.telling import Telling


async def test_a_moments_trouble_is_tried_again() -> None:
    tries = 0

    async def wish() -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise OSError

    await Telling(pauses=(0.0, 0.0)).tell("x", wish)
    assert tries == 3


async def test_lasting_trouble_is_given_up_and_never_raised() -> None:
    tries = 0

    async def wish() -> None:
        nonlocal tries
        tries += 1
        raise OSError

    await Telling(pauses=(0.0,)).tell("x", wish)
    assert tries == 3


async def test_a_message_waits_for_a_desk_that_is_away_for_long() -> None:
    """Where it lies is told nowhere else: without it nobody would ever hear the caller."""
    tries = 0

    async def wish() -> None:
        nonlocal tries
        tries += 1
        if tries < 40:
            raise OSError

    await Telling(pauses=(0.0,)).tell("message", wish, tries=telling.PATIENT_TRIES)
    assert tries == 40


async def test_a_silent_desk_is_given_up() -> None:
    async with asyncio.timeout(5):
        await Telling(pauses=(0.0,), within=0.01).tell("x", asyncio.Event().wait)


async def test_close_waits_for_what_is_under_way() -> None:
    told = Telling()
    go, done = asyncio.Event(), []

    async def wish() -> None:
        await go.wait()
        done.append(1)

    told.tell("x", wish)
    asyncio.get_running_loop().call_soon(go.set)
    await told.close()
    assert done == [1]


async def test_close_gives_up_on_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "CLOSE_WITHIN", 0.01)
    told = Telling(within=60)
    task = told.tell("x", asyncio.Event().wait)
    await told.close()
    assert task.cancelled()


async def test_too_many_at_once_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MAX_UNDER_WAY", 2)
    told = Telling()
    done: list[int] = []

    async def wish() -> None:
        done.append(1)

    for _ in range(5):
        told.tell("x", wish)
    await told.close()
    assert len(done) == 2

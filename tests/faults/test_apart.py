"""INVARIANTS 1 and 5, the roles apart: each process of ours and the stores killed and stopped."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

import pytest
import pytest_asyncio

from tests.conftest import need
from tests.faults.apart import ROLES, FloorApart, open_floor_apart
from tests.faults.conftest import Check, length
from tests.faults.voices import Heard, ahead_of_others
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]
RATE = length(8, 15)
TALK = 0.8
GAP = 100.0  # milliseconds (INVARIANTS 5)
LISTENERS = 6  # callers who talk all the while
LISTEN_SECONDS = 900.0  # at most

Fault = Callable[[FloorApart], Awaitable[None]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def the_apart(
    tmp_path_factory: pytest.TempPathFactory, prompts: Path
) -> AsyncIterator[FloorApart]:
    """The floor that the checks of this file share."""
    for part in ("asterisk", "espeak-ng", "sipp", "initdb", "redis-server"):
        need(part)
    async with open_floor_apart(tmp_path_factory.mktemp("apart"), prompts) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def apart(the_apart: FloorApart) -> FloorApart:
    """It, with no calls of this test yet."""
    the_apart.begin()
    await the_apart.agents_agree()
    return the_apart


@pytest.mark.timeout(3600)
async def test_each_role_killed_at_random_while_calls_flow(apart: FloorApart, check: Check) -> None:
    """Every call that reached Asterisk has exactly one case; nobody's call fails."""
    check.of(1, "kill -9 of bridge, ivr, live and web at random, roles apart")
    chance = random.SystemRandom()
    kills = dict.fromkeys(ROLES, 0)
    apart.call_both_ways(length(80, 10_000), RATE, talk=TALK)
    flowing = asyncio.create_task(apart.counted())
    while True:
        done, _ = await asyncio.wait({flowing}, timeout=chance.uniform(0.2, length(1, 6)))
        if done and all(kills.values()):
            break
        if done:  # a slow machine: more calls, until each was killed
            apart.call_both_ways(16, RATE, talk=TALK)
            flowing = asyncio.create_task(apart.counted())
        # One of those killed least often, and each other one perhaps with it.
        fewest = min(kills.values())
        first = chance.choice([role for role in ROLES if kills[role] == fewest])
        victims = [role for role in ROLES if role == first or chance.random() < 0.3]
        await apart.kill(*victims)
        for role in victims:
            kills[role] += 1
        await apart.start(*victims)
    tally = await apart.tally(await flowing)
    check.count(tally)
    check.note("kills: " + ", ".join(f"{role} {many}" for role, many in kills.items()))
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    await apart.agents_agree()


async def _postgres_killed(apart: FloorApart) -> None:
    assert apart.stores is not None
    postgres, _ = apart.stores
    postgres.send(SIGKILL)
    await asyncio.sleep(length(1, 10))
    await asyncio.to_thread(postgres.start)


async def _postgres_stopped(apart: FloorApart) -> None:
    assert apart.stores is not None
    await _stopped_for_a_while(apart.stores[0].send)


async def _redis_killed(apart: FloorApart) -> None:
    assert apart.stores is not None
    _, redis = apart.stores
    redis.kill()
    await asyncio.sleep(length(1, 10))
    redis.start()


async def _redis_stopped(apart: FloorApart) -> None:
    assert apart.stores is not None
    await _stopped_for_a_while(apart.stores[1].send)


async def _all_of_ours_killed(apart: FloorApart) -> None:
    await apart.kill(*ROLES)
    await apart.start(*ROLES)


async def _all_of_ours_stopped(apart: FloorApart) -> None:
    await _stopped_for_a_while(lambda number: apart.signal(number, *ROLES))


async def _stopped_for_a_while(send: Callable[[Signals], None]) -> None:
    send(SIGSTOP)
    await asyncio.sleep(length(2, 10))
    send(SIGCONT)


FAULTS: dict[str, Fault] = {
    "PostgreSQL killed": _postgres_killed,
    "PostgreSQL stopped": _postgres_stopped,
    "Redis killed": _redis_killed,
    "Redis stopped": _redis_stopped,
    "ours killed": _all_of_ours_killed,
    "ours stopped": _all_of_ours_stopped,
}


@pytest.mark.timeout(1200)
async def test_calls_go_on_whatever_we_and_the_stores_do(apart: FloorApart, check: Check) -> None:
    """Talk has no hole, new calls are taken, and all of them have their case."""
    check.of(5, "KILL and STOP of us, PostgreSQL, Redis, roles apart; audio")
    assert apart.voices is not None
    pbx = await apart.asterisk()
    assert pbx is not None
    alone = all([ahead_of_others(pbx), ahead_of_others(apart.voices.process.pid)])
    apart.call(LISTENERS, LISTENERS, talk=LISTEN_SECONDS, media=apart.voices.ear)
    listening = apart.flows.pop()
    apart.call_both_ways(length(60, 2_000), length(3, 8), talk=TALK)
    flowing = asyncio.create_task(apart.counted())
    await until(apart.voices.heard, lambda heard: heard.streams == LISTENERS, every=0.5)

    heard: dict[str, list[Heard]] = {"nothing": []}
    await asyncio.sleep(length(1, 10))
    heard["nothing"].append(await apart.voices.heard())
    for _ in range(length(1, 5)):
        for name, fault in FAULTS.items():
            await fault(apart)
            heard.setdefault(name, []).append(await apart.voices.heard())
    await flowing
    await apart.house.asterisk_says("channel request hangup all")
    apart.flows.append(listening)
    tally = await apart.tally(await apart.counted())
    check.count(tally)
    told = ", ".join(
        f"{name} {max(each.ours for each in rounds):.0f} ms" for name, rounds in heard.items()
    )
    alone_or_not = "" if alone else " (beside other programs of the machine: without root)"
    still = max((until - since for since, until in apart.voices.stalls.spans), default=0.0)
    check.note(
        f"longest gap that a caller heard{alone_or_not}: {told}; without the"
        f" {len(apart.voices.stalls.spans)} times that a processor stood still,"
        f" {still * 1000:.0f} ms at most"
    )
    assert tally.sipp.failed == 0
    assert tally.exact, tally
    assert holes(heard) == {}
    await apart.agents_agree()


def holes(heard: dict[str, list[Heard]]) -> dict[str, Heard]:
    """What was heard of gaps that the machine did not make."""
    return {
        name: each
        for name, rounds in heard.items()
        for each in rounds
        if each.streams < LISTENERS or each.ours >= GAP
    }

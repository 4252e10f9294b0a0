"""The gate of our own Asterisk as a process: started, adopted, replaced, kept, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace

from config.gate.plan import key_of
from config.outliving import is_alive
from config.own_gate import OwnGate
from config.problems import Problem
from config.secrets import open_secrets
from config.settings import Settings, load
from tests.config.outside import Command, Site
from tests.polling import until


@dataclass
class Owner:
    """Whoever owns the gate: as often as ours is started, another object."""

    settings: Settings
    made: list[OwnGate] = field(default_factory=list)

    def gate(self, *, keep: bool = False, settings: Settings | None = None) -> OwnGate:
        """As a start makes it."""
        said = settings or self.settings
        secrets = open_secrets(said.data_folder, {})
        self.made.append(OwnGate(said, secrets, keep=lambda: keep))
        return self.made[-1]


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[Owner]:
    owner = Owner(load(Site(tmp_path).file, {}))
    yield owner
    last = owner.gate()
    if last.find() is not None:
        await last.end()


async def answers(settings: Settings) -> int:
    """What its port says to somebody without a ticket."""
    url = f"http://127.0.0.1:{settings.gate.port}/ws"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status


async def test_a_start_takes_over_the_one_that_runs(owner: Owner) -> None:
    first = owner.gate()
    await first.start()
    assert await answers(owner.settings) == 403
    assert not first.adopted
    second = owner.gate()
    await second.start()
    assert (second.pid, second.adopted) == (first.pid, True)
    await second.stop()
    assert first.pid is not None
    assert not is_alive(first.pid)


async def test_one_that_is_to_be_kept_stays_and_any_other_goes(owner: Owner) -> None:
    first = owner.gate(keep=True)
    await first.start()
    pid = first.pid
    assert pid is not None
    await first.stop()
    assert is_alive(pid)
    assert await answers(owner.settings) == 403
    second = owner.gate()
    assert second.find() == pid
    await second.stop()
    assert not is_alive(pid)


@pytest.mark.parametrize("changed", ["origins", "key"])
async def test_one_with_other_settings_or_another_key_is_replaced(
    owner: Owner, changed: str
) -> None:
    first = owner.gate(keep=True)
    await first.start()
    settings = owner.settings
    if changed == "origins":
        settings = replace(settings, web=replace(settings.web, origins=("https://desk.example",)))
    else:
        (settings.data_folder / "secrets" / "cookie_key").write_text("k" * 40)
    second = owner.gate(settings=settings)
    await second.start()
    assert first.pid is not None
    assert not is_alive(first.pid)
    assert second.pid not in {None, first.pid}
    assert await answers(settings) == 403
    await second.stop()


async def test_what_it_knows_is_its_owners_alone_and_no_more_than_it_needs(owner: Owner) -> None:
    gate = owner.gate()
    await gate.start()
    files = {file.name: file for file in gate.folder.iterdir()}
    assert files.keys() == {"gate.json", "gate.pid", "gate.log"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    said = files["gate.json"].read_text()
    secrets = open_secrets(owner.settings.data_folder, {})
    assert key_of(secrets.cookie_key).hex() in said
    for secret in (secrets.cookie_key.decode(), secrets.ami_password, secrets.sip_password("ava")):
        assert secret not in said
    await gate.stop()


async def test_a_port_that_is_taken_is_said_at_once(owner: Owner) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", owner.settings.gate.port))
        taken.listen()
        with pytest.raises(Problem, match=r"`gate\.port`"):
            owner.gate().check_port()
        with pytest.raises(Problem, match=r"`gate\.port`"):
            await owner.gate().start()


async def test_one_that_dies_is_started_again(owner: Owner) -> None:
    gate = owner.gate()
    await gate.start()
    first = gate.pid
    assert first is not None
    assert await gate.trouble() == ""
    keeping = asyncio.create_task(gate.keep_running())
    os.kill(first, signal.SIGKILL)

    async def listening() -> int | None:
        return owner.gate().find()

    assert await until(listening, lambda pid: pid not in {None, first}) == gate.pid
    assert await gate.trouble() == ""
    assert await answers(owner.settings) == 403
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await gate.stop()


async def test_before_somebody_elses_asterisk_it_is_a_command(tmp_path: Path) -> None:
    """It needs no database, says what is missing, and ends as it is told."""
    site = Site(tmp_path)
    site.config["asterisk"]["mode"] = "external"
    site.config["database"] = {"url": "postgresql+asyncpg://u@127.0.0.1:1/nothing"}
    site.write()
    settings = load(site.file, {})
    run = Command(("gate", "-s", site.file), {"RINGDESK_COOKIE_KEY": "k" * 40})

    async def out() -> str:
        return run.out_so_far()

    await until(out, lambda said: "Ringdesk is ready: gate." in said)
    assert await answers(settings) == 403
    health = f"http://127.0.0.1:{settings.health.port + 5}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{health}/readyz") as answer:
            assert (answer.status, await answer.text()) == (
                503,
                "Asterisk: its HTTP server does not answer\n",
            )
        async with session.get(f"{health}/metrics") as answer:
            page = await answer.text()
    assert 'ringdesk_gate_refused_total{why="origin"} 1.0' in page
    assert 'ringdesk_connections_refused_total{listener="browser phones"} 0.0' in page
    os.kill(run.pid, signal.SIGTERM)
    said = await asyncio.to_thread(run.end)
    assert (said.status, "Traceback" in said.err) == (0, False)
    assert not (site.data / "secrets").exists()

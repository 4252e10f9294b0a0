"""Another version of us is started while people are on the telephone: their calls go on."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.conftest import need
from tests.journeys.caller import dial
from tests.journeys.house import CHECKOUT, House, settings
from tests.journeys.test_one_call import number, only_call

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


async def figures(house: House) -> dict[str, str]:
    """What `/metrics` of the process says."""
    url = f"http://127.0.0.1:{house.config['health']['port']}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/readyz") as ready:
            assert ready.status == 200, await ready.text()
        async with session.get(f"{url}/metrics") as page:
            text = await page.text()
    return dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))


def asterisk_of(house: House) -> int:
    return int((house.folder / "data/asterisk/run/asterisk.pid").read_text())


async def ringdesk(house: House, *words: str, status: int = 0) -> str:
    """What a command says that is run beside the house."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "config.cli", *words, "--settings", str(house.file),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=CHECKOUT,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    said = out.decode()
    assert process.returncode == status, said
    return said


def is_alive(pid: int) -> bool:
    """Not even one that has ended and that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.timeout(180)
async def test_a_caller_waits_through_an_upgrade(
    tmp_path: Path, prompts: Path, sipp: str, tones: Path
) -> None:
    """SIGUSR2 ends us alone; the next start adopts Asterisk, with other settings; one case."""
    need("asterisk")
    need("espeak-ng")
    house = House(tmp_path, settings(tmp_path))
    await house.furnish(prompts)
    await house.start()
    pid = asterisk_of(house)
    caller = number()
    try:
        phone = await dial([sipp], house.sip, "4000", folder=tones, tones=tones, caller=caller)
        try:
            await phone.answered()
            before = await only_call(house, caller, queue="sales")
            assert (await figures(house))['ringdesk_queue_waiting{queue="sales"}'] == "1.0"

            archive = tmp_path / "running.tar.gz"
            assert "SHA-256 " in await ringdesk(house, "backup", "--to", str(archive))
            refused = await ringdesk(house, "restore", str(archive), status=2)
            assert refused.startswith("ringdesk: Ringdesk seems to run here")

            assert house.process is not None
            house.process.send_signal(signal.SIGUSR2)
            assert await asyncio.wait_for(house.process.wait(), 30) == 0
            assert is_alive(pid)

            house.config["queues"]["sales"]["title"] = "Sales, newer"
            house.file.write_text(yaml.safe_dump(house.config, allow_unicode=True))
            house.said.clear()
            await house.start()
            assert any(f"Asterisk ran already (process {pid})" in line for line in house.said)
            page = await figures(house)
            assert page["ringdesk_link_up"] == "1.0"
            assert page['ringdesk_queue_waiting{queue="sales"}'] == "1.0"
            assert page['ringdesk_active_calls{state="waiting"}'] == "1.0"
            assert await phone.hang_up() == 0
            after = await only_call(house, caller, outcome="abandoned")
            assert after["case_number"] == before["case_number"]
        finally:
            await phone.close()
    finally:
        await house.stop()  # Ctrl-C: this time Asterisk goes too
    assert not is_alive(pid)
    clean = House(tmp_path / "clean", house.config | {"data": {"folder": str(tmp_path / "new")}})
    clean.folder.mkdir()
    clean.file.write_text(yaml.safe_dump(clean.config, allow_unicode=True))
    assert "Next: ringdesk doctor" in await ringdesk(clean, "restore", str(archive))
    with sqlite3.connect(tmp_path / "new/ringdesk.db") as database:
        found = database.execute("SELECT number FROM conversation").fetchall()
    database.close()
    assert found == [(caller,)]  # as it was while the caller waited

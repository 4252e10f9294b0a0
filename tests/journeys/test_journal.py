"""We are killed, people call all the same, we come back: every call is a case, once."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import need
from tests.journeys.caller import Caller, dial
from tests.journeys.house import CHECKOUT, House, settings
from tests.journeys.test_one_call import number, only_call
from tests.polling import until

pytestmark = [
    pytest.mark.journey,
    pytest.mark.asyncio(loop_scope="session"),
]


async def reconciled(house: House) -> tuple[int | None, dict[str, int]]:
    """What `ringdesk reconcile` says: its exit status, and its table."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "config.cli", "reconcile", "--settings", str(house.file)),
        stdout=asyncio.subprocess.PIPE,
        cwd=CHECKOUT,
    )
    async with asyncio.timeout(100):
        out, _ = await process.communicate()
    rows = re.findall(r"^ *(.+?)  +(\d+)", out.decode(), re.MULTILINE)
    return process.returncode, {name: int(many) for name, many in rows}


@pytest.mark.timeout(240)
async def test_calls_while_we_are_dead_are_cases(
    tmp_path: Path, prompts: Path, sipp: str, tones: Path
) -> None:
    """One call ends while we are dead, two come and go; the records are rotated twice meanwhile."""
    need("asterisk")
    need("espeak-ng")
    house = House(tmp_path, settings(tmp_path))
    await house.furnish(prompts)
    await house.start()
    callers: list[Caller] = []
    records = house.folder / "data/records/cel.csv"

    async def call(number_called: str, caller: str, name: str = "Caller") -> Caller:
        made = await dial(
            [sipp], house.sip, number_called, folder=tones, tones=tones, caller=caller, name=name
        )
        callers.append(made)
        await made.answered()
        return made

    try:
        early, late, straight = number(), number(), number()
        first = await call("4000", early)
        await only_call(house, early, queue="sales")

        assert house.process is not None
        house.process.kill()
        await house.process.wait()

        records.rename(records.with_name("cel.csv.1"))
        assert await first.hang_up() == 0
        second = await call("1000", late)  # its menu is dead: the default queue
        await until(
            lambda: house.asterisk_says("core show channels concise"), lambda up: "!Queue!" in up
        )
        assert await second.hang_up() == 0
        records.with_name("cel.csv.1").rename(records.with_name("cel.csv.2"))
        records.rename(records.with_name("cel.csv.1"))
        third = await call("4000", straight, "王小明")
        assert await third.hang_up() == 0

        await house.start()
        for caller in (early, late, straight):
            conversation = await only_call(house, caller, outcome="abandoned")
            assert conversation["case_number"]
            assert conversation["waited"] > 0
        # A call that has just ended counts as going on: its facts may still be on their way.
        status, table = await until(
            lambda: reconciled(house),
            lambda found: found[1]["still going on"] == 0,
            seconds=40.0,
            every=1.0,
        )
        assert (status, table["alarms"], table["not repaired"]) == (0, 0, 0)
        assert table["calls in the records"] == table["already right"] == 3
        assert table["lines put aside"] == 0
    finally:
        for each in callers:
            await each.close()
        await house.stop()

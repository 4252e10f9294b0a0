"""The faults' lengths, their floor, and the row that each check leaves.

`make faults` asks for the full length (RINGDESK_FAULTS=full); `make test` runs the short one.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from tests.conftest import need
from tests.faults.floor import Floor, Tally, open_floor
from tests.faults.report import Row, keep

FULL = os.environ.get("RINGDESK_FAULTS") == "full"


def length(short: int, full: int) -> int:
    """How many calls (or rounds) this run makes of it."""
    return full if FULL else short


@dataclass
class Check:
    """One line of INVARIANTS under one fault; its row says held only when the test passed."""

    name: str
    row: Row = field(default_factory=lambda: Row(number=0, fault="", form=""))

    def of(self, number: int, fault: str) -> None:
        """Which line, and what is broken."""
        self.row = Row(number=number, fault=fault, form="full" if FULL else "short")

    def count(self, tally: Tally) -> None:
        """What became of the calls."""
        self.row = msgspec.structs.replace(
            self.row,
            calls=self.row.calls + tally.calls,
            lost=self.row.lost + len(tally.lost),
            duplicated=self.row.duplicated + len(tally.duplicated) + len(tally.stray),
        )

    def note(self, note: str) -> None:
        """What a reader of the table should know."""
        self.row = msgspec.structs.replace(self.row, note=note)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Iterator[pytest.TestReport]:
    """Let the fixtures know how the test itself ended."""
    report: pytest.TestReport = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


PASSED = pytest.StashKey[bool]()


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Iterator[Check]:
    """The row of this test; written whether it passes or not."""
    made = Check(request.node.name.removeprefix("test_").translate(str.maketrans("[]/ ", "----")))
    yield made
    held = request.node.stash.get(PASSED, False)
    keep(msgspec.structs.replace(made.row, held=held), made.name)


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prompts' folder that all floors share: speaking them takes a while."""
    return tmp_path_factory.mktemp("prompts")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def one_floor(
    tmp_path_factory: pytest.TempPathFactory, prompts: Path
) -> AsyncIterator[Floor]:
    """The floor that most checks share, on SQLite."""
    for part in ("asterisk", "espeak-ng", "sipp"):
        need(part)
    async with open_floor(tmp_path_factory.mktemp("floor"), prompts) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def floor(one_floor: Floor) -> Floor:
    """The floor, with no calls of this test yet, running and free of others' calls."""
    process = one_floor.house.process
    if process is None or process.returncode is not None:  # a check failed half-way
        await one_floor.start_again()
    one_floor.begin()
    await one_floor.agents_agree()
    return one_floor

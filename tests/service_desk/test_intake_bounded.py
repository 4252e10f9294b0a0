"""What the intake remembers of calls is bounded: a day leaves no more than its morning."""

from __future__ import annotations

import pytest

from service_desk import intake as module
from service_desk.desk import Desk
from service_desk.intake import Intake
from tests.held import held
from tests.service_desk.test_intake import call

FEW = 5  # calls, instead of thousands
SLACK = 20  # objects: of the libraries below


async def test_what_the_intake_remembers_is_bounded(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own memory, the outbox' and the statements'."""
    monkeypatch.setattr(module, "MOST_CACHED", FEW)
    intake = Intake(desk)
    await intake.start()

    async def calls(first: int, last: int) -> None:
        for number in range(first, last):
            for fact in call(f"call-{number}", start=number * 10.0, number=f"+4930{number:06}"):
                intake.take(fact)
        await intake.settled()

    await calls(0, 30)
    await calls(30, 60)
    morning = held(intake)
    await calls(60, 90)
    evening = held(intake)
    await intake.stop()
    assert intake.lost == 0
    assert evening.total() <= morning.total() + SLACK, evening - morning

"""Tests that share a house go to one worker."""

from __future__ import annotations

import pytest

from tests.by_house import shared

FAULTS = ("tests/faults/test_link.py::test_packets_vanish", "tests/faults/test_herd.py::test_x")


def test_floors_are_shared() -> None:
    assert len({shared(each) for each in FAULTS}) == 1


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_houses_are_shared_by_database(database: str) -> None:
    names = [f"tests/journeys/test_{each}[{database}]" for each in ("queue.py::test_a", "b.py::t")]
    assert len({shared(each) for each in names}) == 1
    assert shared(f"tests/journeys/test_c.py::test_x[{database}-1]") == shared(names[0])
    assert shared("tests/journeys/test_upgrade.py::test_x") != shared(names[0])


def test_others_stand_alone() -> None:
    one = "tests/service_desk/test_desk.py::test_x[sqlite]"
    assert shared(one) == one

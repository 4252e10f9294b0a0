"""Which tests of a run on several workers stay together: those that share a house or a floor.

Marks (`xdist_group`) would say so, but pytest-xdist 3.8 does not see them with pytest 9.2 (their
issue 1386): each worker would open every house for itself.
"""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

FLOORS = "tests/faults/"
HOUSES = "tests/journeys/"
DATABASES = ("sqlite", "postgresql")


class ByHouse(LoadScopeScheduling):
    """Each test by itself, but for those that share something which takes long to begin."""

    def _split_scope(self, nodeid: str) -> str:
        return shared(nodeid)


def shared(nodeid: str) -> str:
    """What a test shares with others; itself, if nothing."""
    if nodeid.startswith(FLOORS):
        return FLOORS
    if nodeid.startswith(HOUSES):
        names = nodeid.rpartition("[")[2].rstrip("]").split("-")
        return HOUSES + next((each for each in DATABASES if each in names), "")
    return nodeid

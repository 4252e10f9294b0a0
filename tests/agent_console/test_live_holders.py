"""Which browser holds an agent's telephone: one at a time, told to all processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from agent_console.access import Viewer
from agent_console.context import ConsoleContext
from agent_console.live import holders as live_holders
from agent_console.live.holders import Holders
from agent_console.live.hub import Client
from agent_console.tasks import Tasks
from cti.bus import InProcessBus
from service_desk.events import PhoneHeld

AVA = Viewer(staff_id=1, user="ava", name="Ava", role="agent")
BEN = Viewer(staff_id=2, user="ben", name="Ben", role="agent")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Ticks:
    """A clock that is a second later each time it is asked."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at


@dataclass
class Here:
    """What `ConsoleContext` has that is asked for here."""

    bus: InProcessBus
    clock: Ticks

    @property
    def desk(self) -> Here:
        return self


@dataclass
class Process:
    """One process of the live side."""

    bus: InProcessBus
    clock: Ticks
    tasks: Tasks = field(default_factory=Tasks)
    changed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = cast(ConsoleContext, Here(self.bus, self.clock))
        self.holders = Holders(context, self.tasks, self.changed.append)
        self.undo = self.bus.subscribe(PhoneHeld, self.holders.told)


@pytest.fixture
async def two(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Process, Process]]:
    """Two processes on one bus; whose socket ends is awaited for a moment only."""
    monkeypatch.setattr(live_holders, "GRACE", 0.0)
    bus, clock = InProcessBus(), Ticks()
    one, other = Process(bus, clock), Process(bus, clock)
    yield one, other
    for process in (one, other):
        process.undo()
        await process.tasks.close()
    await bus.close()


def page(viewer: Viewer = AVA) -> Client:
    """A socket of a page."""
    return Client(viewer, "en")


async def test_the_first_browser_has_it_and_another_one_only_by_taking_it(two: Any) -> None:
    """In whichever process they are; each agent has an own telephone."""
    one, other = two
    assert one.holders.hold(page(), "office", take=False) == "office"
    assert other.holders.hold(page(), "home", take=False) == "office"
    assert other.holders.hold(page(BEN), "home", take=False) == "home"
    assert other.holders.hold(page(), "home", take=True) == "home"
    assert (one.holders.of("ava"), other.holders.of("ava")) == ("home", "home")
    assert one.changed == ["ava", "ben", "ava"]


async def test_it_is_free_when_the_last_socket_of_its_browser_has_ended(two: Any) -> None:
    """A page that comes back meanwhile keeps it; the end of another browser's changes nothing."""
    one, other = two
    first, again, elsewhere = page(), page(), page()
    one.holders.hold(first, "office", take=False)
    other.holders.hold(elsewhere, "home", take=False)
    other.holders.left(elsewhere)
    one.holders.left(first)
    one.holders.hold(again, "office", take=False)
    await one.tasks.idle()
    assert other.holders.of("ava") == "office"
    one.holders.left(again)
    await one.tasks.idle()
    assert (one.holders.of("ava"), other.holders.of("ava")) == ("", "")
    assert other.holders.hold(page(), "home", take=False) == "home"


async def test_a_browser_that_lost_it_frees_nothing_when_it_goes(two: Any) -> None:
    """Taken away first, closed then."""
    one, _other = two
    first = page()
    one.holders.hold(first, "office", take=False)
    one.holders.hold(page(), "home", take=True)
    one.holders.left(first)
    await one.tasks.idle()
    assert one.holders.of("ava") == "home"


async def test_of_two_words_that_cross_the_later_one_holds_everywhere(two: Any) -> None:
    """Told late, an earlier word changes nothing; at the same instant all choose the same one."""
    one, other = two
    later = PhoneHeld(at=START + timedelta(seconds=5), agent="ava", browser="home")
    earlier = PhoneHeld(at=START, agent="ava", browser="office")
    same = PhoneHeld(at=later.at, agent="ava", browser="cellar")
    for process, words in ((one, (later, earlier, same)), (other, (same, earlier, later))):
        for word in words:
            process.holders.told(word)
    assert (one.holders.of("ava"), other.holders.of("ava")) == ("home", "home")

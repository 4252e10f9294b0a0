"""Cards: built once, renewed when they change, and never lost between a read and a write."""

from __future__ import annotations

import asyncio

import pytest

from agent_console.live import cards as live_cards
from agent_console.live.cards import Cards
from agent_console.tasks import Tasks
from service_desk.errors import ConversationNotFound, DatabaseAway
from service_desk.views import CustomerCard, Suggestion


def card(call_id: str, language: str) -> CustomerCard:
    return CustomerCard(
        call_id=call_id, number_kind="unknown", number="", number_shown="", caller_name="",
        language=language, dialed="", queue=None, waited=None, path=(), candidates=(),
        customer=None, case=None, open_cases=(), timeline=(), conversations=(), products=(),
        promises=(), suggestion=Suggestion(),
    )  # fmt: skip


class Shelf:
    """A database of cards that answers when it is told to."""

    def __init__(self) -> None:
        self.written = False
        self.reads = 0
        self.changed: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.errors: list[Exception] = []
        self.tasks = Tasks()
        self.cards = Cards(self.build, self.changed.append, self.tasks)

    async def build(self, call_id: str, language: str) -> CustomerCard:
        self.reads += 1
        there = self.written
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        if not there:
            raise ConversationNotFound("not yet")
        return card(call_id, language)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


async def test_a_card_is_built_once_for_all_who_ask(shelf: Shelf) -> None:
    shelf.written = True
    for _ in range(3):
        shelf.cards.want("c1", "en")
    assert shelf.cards.get("c1", "en") is None
    await shelf.tasks.idle()
    assert shelf.cards.get("c1", "en") is not None
    assert (shelf.reads, shelf.changed) == (1, ["c1"])


async def test_a_call_written_while_its_card_is_read_is_not_missed(shelf: Shelf) -> None:
    shelf.gate.clear()
    shelf.cards.want("c1", "en")
    await asyncio.sleep(0)  # the read has begun, and finds nothing
    shelf.written = True
    shelf.cards.want("c1", "en")
    shelf.cards.invalidate("c1")
    shelf.gate.set()
    await shelf.tasks.idle()
    assert shelf.cards.get("c1", "en") is not None


async def test_who_asks_after_nothing_was_found_has_it_tried_again(shelf: Shelf) -> None:
    shelf.cards.want("c1", "en")
    await shelf.tasks.idle()
    shelf.written = True
    assert shelf.cards.get("c1", "en") is None
    await shelf.tasks.idle()
    assert shelf.cards.get("c1", "en") is not None


async def test_changes_during_a_read_cost_one_more_read(shelf: Shelf) -> None:
    shelf.written = True
    shelf.gate.clear()
    shelf.cards.want("c1", "en")
    await asyncio.sleep(0)
    for _ in range(10):
        shelf.cards.invalidate("c1")
    shelf.gate.set()
    await shelf.tasks.idle()
    assert shelf.reads == 2


async def test_a_database_that_stays_away_is_not_asked_for_ever(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_cards, "PAUSE", 0.0)
    shelf.errors = [DatabaseAway("locked") for _ in range(99)]
    shelf.cards.want("c1", "en")
    await shelf.tasks.idle()
    assert shelf.reads == live_cards.TRIES


async def test_cards_are_kept_for_a_bounded_number_of_calls(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_cards, "AT_MOST", 2)
    shelf.written = True
    for call_id in ("c1", "c2", "c3"):
        shelf.cards.want(call_id, "en")
    await shelf.tasks.idle()
    assert shelf.cards.any("c1") is None
    assert shelf.cards.any("c3") is not None
    shelf.cards.forget("c3")
    assert shelf.cards.any("c3") is None


async def test_a_call_that_has_just_come_is_asked_for_once_it_is_written(shelf: Shelf) -> None:
    """A read that finds nothing would stand in the way of the write."""
    shelf.cards.expect("c1")
    shelf.cards.want("c1", "en")
    await shelf.tasks.idle()
    assert shelf.reads == 0
    shelf.written = True
    shelf.cards.invalidate("c1")
    await shelf.tasks.idle()
    assert (shelf.reads, shelf.changed) == (1, ["c1"])


async def test_a_call_that_nobody_says_is_written_is_asked_for_all_the_same(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The word of it may be lost between two processes."""
    monkeypatch.setattr(live_cards, "WRITTEN_AFTER", 0.0)
    shelf.written = True
    shown = asyncio.Event()
    shelf.cards = Cards(shelf.build, lambda _: shown.set(), shelf.tasks)
    shelf.cards.expect("c1")
    shelf.cards.want("c1", "en")
    async with asyncio.timeout(5):
        await shown.wait()
    assert shelf.cards.get("c1", "en") is not None


async def test_a_first_card_waits_for_no_renewal(shelf: Shelf) -> None:
    """Many ended calls change their cards at once; the one that rings goes first."""
    shelf.written = True
    ended = [f"c{number}" for number in range(10)]
    for call_id in ended:
        shelf.cards.want(call_id, "en")
    await shelf.tasks.idle()
    shelf.gate.clear()
    for call_id in ended:
        shelf.cards.invalidate(call_id)
    await asyncio.sleep(0)
    shelf.cards.want("rings", "en")
    await asyncio.sleep(0)
    shelf.changed.clear()
    shelf.gate.set()
    await shelf.tasks.idle()
    assert shelf.changed.index("rings") <= live_cards.RENEWALS
    assert len(shelf.changed) == 11

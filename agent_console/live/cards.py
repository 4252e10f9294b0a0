"""The cards of live calls, read ahead and kept right.

A card is built as soon as a call waits (while somebody could be offered it), so that the screen pop
costs no query; `CardChanged` has it built again. What is shown meanwhile is the last card, old by
the milliseconds of one read. A slow database delays cards and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from agent_console.edge import beside
from agent_console.tasks import Tasks
from service_desk.errors import NotFound
from service_desk.views import CustomerCard

Build = Callable[[str, str], Awaitable[CustomerCard]]  # (call_id, language)

AT_ONCE = 4  # builds at the same time
# Of those, builds of cards that are shown already: a call without its card goes first.
RENEWALS = 1
WRITTEN_AFTER = 1.0  # seconds until a new call is asked for though nobody said it is written
AT_MOST = 5_000  # calls whose cards are kept
SECONDS = 3.0  # for one build
TRIES = 5
PAUSE = 0.5  # seconds after a failed build, times the number of tries


class Entry:
    """One call's cards by language."""

    __slots__ = ("cards", "dirty", "expected", "languages", "running")

    def __init__(self) -> None:
        self.cards: dict[str, CustomerCard] = {}
        self.languages: set[str] = set()
        self.dirty = False
        self.running = False
        self.expected = False  # its call is not written yet: asking would find nothing


class Cards:
    """Builds, keeps and renews cards; `changed(call_id)` is called when one is there or new."""

    def __init__(self, build: Build, changed: Callable[[str], None], tasks: Tasks) -> None:
        self._build = build
        self._changed = changed
        self._tasks = tasks
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._renewal = asyncio.Semaphore(RENEWALS)

    def get(self, call_id: str, language: str) -> CustomerCard | None:
        """The card if it is there; asking for it has it built."""
        entry = self._entries.get(call_id)
        card = entry.cards.get(language) if entry else None
        if card is None:
            self.want(call_id, language)
        return card

    def any(self, call_id: str) -> CustomerCard | None:
        """The card in whatever language is there, without asking for one."""
        entry = self._entries.get(call_id)
        return next(iter(entry.cards.values()), None) if entry else None

    def want(self, call_id: str, language: str) -> None:
        """Have the card built, if it is not there or on its way."""
        entry = self._entry(call_id)
        if language not in entry.languages:
            entry.languages.add(language)
            if not entry.expected:
                self._renew(call_id, entry)

    def expect(self, call_id: str) -> None:
        """A call that has just come: it is asked for when `invalidate` says that it is written."""
        if call_id not in self._entries:
            self._entry(call_id).expected = True
            asyncio.get_running_loop().call_later(WRITTEN_AFTER, self._ask_all_the_same, call_id)

    def _ask_all_the_same(self, call_id: str) -> None:
        entry = self._entries.get(call_id)
        if entry is not None and entry.expected:
            self.invalidate(call_id)

    def invalidate(self, call_id: str) -> None:
        """What the card shows changed."""
        entry = self._entries.get(call_id)
        if entry is not None:
            entry.expected = False
            if entry.languages:
                self._renew(call_id, entry)

    def _entry(self, call_id: str) -> Entry:
        entry = self._entries.get(call_id)
        if entry is None:
            entry = self._entries[call_id] = Entry()
            while len(self._entries) > AT_MOST:
                self._entries.popitem(last=False)
        return entry

    def forget(self, call_id: str) -> None:
        """Nobody will ask again."""
        self._entries.pop(call_id, None)

    def _renew(self, call_id: str, entry: Entry) -> None:
        entry.dirty = True
        if not entry.running:
            entry.running = True
            self._tasks.start(self._work(call_id, entry))

    async def _work(self, call_id: str, entry: Entry) -> None:
        try:
            tries = 0
            while entry.dirty and self._entries.get(call_id) is entry:
                entry.dirty = False
                built = await beside(
                    "live.card_failed",
                    lambda: self._is_built(call_id, entry),
                    seconds=None,
                    call_id=call_id,
                )
                if built is None:
                    tries += 1
                    if tries >= TRIES:
                        entry.languages.clear()  # the next one who asks tries again
                        return
                    await asyncio.sleep(PAUSE * tries)
                    entry.dirty = True
                elif built.value:
                    tries = 0
                    self._changed(call_id)
        finally:
            entry.running = False

    async def _is_built(self, call_id: str, entry: Entry) -> bool:
        try:
            await self._build_all(call_id, entry)
        except NotFound:
            # The call is not written yet; CardChanged follows when it is. If it came while
            # we read, the card is there now: read again, for the same languages.
            if not entry.dirty:
                entry.languages.clear()
            return False
        return True

    async def _build_all(self, call_id: str, entry: Entry) -> None:
        """The card in every language asked for; those that nobody has seen yet go first."""
        waits = contextlib.nullcontext() if not entry.cards else self._renewal
        async with waits, self._turn:
            for language in tuple(entry.languages):
                async with asyncio.timeout(SECONDS):
                    entry.cards[language] = await self._build(call_id, language)

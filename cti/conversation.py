"""Which channels are one conversation.

Asterisk's uniqueids and linkedids are aliases of our own id, held in a union-find per system:
dialled legs inherit a linkedid, a bridge makes the oldest win, a masquerade swaps ids. An id is
opaque: no meaning is ever parsed out of it. Where one ends like `1795000000.12`, its number leads
ours, so that databases file the calls of one hour side by side (docs/decisions/016-ids-in-order.md)
- an id that ends otherwise, or lies, costs speed and nothing else.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from uuid import UUID, uuid5

RINGDESK_NAMESPACE = UUID("6f1f4c1e-8f0d-5b4f-9d0a-7c1b6a1d2e90")

KEPT_AFTER_END = 2_000

_FILED_UNDER = re.compile(r"(?<![0-9])([0-9]{1,11})\.[0-9a-f]+\Z")
_DIGEST_BITS = 80  # of a UUID's 128; the 48 before them are what it is filed under
_VERSION_8, _VERSION_BITS = 8 << 76, 15 << 76


def call_id_of(system: str, linkedid: str) -> str:
    """Our id of the conversation whose first channel had this linkedid; the same everywhere.

    A digest of both, laid out as a UUID of version 8 whose first 48 bits are where those of version
    7 have their milliseconds (RFC 9562): ids that Asterisk gave one after the other sort so.
    """
    digest = uuid5(RINGDESK_NAMESPACE, f"{system}:{linkedid}").int
    found = _FILED_UNDER.search(linkedid)
    head = int(found[1]) * 1_000 if found else digest >> _DIGEST_BITS
    tail = digest % (1 << _DIGEST_BITS) & ~_VERSION_BITS | _VERSION_8
    return str(UUID(int=head << _DIGEST_BITS | tail))


class Conversations:
    """The union-find of one system's ids.

    Bounded: of ended conversations only the last `kept` are remembered (late events still find
    theirs), the rest forgotten; an id that was forgotten or never seen starts a conversation anew.
    """

    def __init__(self, system: str, kept: int = KEPT_AFTER_END) -> None:
        self.system = system
        self._kept = kept
        self._root: dict[str, str] = {}  # alias -> call id, maybe absorbed
        self._into: dict[str, str] = {}  # absorbed call id -> the one that won
        self._aliases: dict[str, list[str]] = {}  # call id -> its aliases
        self._ended: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        """How many conversations are remembered, live and ended."""
        return len(self._aliases)

    def find(self, alias: str) -> str | None:
        """The call id this uniqueid or linkedid belongs to, None if never seen."""
        call_id = self._root.get(alias)
        return None if call_id is None else self._top(call_id)

    def resolve(self, call_id: str) -> str:
        """The id that a call id goes by now, after merges."""
        return self._top(call_id)

    def aliases_of(self, call_id: str) -> list[str]:
        """Every id this conversation goes by, absorbed ones too."""
        return self._aliases.get(self._top(call_id), [])[:]

    def absorb(self, uniqueid: str, linkedid: str) -> tuple[str, str | None]:
        """Learn that a channel `uniqueid` carries `linkedid`.

        Returns the conversation's id, and the id of another conversation that was thereby merged
        into it (None in all but a few cases). Of two conversations the linkedid's wins, because
        Asterisk lets the oldest linkedid win.
        """
        by_link = self.find(linkedid) if linkedid else None
        by_unique = self.find(uniqueid) if uniqueid else None
        if by_link is None:
            if by_unique is None:
                by_unique = call_id_of(self.system, linkedid or uniqueid)
                self._learn(by_unique, uniqueid)
            self._learn(by_unique, linkedid)
            return by_unique, None
        if by_unique is None or by_unique == by_link:
            self._learn(by_link, uniqueid)
            return by_link, None
        self._merge(winner=by_link, loser=by_unique)
        return by_link, by_unique

    def recall(self, call_id: str, alias: str = "") -> str:
        """Know a conversation, and an alias of it, from what was told before; the id it goes by."""
        call_id = self._top(call_id)
        self._aliases.setdefault(call_id, [])
        self._learn(call_id, alias)
        return call_id

    def merge(self, one: str, other: str) -> tuple[str, str | None]:
        """Learn that two known call ids are one conversation; `one` wins."""
        one, other = self._top(one), self._top(other)
        if one == other:
            return one, None
        self._merge(winner=one, loser=other)
        return one, other

    def ended(self, call_id: str) -> None:
        """The conversation is over: it may be forgotten when `kept` others have ended since."""
        call_id = self._top(call_id)
        if call_id not in self._aliases:
            return
        self._ended[call_id] = None
        self._ended.move_to_end(call_id)
        while len(self._ended) > self._kept:
            oldest, _ = self._ended.popitem(last=False)
            self._forget(oldest)

    def forget_all(self) -> None:
        """Another boot of Asterisk: none of the old ids means anything any more."""
        for part in (self._root, self._into, self._aliases, self._ended):
            part.clear()

    def _learn(self, call_id: str, alias: str) -> None:
        if alias and alias not in self._root:
            self._root[alias] = call_id
            self._aliases.setdefault(call_id, []).append(alias)

    def _merge(self, *, winner: str, loser: str) -> None:
        self._into[loser] = winner
        moved = self._aliases.pop(loser, [])
        for alias in moved:
            self._root[alias] = winner
        self._aliases.setdefault(winner, []).extend(moved)
        self._aliases[winner].append(loser)  # so that the loser's own id is forgotten with it
        self._ended.pop(loser, None)
        self._ended.pop(winner, None)

    def _forget(self, call_id: str) -> None:
        for alias in self._aliases.pop(call_id, []):
            self._root.pop(alias, None)
            self._into.pop(alias, None)

    def _top(self, call_id: str) -> str:
        while (winner := self._into.get(call_id)) is not None:
            call_id = winner
        return call_id

"""What a card offered to the agent who took the call is kept, so that it can be learnt from.

A card that only rang by, on a device nobody answered, has shown nothing to anybody who could say
it. Each customer's offers on a call are written once; a write that failed is tried again when the
card is shown again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from agent_console.edge import beside
from agent_console.live.parts import TALKING, Part
from agent_console.tasks import Tasks
from service_desk.actor import Actor
from service_desk.views import CustomerCard, OfferView

Present = Callable[[str, Sequence[OfferView], Actor], Awaitable[None]]

SECONDS = 5.0
AT_MOST = 5_000  # calls remembered


class Presenting:
    """Writes what was shown, beside the screens."""

    def __init__(self, present: Present, tasks: Tasks) -> None:
        self._present = present
        self._tasks = tasks
        self._kept: OrderedDict[str, frozenset[int]] = (
            OrderedDict()
        )  # call id -> customer, products

    def shown(self, agent: str, part: Part, card: CustomerCard) -> None:
        """This card is on the agent's screen."""
        offers = card.suggestion.offers
        if part.state not in TALKING or card.customer is None or not offers:
            return
        # Negative: a customer's id can never be taken for a product's.
        these = frozenset({-card.customer.id, *(offer.product_id for offer in offers)})
        if these <= self._kept.get(card.call_id, frozenset()):
            return
        self._kept[card.call_id] = these
        while len(self._kept) > AT_MOST:
            self._kept.popitem(last=False)
        self._tasks.start(self._write(agent, card.call_id, offers))

    async def _write(self, agent: str, call_id: str, offers: Sequence[OfferView]) -> None:
        kept = await beside(
            "live.offers_not_kept",
            lambda: self._present(call_id, offers, Actor(agent, "agent")),
            seconds=SECONDS,
            call_id=call_id,
        )
        if kept is None:
            self._kept.pop(call_id, None)

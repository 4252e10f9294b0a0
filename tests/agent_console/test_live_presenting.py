"""What a card offered is kept once, when somebody could have said it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from agent_console.live.parts import Part, State
from agent_console.live.presenting import Presenting
from agent_console.tasks import Tasks
from cti.events import LiveCall
from service_desk.actor import Actor
from service_desk.errors import DatabaseAway
from service_desk.views import CustomerBrief, CustomerCard, OfferView, Suggestion

NOW = datetime(2026, 3, 2, tzinfo=UTC)
OFFER = OfferView(
    product_id=4, sku="s", name="n", pitch="", reason="r", have_both=1, have_first=2, score=0.5
)
CUSTOMER = CustomerBrief(
    id=4, name="Li Na", kind="person", organisation="", city="", language="", segment="A",
    value_percentile=99, bought=True, since=None, preferred_channel="phone", do_not_contact=False,
)  # fmt: skip
CARD = CustomerCard(
    call_id="c", number_kind="known", number="", number_shown="", caller_name="", language="",
    dialed="", queue=None, waited=None, path=(), candidates=(), customer=CUSTOMER, case=None,
    open_cases=(), timeline=(), conversations=(), products=(), promises=(),
    suggestion=Suggestion(offers=(OFFER,)),
)  # fmt: skip


def part(state: State) -> Part:
    call = LiveCall(
        call_id="c", system="s", direction="inbound", caller_number="", caller_name="", dialed="",
        arrived_at=NOW, state="talking",
    )  # fmt: skip
    return Part(call=call, state=state, since=NOW)


class Kept:
    """A desk that keeps what was shown, or is away."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, list[int], str]] = []
        self.away = False

    async def present(self, call_id: str, offers: Sequence[OfferView], by: Actor) -> None:
        if self.away:
            raise DatabaseAway("away")
        self.shown.append((call_id, [offer.product_id for offer in offers], by.name))


async def test_a_card_shown_to_the_one_who_talks_is_kept_once() -> None:
    """Ringing shows nothing; each further delta of the same card writes nothing."""
    kept, tasks = Kept(), Tasks()
    presenting = Presenting(kept.present, tasks)
    for state in ("ringing", "talking", "held", "talking", "wrap_up"):
        presenting.shown("ava", part(state), CARD)
        await tasks.idle()
    assert kept.shown == [("c", [4], "ava")]


async def test_another_customer_was_shown_other_offers() -> None:
    """The same product for somebody else is another presentation; no customer, no offer: none."""
    kept, tasks = Kept(), Tasks()
    presenting = Presenting(kept.present, tasks)
    presenting.shown("ava", part("talking"), CARD)
    presenting.shown("ava", part("talking"), replace(CARD, customer=None))
    presenting.shown("ava", part("talking"), replace(CARD, suggestion=Suggestion()))
    presenting.shown("ava", part("talking"), replace(CARD, customer=replace(CUSTOMER, id=5)))
    await tasks.idle()
    assert len(kept.shown) == 2


async def test_what_the_desk_could_not_take_is_tried_with_the_next_card() -> None:
    """A database that is away costs a warning, not the history."""
    kept, tasks = Kept(), Tasks()
    presenting = Presenting(kept.present, tasks)
    kept.away = True
    presenting.shown("ava", part("talking"), CARD)
    await tasks.idle()
    kept.away = False
    presenting.shown("ava", part("talking"), CARD)
    await tasks.idle()
    assert kept.shown == [("c", [4], "ava")]

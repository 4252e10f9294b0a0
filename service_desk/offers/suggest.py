"""What to offer this customer on this call: gates first, then what goes together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import aliased

from service_desk import views
from service_desk.desk import Desk
from service_desk.generations import current
from service_desk.model import PairCount, Presentation, Product, Purchase
from service_desk.model.base import table_of
from service_desk.offers import gates
from service_desk.offers.score import Pair, best, reason, score
from service_desk.queries.complaint import open_complaint

_first = aliased(Product)
_second = aliased(Product)
_OWNED = select(Purchase.product_id).where(Purchase.customer_id == bindparam("customer_id"))
_SHOWN = select(
    Presentation.id,
    Presentation.call_id,
    Presentation.product_id,
    Presentation.outcome,
    Presentation.outcome_at,
).where(Presentation.customer_id == bindparam("customer_id"))
_PAIRS = (
    select(
        PairCount.first_id,
        PairCount.second_id,
        PairCount.have_first,
        PairCount.have_both,
        _first.name_en.label("first_en"),
        _first.name_zh.label("first_zh"),
        _second.sku,
        _second.name_en,
        _second.name_zh,
        _second.pitch_en,
        _second.pitch_zh,
    )
    .join(_first, _first.id == PairCount.first_id)
    .join(_second, _second.id == PairCount.second_id)
    .where(
        PairCount.generation == current(table_of(PairCount)),
        PairCount.first_id.in_(bindparam("owned", expanding=True)),
        _second.active,
    )
)


def offers_for(
    connection: Connection,
    desk: Desk,
    customer: views.CustomerBrief | None,
    *,
    language: str,
    call_id: str | None = None,
) -> views.Suggestion:
    """Up to three offers with their reasons, or why there is none."""
    settings = desk.settings.offers
    if not settings.enabled:
        return _none("off", language)
    if customer is None:
        return _none("unknown", language)
    standing, shown = _standing(connection, desk, customer, call_id)
    why_not = gates.closed(standing, settings)
    if why_not is not None:
        return _none(why_not, language)
    rows = connection.execute(_PAIRS, {"owned": sorted(standing.owned)}).all()
    by_pair = {(row.first_id, row.second_id): row for row in rows}
    pairs = [
        Pair(
            first_id=row.first_id,
            second_id=row.second_id,
            have_first=row.have_first,
            have_both=row.have_both,
        )
        for row in rows
    ]
    resting = gates.resting(standing.answers, desk.clock.now(), settings)
    chosen = best(
        pairs,
        not_these=standing.owned | resting,
        least=settings.least_together,
        most=settings.at_most,
    )
    if not chosen:
        fits = best(pairs, not_these=standing.owned, least=settings.least_together, most=1)
        return _none("all_declined" if fits else "nothing_fits", language)
    return views.Suggestion(
        offers=tuple(
            _offer(pair, by_pair[pair.first_id, pair.second_id], shown, language) for pair in chosen
        )
    )


def _standing(
    connection: Connection, desk: Desk, customer: views.CustomerBrief, call_id: str | None
) -> tuple[gates.Standing, dict[int, Any]]:
    values = {"customer_id": customer.id}
    kinds = desk.settings.offers.complaint_kinds
    presented = connection.execute(_SHOWN, values).all()
    standing = gates.Standing(
        do_not_contact=customer.do_not_contact,
        open_complaint=open_complaint(connection, customer.id, kinds),
        owned=frozenset(row.product_id for row in connection.execute(_OWNED, values)),
        answers=tuple(
            (row.product_id, row.outcome, row.outcome_at)
            for row in presented
            # what was answered on this very call stays on its card, with the answer
            if row.outcome is not None and row.outcome_at is not None and row.call_id != call_id
        ),
    )
    return standing, {row.product_id: row for row in presented if row.call_id == call_id}


def _offer(pair: Pair, row: Any, shown: dict[int, Any], language: str) -> views.OfferView:
    zh = language.startswith("zh")
    first = row.first_zh if zh and row.first_zh else row.first_en
    name = row.name_zh if zh and row.name_zh else row.name_en
    here = shown.get(pair.second_id)
    return views.OfferView(
        product_id=pair.second_id,
        sku=row.sku,
        name=name,
        pitch=row.pitch_zh if zh and row.pitch_zh else row.pitch_en,
        reason=reason(pair, first, name, language),
        have_both=pair.have_both,
        have_first=pair.have_first,
        score=round(score(pair), 4),
        presentation_id=None if here is None else here.id,
        outcome=None if here is None else here.outcome,
    )


def _none(code: str, language: str) -> views.Suggestion:
    return views.Suggestion(none_because=gates.none_because(code, language))

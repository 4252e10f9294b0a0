"""When nothing is offered, and why: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from service_desk.settings import OfferSettings


class Standing(Struct, frozen=True, kw_only=True):
    """How things are between a customer and us."""

    do_not_contact: bool
    open_complaint: bool
    owned: frozenset[int]
    answers: tuple[tuple[int, str, datetime], ...] = ()  # product, outcome, when


WORDS = {
    "off": ("offers are switched off", "推荐功能已关闭"),
    "unknown": ("we do not know who this is", "对方身份未知"),
    "do_not_contact": ("asked not to be contacted", "客户要求勿扰"),
    "open_complaint": ("open complaint", "有未结投诉"),
    "nothing_held": ("no purchases to go by", "没有可参考的购买记录"),
    "nothing_fits": ("nothing that goes with what they have", "没有合适的搭配产品"),
    "all_declined": ("recently said no to what would fit", "最近已谢绝合适的产品"),
}


def none_because(code: str, language: str) -> str:
    """The reason for no offer in words."""
    english, chinese = WORDS[code]
    return chinese if language.startswith("zh") else english


def closed(standing: Standing, settings: OfferSettings) -> str | None:
    """Why nothing at all may be offered, None if something may."""
    if not settings.enabled:
        return "off"
    if standing.do_not_contact:
        return "do_not_contact"
    if standing.open_complaint:
        return "open_complaint"
    if not standing.owned:
        return "nothing_held"
    return None


def resting(
    answers: Iterable[tuple[int, str, datetime]], now: datetime, settings: OfferSettings
) -> frozenset[int]:
    """Products that were answered so lately that they are not offered again yet."""
    rest = {
        "declined": timedelta(days=settings.declined_rest_days),
        "later": timedelta(days=settings.later_rest_days),
        "accepted": timedelta(days=settings.declined_rest_days),
    }
    return frozenset(
        product for product, outcome, at in answers if outcome in rest and now - at < rest[outcome]
    )

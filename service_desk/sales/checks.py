"""What a product and a purchase must be, whoever says so: the API, or a line of a file. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from service_desk.actions import checks
from service_desk.errors import BadValue

MOST_PRICE: Final = 10**12  # minor units
LONGEST_KEY: Final = 80
DERIVED: Final = "~"  # begins a line key that was made of the line itself
_CURRENCY = re.compile(r"\A[A-Z]{3}\Z")

_TEXTS: Final[Mapping[str, tuple[int, int]]] = {  # most and least characters
    "sku": (40, 1),
    "name_en": (200, 1),
    "name_zh": (200, 0),
    "pitch_en": (300, 0),
    "pitch_zh": (300, 0),
    "category": (40, 0),
}


def product_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a product that are given, checked. Raises BadValue."""
    values: dict[str, Any] = {
        name: checks.line(name, given[name], most=most, least=least)
        for name, (most, least) in _TEXTS.items()
        if name in given
    }
    return values | _priced(given) | ({"active": given["active"]} if "active" in given else {})


def purchase_values(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a purchase that are given, checked. Raises BadValue."""
    values = _priced(given)
    if "bought_at" in given:
        at: datetime = given["bought_at"]
        values["bought_at"] = checks.moment("bought_at", at)
    if given.get("line_key") is not None:
        values["line_key"] = line_key(given["line_key"])
    return values


def line_key(text: str) -> str:
    """What names a purchase where it comes from. Raises BadValue."""
    key = checks.line("line_key", text, most=LONGEST_KEY)
    if key.startswith(DERIVED):
        raise BadValue("line_key", "must not begin with {sign}", sign=DERIVED)
    return key


def _priced(given: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "price" in given:
        if not 0 <= given["price"] <= MOST_PRICE:
            raise BadValue("price", "is no believable price")
        values["price"] = given["price"]
    if "currency" in given:
        if not _CURRENCY.match(given["currency"]):
            raise BadValue("currency", "is three capital letters, such as EUR")
        values["currency"] = given["currency"]
    return values

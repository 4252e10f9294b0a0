"""A file of products: a line each, known by its sku."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from service_desk.desk import Desk
from service_desk.errors import BadValue
from service_desk.imports.lines import Columns, Line
from service_desk.imports.run import Brought, Refused
from service_desk.imports.values import BadLine, amount, yes_or_no
from service_desk.model import Product
from service_desk.sales.checks import product_values

_TEXTS: Final = ("sku", "name_en", "name_zh", "pitch_en", "pitch_zh", "category")
_READ: Final[Mapping[str, Callable[[str], Any]]] = {
    "price": lambda text: amount("price", text),
    "currency": str.upper,
    "active": lambda text: yes_or_no("active", text),
}


class Products:
    """Made if the sku is new, changed if something else is said of it. A column that a file does
    not have stays as it was; so does a price, a currency or `active` whose field is empty."""

    columns = Columns(
        needed=("sku", "name_en", "price"),
        known=(*_TEXTS, *_READ),
        other={"name": "name_en", "pitch": "pitch_en"},
    )

    def __init__(self, desk: Desk) -> None:
        self._currency = desk.settings.currency

    def bring(self, connection: Connection, lines: list[Line], refused: Refused) -> Brought:
        """See `run.Kind`. Of two lines with one sku the later is right."""
        brought = Brought()
        known = {
            row.sku: dict(row._mapping)
            for row in connection.execute(
                select(Product).where(Product.sku.in_([line.values["sku"] for line in lines]))
            )
        }
        for line in lines:
            try:
                given = _given(line.values)
            except (BadLine, BadValue) as error:
                refused(line.number, str(error))
                continue
            there = known.get(given["sku"])
            if there is None:
                if "price" not in given:
                    refused(line.number, "price: a new product needs one")
                    continue
                known[given["sku"]] = self._make(connection, given)
                brought.made += 1
            elif given.items() <= there.items():
                brought.same += 1
            else:
                connection.execute(update(Product).where(Product.id == there["id"]).values(given))
                there.update(given)
                brought.changed += 1
        return brought

    def _make(self, connection: Connection, given: dict[str, Any]) -> dict[str, Any]:
        row = {"currency": self._currency, **given}
        made = connection.execute(insert(Product), row)
        key = made.inserted_primary_key
        return {**row, "id": key[0] if key else 0}


def _given(values: Mapping[str, str]) -> dict[str, Any]:
    texts = {name: values[name] for name in _TEXTS if name in values}
    read = {name: to(values[name]) for name, to in _READ.items() if values.get(name)}
    return product_values(texts | read)

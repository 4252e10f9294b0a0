"""A file of purchases: a line each, known by its key."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Connection, insert, select, update

from service_desk.desk import Desk
from service_desk.errors import BadValue
from service_desk.imports.lines import Columns, Line
from service_desk.imports.run import Brought, Refused
from service_desk.imports.values import BadLine, amount, moment
from service_desk.model import ContactPoint, Customer, Product, Purchase
from service_desk.phone_number import understand
from service_desk.sales.checks import DERIVED, purchase_values

WHO: Final = ("customer_id", "external_id", "number")
# In memory, some 100 bytes each, to tell lines without a key from each other that say the same.
MOST_UNKEYED: Final = 2_000_000
_DIGITS: Final = 16  # of an id


class _Known(Struct, frozen=True):
    """What the lines of a portion speak of, as the database has it."""

    products: Mapping[str, Any]
    customers: Mapping[tuple[str, str], frozenset[int]]  # by (column, value)
    lines: dict[str, dict[str, Any]]


class Purchases:
    """Made if the key is new, changed if something else is said under it.

    A line without a key gets one made of what it says: said again, in whatever file, it is the same
    purchase; two that say the same in one file are two.
    """

    columns = Columns(
        needed=("sku", "bought_at"),
        known=(*WHO, "sku", "bought_at", "price", "currency", "line_key"),
        other={"phone": "number", "key": "line_key", "date": "bought_at"},
    )

    def __init__(self, desk: Desk) -> None:
        self._region = desk.settings.region
        self._zone = ZoneInfo(desk.settings.time_zone)
        self._alike: Counter[bytes] = Counter()

    def bring(self, connection: Connection, lines: list[Line], refused: Refused) -> Brought:
        """See `run.Kind`."""
        brought = Brought()
        rows: list[tuple[int, dict[str, Any]]] = []
        known = self._known(connection, lines)
        for line in lines:
            try:
                rows.append((line.number, self._row(line.values, known)))
            except (BadLine, BadValue) as error:
                refused(line.number, str(error))
        known.lines.update(_by_key(connection, [row["line_key"] for _, row in rows]))
        for number, row in rows:
            try:
                self._write(connection, row, known.lines, brought)
            except BadLine as error:
                refused(number, str(error))
        return brought

    def _write(
        self,
        connection: Connection,
        row: dict[str, Any],
        known: dict[str, dict[str, Any]],
        brought: Brought,
    ) -> None:
        there = known.get(row["line_key"])
        if there is None:
            made = connection.execute(insert(Purchase), row)
            key = made.inserted_primary_key
            known[row["line_key"]] = {**row, "id": key[0] if key else 0}
            brought.made += 1
        elif row.items() <= there.items():
            brought.same += 1
        elif there["customer_id"] != row["customer_id"]:
            raise BadLine(f"line_key: {row['line_key']!r} is another customer's purchase")
        else:
            connection.execute(update(Purchase).where(Purchase.id == there["id"]).values(row))
            there.update(row)
            brought.changed += 1

    def _row(self, values: Mapping[str, str], known: _Known) -> dict[str, Any]:
        customer_id = self._customer(values, known)
        product = known.products.get(values["sku"])
        if product is None:
            raise BadLine(f"sku: there is no product {values['sku'][:40]!r}")
        said: dict[str, Any] = {"bought_at": moment("bought_at", values["bought_at"], self._zone)}
        if price := values.get("price"):
            said["price"] = amount("price", price)
        if currency := values.get("currency"):
            said["currency"] = currency.upper()
        if key := values.get("line_key"):
            said["line_key"] = key
        checked = purchase_values(said)
        if "line_key" not in checked:
            checked["line_key"] = self._derived(customer_id, product.id, checked)
        whose = {"customer_id": customer_id, "product_id": product.id}
        return {"price": product.price, "currency": product.currency} | checked | whose

    def _derived(self, customer_id: int, product_id: int, said: Mapping[str, Any]) -> str:
        text = f"{customer_id} {product_id} {said['bought_at'].isoformat()} "
        text += f"{said.get('price', '')} {said.get('currency', '')}"
        digest = hashlib.sha256(text.encode()).digest()[:20]
        if len(self._alike) >= MOST_UNKEYED:
            raise BadLine(f"line_key: is needed in a file of more than {MOST_UNKEYED:,} lines")
        self._alike[digest] += 1
        return f"{DERIVED}{digest.hex()}-{self._alike[digest]}"

    # Who

    def _customer(self, values: Mapping[str, str], known: _Known) -> int:
        column = next((name for name in WHO if values.get(name)), None)
        if column is None:
            raise BadLine(f"whose is it? One of {', '.join(WHO)} is needed")
        wanted = self._wanted(column, values[column])
        found = known.customers.get((column, wanted), frozenset())
        if len(found) == 1:
            return next(iter(found))
        how = "no customer has" if not found else f"{len(found)} customers have"
        return _refuse(f"{column}: {how} {values[column][:40]!r}")

    def _wanted(self, column: str, value: str) -> str:
        """What is looked for. Raises BadLine for what can be nobody's."""
        if column == "number":
            number = understand(value, self._region)
            if number.kind != "number":
                raise BadLine(f"number: {value[:40]!r} is no telephone number")
            return number.e164
        if column == "customer_id" and not (
            value.isascii() and value.isdigit() and len(value) < _DIGITS
        ):
            raise BadLine(f"customer_id: {value[:40]!r} is no id")
        return value

    def _known(self, connection: Connection, lines: Iterable[Line]) -> _Known:
        wanted: dict[str, set[str]] = {name: set() for name in WHO}
        for line in lines:
            for name in WHO:
                if line.values.get(name):
                    try:
                        wanted[name].add(self._wanted(name, line.values[name]))
                    except BadLine:
                        continue  # said when its line is read
        skus = {line.values["sku"] for line in lines}
        products = connection.execute(select(Product).where(Product.sku.in_(skus)))
        return _Known(
            products={row.sku: row for row in products},
            customers=_customers(connection, wanted),
            lines={},
        )


def _refuse(why: str) -> int:
    raise BadLine(why)


def _customers(
    connection: Connection, wanted: Mapping[str, Collection[str]]
) -> dict[tuple[str, str], frozenset[int]]:
    ids = [int(each) for each in wanted["customer_id"]]
    asked = {
        "customer_id": select(Customer.id, Customer.id).where(Customer.id.in_(ids)),
        "external_id": select(Customer.external_id, Customer.id).where(
            Customer.external_id.in_(wanted["external_id"])
        ),
        "number": select(ContactPoint.value, ContactPoint.customer_id).where(
            ContactPoint.kind == "phone", ContactPoint.value.in_(wanted["number"])
        ),
    }
    found: dict[tuple[str, str], frozenset[int]] = {}
    for name, statement in asked.items():
        if wanted[name]:
            for value, customer_id in connection.execute(statement):
                key = name, str(value)
                found[key] = found.get(key, frozenset()) | {customer_id}
    return found


def _by_key(connection: Connection, keys: list[str]) -> dict[str, dict[str, Any]]:
    rows = connection.execute(select(Purchase).where(Purchase.line_key.in_(keys)))
    return {row.line_key: dict(row._mapping) for row in rows}

"""Watches how many rows each transaction of a desk writes; and a little data to write about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Connection, event, insert

from service_desk.desk import Desk
from service_desk.model import Customer, Purchase

AT = datetime(2026, 3, 1, tzinfo=UTC)


class Portions:
    """`sizes`: the rows of each transaction that was committed, 0 for one that only read."""

    def __init__(self, desk: Desk) -> None:
        self.sizes: list[int] = []
        self._rows = 0
        self._engine = desk._plain or desk.engine.sync_engine
        self._heard = {"after_cursor_execute": self._ran, "commit": self._committed}

    @property
    def largest(self) -> int:
        return max(self.sizes, default=0)

    def forget(self) -> None:
        self.sizes.clear()
        self._rows = 0

    def _ran(
        self, _c: Any, cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        if not statement.startswith(("INSERT", "UPDATE", "DELETE")):
            return
        self._rows += len(values) if many else max(cursor.rowcount, 1)

    def _committed(self, _connection: Connection) -> None:
        self.sizes.append(self._rows)
        self._rows = 0

    def __enter__(self) -> Self:
        for name, heard in self._heard.items():
            event.listen(self._engine, name, heard)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, heard in self._heard.items():
            event.remove(self._engine, name, heard)


def customers_of(connection: Connection, many: int) -> None:
    """Customers 1 to `many`."""
    connection.execute(
        insert(Customer),
        [
            {"id": n, "name": f"C{n}", "name_key": f"c{n}", "created_at": AT, "changed_at": AT}
            for n in range(1, many + 1)
        ],
    )


def bought(connection: Connection, held: Mapping[int, Sequence[int]]) -> None:
    """Customer -> the products they bought, for a euro each."""
    connection.execute(
        insert(Purchase),
        [
            {
                "customer_id": who,
                "product_id": product,
                "bought_at": AT,
                "price": 100,
                "currency": "EUR",
            }
            for who, products in held.items()
            for product in products
        ],
    )

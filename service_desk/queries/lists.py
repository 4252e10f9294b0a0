"""What card, case and customer page list alike: each list is read and counted by one statement.

Of nobody (a call that has no customer, or no case, yet) there is nothing to list, and nothing is
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection

from service_desk import views
from service_desk.desk import Desk
from service_desk.queries import briefs, dealings
from service_desk.queries.panels import Panels

T = TypeVar("T")


class Lists:
    """The lists of one screen, in `language`; how many there are stands in the panels' totals."""

    def __init__(self, connection: Connection, desk: Desk, language: str, panels: Panels) -> None:
        self._connection = connection
        self._language = language
        self._panels = panels
        self._titles = desk.settings.titles
        self._targets = desk.settings.targets(language)
        self._now = desk.clock.now()

    def of(
        self,
        panel: views.Panel,
        most: int,
        wanted: briefs.Wanted,
        values: Mapping[str, Any],
        into: Callable[[Sequence[Any]], tuple[T, ...]],
    ) -> tuple[T, ...]:
        """At most so many rows of a statement without a limit of its own, as `into` shows them."""
        return self._listed(
            panel,
            most,
            lambda most: into(self._connection.execute(wanted.limit(most), values).all()),
            wanted,
            values,
        )

    def cases(
        self, most: int, wanted: briefs.Wanted, values: Mapping[str, Any]
    ) -> tuple[views.CaseBrief, ...]:
        """Rows of `briefs.CASES`."""
        return self.of(
            "cases",
            most,
            wanted,
            values,
            lambda rows: tuple(briefs.brief_of_case(row, self._titles) for row in rows),
        )

    def open_cases(
        self, most: int, customer_id: int | None, *, but: int | None
    ) -> tuple[views.CaseBrief, ...]:
        """A customer's open cases, `but` one."""
        return self._listed(
            "cases",
            most,
            lambda most: (
                ()
                if customer_id is None
                else briefs.open_cases(self._connection, customer_id, self._titles, most, but=but)
            ),
            briefs.OPEN_CASES,
            {"customer_id": customer_id, "own": but or 0},
        )

    def conversations(
        self, most: int, wanted: briefs.Wanted, values: Mapping[str, Any]
    ) -> tuple[views.ConversationBrief, ...]:
        """Rows of `dealings.CONVERSATIONS`."""
        return self.of(
            "conversations",
            most,
            wanted,
            values,
            lambda rows: dealings.conversations(self._connection, rows, self._titles),
        )

    def timeline(self, most: int, case_id: int | None) -> tuple[views.TimelineEntry, ...]:
        """What happened on a case and on its calls."""
        language, targets = self._language, self._targets
        return self._listed(
            "timeline",
            most,
            lambda most: (
                ()
                if case_id is None
                else dealings.timeline(self._connection, case_id, language, most, targets=targets)
            ),
            dealings.TIMELINE,
            {"case_id": case_id},
        )

    def products(self, most: int, customer_id: int | None) -> tuple[views.Product, ...]:
        """What a customer bought."""
        return self._listed(
            "products",
            most,
            lambda most: (
                ()
                if customer_id is None
                else dealings.products(self._connection, customer_id, self._language, most)
            ),
            dealings.PRODUCTS,
            {"customer_id": customer_id},
        )

    def promises_to(self, most: int, customer_id: int | None) -> tuple[views.Promise, ...]:
        """What is promised to a customer."""
        return self._listed(
            "promises",
            most,
            lambda most: (
                ()
                if customer_id is None
                else dealings.promises_to(self._connection, customer_id, self._now, most)
            ),
            dealings.PROMISES_TO,
            {"customer_id": customer_id},
        )

    def promises(
        self, most: int, wanted: briefs.Wanted, values: Mapping[str, Any]
    ) -> tuple[views.Promise, ...]:
        """Rows of `dealings.PROMISES`."""
        return self.of(
            "promises",
            most,
            wanted,
            values,
            lambda rows: tuple(dealings.promise(row, self._now) for row in rows),
        )

    def _listed(
        self,
        panel: views.Panel,
        most: int,
        read: Callable[[int], tuple[T, ...]],
        wanted: briefs.Wanted,
        values: Mapping[str, Any],
    ) -> tuple[T, ...]:
        def count() -> int:
            return briefs.count(self._connection, wanted, values)

        return self._panels.listed(panel, most, read, count)

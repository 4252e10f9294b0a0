"""Counting what is bought together: anew now and then, never while a card is built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import combinations, groupby
from typing import Final

from sqlalchemy import Connection, select

from service_desk.generations import replace
from service_desk.jobs.work import Work
from service_desk.model import PairCount, Purchase
from service_desk.model.base import table_of

READ: Final = 20_000  # purchases in one look: some 100 ms, in a snapshot of its own
# Who holds more products is a dealer, or an account that many people buy on: what they hold says
# nothing of what goes together, and the pairs of it are its square.
MOST_HELD: Final = 100
MOST_PAIRS: Final = 2_000_000  # in memory, some 300 MB: then the rarer half is left out


class Counting:
    """Pairs of products over many customers, a customer at a time. Pure."""

    def __init__(self, *, most_held: int = MOST_HELD, most_pairs: int = MOST_PAIRS) -> None:
        self._most_held = most_held
        self._most_pairs = most_pairs
        self.buyers: Counter[int] = Counter()
        self.both: Counter[tuple[int, int]] = Counter()  # the smaller id first

    def holds(self, products: Collection[int]) -> None:
        """One customer holds these products, each named once."""
        if len(products) > self._most_held:
            return
        self.buyers.update(products)
        self.both.update(combinations(sorted(products), 2))
        if len(self.both) > self._most_pairs:
            rare = sorted(self.both.values())[len(self.both) // 2]
            self.both = Counter({pair: n for pair, n in self.both.items() if n > rare})

    def rows(self, least: int) -> Iterator[dict[str, int]]:
        """Each pair both ways, as the table has it, if it was seen at least so often."""
        for pair, together in self.both.items():
            if together < least:
                continue
            for first, second in (pair, pair[::-1]):
                yield {
                    "first_id": first,
                    "second_id": second,
                    "have_first": self.buyers[first],
                    "have_both": together,
                }


async def refresh(work: Work) -> int:
    """Count all pairs anew; how many there are. Those too rare to be offered are not kept."""
    counting = Counting()
    after: int | None = 0
    while after is not None:
        after = await work.read(_count, counting, after, READ)
    least = work.desk.settings.offers.least_together
    return await replace(work, table_of(PairCount), counting.rows(least))


def _count(connection: Connection, counting: Counting, after: int, most: int) -> int | None:
    """Count the customers that follow `after`, as many as have `most` purchases; the last one."""
    following = (
        select(Purchase.customer_id)
        .where(Purchase.customer_id > after)
        .order_by(Purchase.customer_id)
    )
    last = connection.scalar(following.offset(most - 1).limit(1))
    held = select(Purchase.customer_id, Purchase.product_id).where(Purchase.customer_id > after)
    if last is not None:
        held = held.where(Purchase.customer_id <= last)
    rows = connection.execute(held.distinct().order_by(Purchase.customer_id))
    for _, theirs in groupby(rows, key=lambda row: row[0]):
        counting.holds([product for _, product in theirs])
    return last

"""How jobs write: in small portions, with room for others between them, and never half of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from service_desk import generations
from service_desk.actions import customer as customers
from service_desk.actor import SYSTEM
from service_desk.demo_people import load_catalogue
from service_desk.desk import Desk, connect
from service_desk.errors import Conflict
from service_desk.jobs import runs
from service_desk.jobs.work import PORTION, Work
from service_desk.lease import take
from service_desk.model import CustomerWorth, PairCount
from service_desk.model.base import table_of
from service_desk.offers import counts, value
from service_desk.offers.counts import Counting
from service_desk.queries.customer_page import customer_page
from service_desk.queries.search import search
from tests.service_desk.portions import Portions, bought, customers_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PAIR = table_of(PairCount)


@pytest.fixture
def portions(desk: Desk) -> Iterator[Portions]:
    with Portions(desk) as watching:
        yield watching


def pairs(many: int) -> list[dict[str, int]]:
    """So many rows of `pair_count`, of products 1 to 40."""
    return [
        {"first_id": 1 + n % 40, "second_id": 1 + n // 40, "have_first": 9, "have_both": n}
        for n in range(many)
    ]


async def test_no_transaction_writes_more_than_a_portion(desk: Desk, portions: Portions) -> None:
    """Whatever is computed: 1,200 customers valued twice, so that old ones are deleted too."""
    await desk.transact(customers_of, 1200)
    portions.forget()
    work = Work(desk, pause=no_pause)
    assert await value.refresh(work) == 1200
    assert await value.refresh(work) == 1200
    assert portions.largest == PORTION
    assert sum(portions.sizes) >= 3 * 1200  # both generations written, one deleted


async def no_pause(_seconds: float) -> None: ...


async def test_others_get_their_turn_after_each_portion(
    desk: Desk, migrated_url: str, portions: Portions
) -> None:
    """In every pause another process' desk commits: no lock is held then, by nobody."""
    await desk.transact(load_catalogue)
    other = Desk(connect(migrated_url))
    commits = 0

    async def pause(seconds: float) -> None:
        nonlocal commits
        assert seconds > 0
        await customers.create_customer(other, name="Meanwhile", by=SYSTEM)
        commits += 1

    portions.forget()
    await generations.replace(Work(desk, pause=pause, portion=100), PAIR, pairs(1000))
    await other.close()
    assert commits == 11  # ten portions, and the one that makes them the ones that are read
    assert len([size for size in portions.sizes if size]) == 11


async def test_nothing_is_half_there(desk: Desk) -> None:
    """At each pause of a refresh the readers see the old rows or the new ones, all of them."""
    await desk.transact(load_catalogue)
    seen: list[set[int]] = []

    def read(connection: Connection) -> set[int]:
        statement = select(PairCount.have_both).where(
            PairCount.generation == generations.current(PAIR)
        )
        return set(connection.scalars(statement))

    async def look(_seconds: float) -> None:
        seen.append(await desk.fetch(read))

    work = Work(desk, pause=look, portion=7)
    await generations.replace(work, PAIR, pairs(30))
    old = set(range(30))
    assert set(map(frozenset, seen)) == {frozenset(), frozenset(old)}
    seen.clear()
    new = [{**row, "have_both": 1000 + row["have_both"]} for row in pairs(40)]
    await generations.replace(work, PAIR, new)
    whole = {1000 + n for n in range(40)}
    assert set(map(frozenset, seen)) == {frozenset(old), frozenset(whole)}
    assert [seen[0], seen[-1]] == [old, whole]
    left = await desk.fetch(lambda c: len(c.execute(select(PairCount)).all()))
    assert left == 40


async def test_a_refresh_that_was_cut_off_leaves_nothing_behind(desk: Desk) -> None:
    """Half a generation is neither read nor kept by the next."""
    await desk.transact(load_catalogue)
    await generations.replace(Work(desk, pause=no_pause), PAIR, pairs(10))

    async def dies(_seconds: float) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await generations.replace(Work(desk, pause=dies, portion=5), PAIR, pairs(20))
    assert await generations.replace(Work(desk, pause=no_pause), PAIR, pairs(3)) == 3
    assert await desk.fetch(lambda c: len(c.execute(select(PairCount)).all())) == 3


async def test_who_is_no_owner_any_more_commits_nothing(desk: Desk) -> None:
    """The portion that finds another's name in the lease is rolled back."""
    await desk.transact(load_catalogue)
    mine, other = runs.lease_of_jobs("mine"), runs.lease_of_jobs("other")
    assert await desk.transact(take, other, None, NOW)
    with pytest.raises(Conflict):
        await generations.replace(Work(desk, lease=mine, pause=no_pause), PAIR, pairs(3))
    assert await desk.fetch(lambda c: c.execute(select(PairCount)).all()) == []
    assert await generations.replace(Work(desk, lease=other, pause=no_pause), PAIR, pairs(3)) == 3


baskets = st.lists(st.sets(st.integers(1, 8), max_size=6), max_size=40)


@given(baskets)
def test_pairs_are_counted_as_a_database_would(held: list[set[int]]) -> None:
    """For each two products: who has the first, who has both; both ways."""
    counting = Counting()
    for each in held:
        counting.holds(each)
    rows = {(r["first_id"], r["second_id"]): r for r in counting.rows(1)}
    for first in range(1, 9):
        for second in range(1, 9):
            both = sum({first, second} <= each for each in held) if first != second else 0
            row = rows.get((first, second))
            assert (row["have_both"] if row else 0) == both
            if row:
                assert row["have_first"] == sum(first in each for each in held)


def test_what_is_counted_has_bounds() -> None:
    """A dealer's pairs are not counted; when there are too many pairs the rare ones go."""
    counting = Counting(most_held=3, most_pairs=3)
    counting.holds({1, 2, 3, 4})
    assert not counting.both
    assert not counting.buyers
    for _ in range(5):
        counting.holds({1, 2})
    for other in range(10, 30):
        counting.holds({1, other})
    assert len(counting.both) <= 3
    assert counting.both[1, 2] == 5


@pytest.mark.parametrize("most", [1, 2, 3, 1000])
async def test_counting_does_not_depend_on_the_size_of_a_look(
    desk: Desk, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A customer is counted whole in one look, however small it is."""
    await desk.transact(load_catalogue)
    await desk.transact(customers_of, 6)
    await desk.transact(bought, {1: [1, 2, 2, 3], 2: [1, 2], 4: [1], 6: [2, 1]})
    monkeypatch.setattr(counts, "READ", most)
    monkeypatch.setattr(value, "READ", most)
    work = Work(desk, pause=no_pause)
    desk.settings = type(desk.settings)(offers=type(desk.settings.offers)(least_together=1))
    assert await counts.refresh(work) == 6
    found = await desk.fetch(
        lambda c: {
            (r.first_id, r.second_id): (r.have_first, r.have_both)
            for r in c.execute(select(PairCount))
        }
    )
    assert found[1, 2] == (4, 3)
    assert found[2, 3] == (3, 1)
    assert await value.refresh(work) == 6
    worth = await desk.fetch(lambda c: len(c.execute(select(CustomerWorth)).all()))
    assert worth == 6


async def test_pairs_too_rare_to_be_offered_are_not_kept(desk: Desk) -> None:
    """`least_together` of the settings is 5."""
    await desk.transact(load_catalogue)
    await desk.transact(customers_of, 5)
    await desk.transact(bought, {n: [1, 2] for n in range(1, 6)} | {5: [1, 2, 3]})
    assert await counts.refresh(Work(desk, pause=no_pause)) == 2


async def test_a_new_customer_has_the_lowest_place(desk: Desk) -> None:
    """Until the job has run: shown as D, as nothing is known of them."""
    who = await customers.create_customer(desk, name="New", by=SYSTEM)
    brief = (await customer_page(desk, who)).customer
    assert (brief.segment, brief.value_percentile) == ("D", 1)


async def test_pages_read_one_generation(desk: Desk) -> None:
    """What another run has half written is in no offer, no segment, no order, twice in no list."""
    await desk.transact(load_catalogue)
    await desk.transact(customers_of, 30)
    await desk.transact(bought, {n: [1, 2] for n in range(1, 30)} | {30: [1]})
    work = Work(desk, pause=no_pause)
    await counts.refresh(work)
    await value.refresh(work)
    before = await customer_page(desk, 30)
    assert before.suggestion.offers
    listed = (await search(desk, "C")).customers

    def half(connection: Connection) -> None:
        pair = {"first_id": 1, "second_id": 3, "have_first": 9, "have_both": 9}
        connection.execute(insert(PairCount), {"generation": 2, **pair})
        worth = {"customer_id": 30, "value": 1.0, "percentile": 100, "segment": "A"}
        connection.execute(insert(CustomerWorth), {"generation": 2, **worth})

    await desk.transact(half)
    assert await customer_page(desk, 30) == before
    assert (await search(desk, "C")).customers == listed

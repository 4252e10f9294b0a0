"""Products and purchases out of files, as other programs write them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from service_desk.actions import customer as customers
from service_desk.actor import SYSTEM
from service_desk.desk import Desk
from service_desk.imports import run
from service_desk.imports.lines import BadFile, Columns, Line, Reader
from service_desk.imports.products import Products
from service_desk.imports.purchases import Purchases
from service_desk.imports.run import Brought, bring_in
from service_desk.imports.values import BadLine, amount
from service_desk.jobs.work import Work
from service_desk.model import Job, Product, Purchase
from service_desk.settings import DeskSettings
from tests.service_desk.portions import Portions

COLUMNS = Columns(needed=("a",), known=("a", "b"), other={"also": "b"})


async def no_pause(_seconds: float) -> None: ...


def read(text: str | bytes) -> list[Line]:
    raw = text.encode() if isinstance(text, str) else text
    return list(Reader(io.BytesIO(raw), COLUMNS))


def values(lines: list[Line]) -> list[Any]:
    """(line, what is in a and b) or (line, why not)."""
    return [(x.number, x.why or (x.values["a"], x.values.get("b"))) for x in lines]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_files_of_all_kinds(mark: bytes, end: str, delimiter: str) -> None:
    """With or without a mark, by comma or semicolon; names of columns as people write them."""
    lines = ["A,Also", '"x, y",1', "", '"a ""b""",', "茶,2"]
    text = end.join(lines[:1] + [each.replace(",", delimiter) for each in lines[1:]])
    text = text.replace("A,Also", f"A{delimiter}Also")
    found = values(read(mark + text.encode()))
    comma = f"x{delimiter} y"
    assert found == [(2, (comma, "1")), (4, ('a "b"', "")), (5, ("茶", "2"))]


def test_a_wrong_line_costs_that_line_alone() -> None:
    """A quote that is never closed, bytes that are no text, too many fields, too long a line."""
    text = b'a,b\n1,"open\n2,\xff\n3,4,5\n4,x\0y\n' + b"5," + b"x" * 70_000 + b"\n6,fine\n"
    found = values(read(text))
    assert [number for number, _ in found] == [2, 3, 4, 5, 6, 7]
    assert found[0][1].startswith("is no CSV")
    assert [why for _, why in found[1:5]] == [
        "is not UTF-8",
        "has 3 fields, the header has 2",
        "holds a NUL",
        "is longer than 65,536 bytes",
    ]
    assert found[5] == (7, ("6", "fine"))


def test_a_field_may_hold_lines() -> None:
    """A record is numbered by its first; its field is one line."""
    assert values(read('a,b\n"one\ntwo",2\n3,4\n')) == [(2, ("one two", "2")), (4, ("3", "4"))]


def test_an_inch_is_no_quote() -> None:
    assert values(read('a,b\n5" pipe,1\n6" pipe,2\n')) == [
        (2, ('5" pipe', "1")),
        (3, ('6" pipe', "2")),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "the file is empty"),
        (b"b,c\n", "there is no column a; known: a, b"),
        (b"a,a\n", "the column a is there twice"),
        (b"a,b,also\n", "the column b is there twice"),
        ("a,b\n".encode("utf-16"), "is not UTF-8: save it as UTF-8"),
        (b"\xff\n", "is not UTF-8"),
    ],
)
def test_a_file_that_is_none_is_refused_at_its_first_line(text: bytes, why: str) -> None:
    with pytest.raises(BadFile, match=why) as raised:
        read(text)
    assert raised.value.number == 1


def test_columns_that_nobody_knows_are_told() -> None:
    assert Reader(io.BytesIO(b"Colour,a,,B\n"), COLUMNS).passed_over == ("Colour", "")


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(raw: bytes) -> None:
    """Every line is read or told; each number once, in order."""
    numbers = [line.number for line in Reader(io.BytesIO(b"a,b\n" + raw), COLUMNS)]
    assert numbers == sorted(set(numbers))


@given(st.integers(0, 10**12 - 1))
def test_amounts(minor: int) -> None:
    """By dot or comma; nothing that could be two amounts."""
    for sign in ".,":
        assert amount("price", f"{minor // 100}{sign}{minor % 100:02}") == minor


@pytest.mark.parametrize("text", ["1.234", "1,234.50", "-1", "1e3", "٣", "", " 1", "1 €"])
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadLine, match="is no amount"):
        amount("price", text)


# Into the database

Bring = Callable[..., Any]
PRODUCTS = "sku,name,price,name_zh\nPR-1,Printer,99.00,打印机\nTN-1,Toner,19.9,\n"
BOUGHT = "number;sku;bought_at;price\n030 901820;PR-1;2026-03-02;98,50\n"


class Told:
    """What became of a file."""

    def __init__(self, brought: Brought, refused: list[tuple[int, str]]) -> None:
        self.counts = (brought.made, brought.changed, brought.same, brought.refused)
        self.refused = refused


@pytest.fixture
def bring(desk: Desk) -> Bring:
    async def bring_it(kind: Any, text: str) -> Told:
        refused: list[tuple[int, str]] = []
        brought = await bring_in(
            Work(desk, pause=no_pause),
            kind(desk),
            io.BytesIO(text.encode()),
            by=SYSTEM,
            refused=lambda line, why: refused.append((line, why)),
        )
        return Told(brought, refused)

    return bring_it


async def rows(desk: Desk, noun: Any) -> list[dict[str, Any]]:
    return await desk.fetch(
        lambda c: [dict(row._mapping) for row in c.execute(select(noun).order_by(noun.id))]
    )


@pytest.fixture
async def chen(desk: Desk) -> int:
    return await customers.create_customer(
        desk, name="Chen", phones=["+49 30 901820"], external_id="K 7", by=SYSTEM
    )


async def test_products_are_made_once_and_changed_when_they_change(
    desk: Desk, bring: Bring
) -> None:
    """The same file again changes nothing; a column that is not there stays as it was."""
    assert (await bring(Products, PRODUCTS)).counts == (2, 0, 0, 0)
    assert (await bring(Products, PRODUCTS)).counts == (0, 0, 2, 0)
    assert (await bring(Products, "sku,name,price\nTN-1,Toner black,\n")).counts == (0, 1, 0, 0)
    first, second = await rows(desk, Product)
    assert (first["name_zh"], first["price"], first["currency"]) == ("打印机", 9900, "EUR")
    assert (second["name_en"], second["price"], second["active"]) == ("Toner black", 1990, True)
    again = "sku,name,price,active\nTN-1,Toner black,19.90,no\n"
    assert (await bring(Products, again)).counts == (0, 1, 0, 0)
    assert not (await rows(desk, Product))[1]["active"]


async def test_each_wrong_product_is_told_by_its_line(desk: Desk, bring: Bring) -> None:
    """And the others are brought in; of two with one sku the later is right."""
    told = await bring(
        Products,
        "sku,name,price,currency,active\n"
        "A,One,1,,\nB,,1,,\nC,Three,x,,\nD,Four,,,\nE,Five,5,euro,\nF,Six,6,,maybe\n"
        ",Seven,7,,\nA,Eight,8,usd,\nG  H,Nine,9,,\nG H,Nine,9,,\n",
    )
    assert told.counts == (2, 1, 1, 6)
    assert told.refused == [
        (3, "name_en: must not be empty"),
        (4, "price: 'x' is no amount: write it like 1234.50"),
        (5, "price: a new product needs one"),
        (6, "currency: is three capital letters, such as EUR"),
        (7, "active: 'maybe' is neither yes nor no"),
        (8, "sku: must not be empty"),
    ]
    assert [(p["sku"], p["name_en"], p["currency"]) for p in await rows(desk, Product)] == [
        ("A", "Eight", "USD"),
        ("G H", "Nine", "EUR"),
    ]


async def test_a_purchase_is_its_customers_by_number_or_id(
    desk: Desk, bring: Bring, chen: int
) -> None:
    """A number in any form; a date is the company's; a price left out is the product's."""
    desk.settings = DeskSettings(region="DE", time_zone="Europe/Berlin")
    await bring(Products, PRODUCTS)
    told = await bring(
        Purchases,
        "number,external_id,customer_id,sku,bought_at,price,currency,key\n"
        "030 901820,,,PR-1,2026-03-02,98.5,,o1\n"
        ",k 7,,PR-1,2026-03-02,,,o2\n"
        ",K  7,,PR-1,2026-03-02T14:30,,chf,o3\n"
        f",,{chen},TN-1,2026-03-02T14:30Z,0,,o4\n",
    )
    assert told.refused == [(3, "external_id: no customer has 'k 7'")]
    assert told.counts == (3, 0, 0, 1)
    found = await rows(desk, Purchase)
    assert {each["customer_id"] for each in found} == {chen}
    assert [(each["bought_at"], each["price"], each["currency"]) for each in found] == [
        (datetime(2026, 3, 1, 23, tzinfo=UTC), 9850, "EUR"),
        (datetime(2026, 3, 2, 13, 30, tzinfo=UTC), 9900, "CHF"),
        (datetime(2026, 3, 2, 14, 30, tzinfo=UTC), 0, "EUR"),
    ]


async def test_each_wrong_purchase_is_told_by_its_line(desk: Desk, bring: Bring, chen: int) -> None:
    """A number of two customers is nobody's: nothing is guessed."""
    for name in ("A", "B"):
        await customers.create_customer(desk, name=name, phones=["+49 30 111222"], by=SYSTEM)
    await bring(Products, PRODUCTS)
    told = await bring(
        Purchases,
        "number,customer_id,sku,bought_at,key\n"
        "+49 30 901820,,XX,2026-03-02,\n"
        "+49 30 111222,,PR-1,2026-03-02,\n"
        "+49 30 999999,,PR-1,2026-03-02,\n"
        "hello,,PR-1,2026-03-02,\n"
        ",x,PR-1,2026-03-02,\n"
        ",,PR-1,2026-03-02,\n"
        "+49 30 901820,,PR-1,02.03.2026,\n"
        "+49 30 901820,,PR-1,1926-03-02,\n"
        "+49 30 901820,,PR-1,2026-03-02,~k\n"
        f",{10**15 - 1},PR-1,2026-03-02,\n"
        "+49 30 901820,,PR-1,0001-01-01T00:00+14:00,\n",
    )
    assert told.counts == (0, 0, 0, 11)
    assert [why for _, why in told.refused] == [
        "sku: there is no product 'XX'",
        "number: 2 customers have '+49 30 111222'",
        "number: no customer has '+49 30 999999'",
        "number: 'hello' is no telephone number",
        "customer_id: 'x' is no id",
        "whose is it? One of customer_id, external_id, number is needed",
        "bought_at: '02.03.2026' is no date: write it like 2026-03-02 or 2026-03-02T14:30",
        "bought_at: is no believable date",
        "line_key: must not begin with ~",
        f"customer_id: no customer has '{10**15 - 1}'",
        "bought_at: '0001-01-01T00:00+14:00' is no believable date",
    ]


async def test_the_same_file_again_changes_nothing(desk: Desk, bring: Bring, chen: int) -> None:
    """With keys or without: two lines that say the same are two purchases, and stay two."""
    await bring(Products, PRODUCTS)
    text = BOUGHT + BOUGHT.splitlines()[1] + "\n"
    assert (await bring(Purchases, text)).counts == (2, 0, 0, 0)
    before = await rows(desk, Purchase)
    assert (await bring(Purchases, text)).counts == (0, 0, 2, 0)
    assert await rows(desk, Purchase) == before
    # in other order, beside something new
    more = BOUGHT + "030901820;TN-1;2026-03-03;\n" + BOUGHT.splitlines()[1] + "\n"
    assert (await bring(Purchases, more)).counts == (1, 0, 2, 0)


async def test_a_key_is_one_purchase_and_may_be_put_right(
    desk: Desk, bring: Bring, chen: int
) -> None:
    """Another price is a change; another customer is a mistake somewhere."""
    await customers.create_customer(desk, name="Other", phones=["+49 30 111222"], by=SYSTEM)
    await bring(Products, PRODUCTS)
    head = "number,sku,bought_at,price,key\n"
    line = "+4930901820,PR-1,2026-03-02,{price},o1\n"
    assert (await bring(Purchases, head + line.format(price=5))).counts == (1, 0, 0, 0)
    assert (await bring(Purchases, head + line.format(price=6))).counts == (0, 1, 0, 0)
    told = await bring(Purchases, head + "+4930111222,PR-1,2026-03-02,6,o1\n")
    assert told.refused == [(2, "line_key: 'o1' is another customer's purchase")]
    [only] = await rows(desk, Purchase)
    assert (only["price"], only["customer_id"]) == (600, chen)


async def test_what_was_cut_off_goes_on(desk: Desk, bring: Bring, chen: int) -> None:
    """The portions that were committed are found again; the rest follows."""
    await bring(Products, PRODUCTS)
    head, line = BOUGHT.splitlines()
    many = 3 * run.PORTION + 7
    text = "\n".join([head, *[line] * many])
    portions = 0

    async def dies(_seconds: float) -> None:
        nonlocal portions
        portions += 1
        if portions == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await bring_in(
            Work(desk, pause=dies),
            Purchases(desk),
            io.BytesIO(text.encode()),
            by=SYSTEM,
            refused=lambda *_: None,
        )
    told = await bring(Purchases, text)
    assert told.counts == (many - 2 * run.PORTION, 0, 2 * run.PORTION, 0)
    assert len(await rows(desk, Purchase)) == many


async def test_a_file_comes_in_portions(desk: Desk, bring: Bring, chen: int) -> None:
    """However long it is; and what is counted of it is asked for when it is through."""
    await bring(Products, PRODUCTS)
    head, line = BOUGHT.splitlines()
    with Portions(desk) as portions:
        await bring(Purchases, "\n".join([head, *[line] * (2 * run.PORTION + 1)]))
    assert portions.largest == run.PORTION
    due = await desk.fetch(lambda c: {row.name: row.due_at for row in c.execute(select(Job))})
    assert due == dict.fromkeys(("pairs", "worth"), desk.clock.now())

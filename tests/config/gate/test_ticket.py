"""What opens the gate, for whom and how long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.gate.ticket import name_on, ticket_of

KEY, OTHER = b"k" * 32, b"o" * 32
NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
NOW = NOON.timestamp()


def test_it_says_whose_it_is_until_its_time_is_over() -> None:
    ticket = ticket_of(KEY, "ava", NOON)
    assert name_on(KEY, ticket, NOW - 1) == "ava"
    assert name_on(KEY, ticket, NOW) == "ava"
    assert name_on(KEY, ticket, NOW + 1) is None


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "ava",
        ticket_of(OTHER, "ava", NOON),
        ticket_of(KEY, "ava", NOON).replace("ava", "ben"),
        ticket_of(KEY, "ava", NOON).replace(".17", ".27"),
        ticket_of(KEY, "ava", NOON)[:-1],
        ticket_of(KEY, "ava", NOON) + "\n",
        "ava.1.." + "A" * 43,
        "ava.99999999999999999999." + "A" * 43,
        "a" * 10_000,
    ],
)
def test_what_we_did_not_make_is_nobodys(forged: str) -> None:
    assert name_on(KEY, forged, NOW - 100) is None


@given(st.text(max_size=120))
def test_nothing_that_is_written_breaks_it(text: str) -> None:
    assert name_on(KEY, text, NOW) is None


def test_it_stands_in_an_address_as_it_is() -> None:
    ticket = ticket_of(KEY, "a-b_c9", NOON)
    assert set(ticket) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")

"""What people type into names and texts: kept as they meant it, refused if nobody could read it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.actions import checks
from service_desk.errors import BadValue


@pytest.mark.parametrize(
    "typed",
    [
        "\u200b",
        "\u200b\u200d\ufeff",
        "\u3164",
        "\u2800\u2800",
        " \u00ad ",
        "\u0301",
        "\u202e",
        "\x07",
    ],
)
def test_nobody_is_called_by_what_cannot_be_seen(typed: str) -> None:
    for check in (checks.name, checks.line, checks.text):
        with pytest.raises(BadValue, match="must not be empty"):
            check("name", typed, most=200)


@pytest.mark.parametrize("typed", ["...", "-", "🙂", "()"])
def test_a_name_has_a_letter_or_a_digit_and_a_text_need_not(typed: str) -> None:
    with pytest.raises(BadValue, match="no letter"):
        checks.name("name", typed, most=200)
    with pytest.raises(BadValue, match="no letter"):
        checks.name("city", typed, most=200, least=0)
    assert checks.line("subject", typed, most=200) == typed
    assert checks.text("text", typed, most=200) == typed


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("王小明", "王小明"),
        ("Åsa\u200b  Öberg", "Åsa Öberg"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # the joiner is part of the word
        ("7-Eleven", "7-Eleven"),
        ("ab\u202ecd", "abcd"),
        ("O\x00'Neil\x1b[31m", "O'Neil[31m"),
        ("3M", "3M"),
    ],
)
def test_names_are_kept_without_what_deceives(typed: str, kept: str) -> None:
    assert checks.name("name", typed, most=200) == kept


@given(st.text(max_size=80))
def test_what_is_let_in_is_seen_and_stays_as_it_is(typed: str) -> None:
    """Cleaned once is clean; nothing that runs backwards or rings a bell is left."""
    try:
        kept = checks.name("name", typed, most=200)
    except BadValue:
        return
    assert checks.name("name", kept, most=200) == kept
    assert any(each.isalnum() or each.isnumeric() for each in kept)
    assert not checks.UNSEEN.search(kept)
    assert not checks.CONTROLS.search(kept)


def test_a_note_keeps_its_lines() -> None:
    assert checks.text("text", " a\r\n\tb\n", most=20) == "a\n\tb"

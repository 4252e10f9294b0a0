"""Numbers as they come from the line: understood, kept, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_desk.case_number import Named, case_named, case_number
from service_desk.phone_number import shown, understand


@pytest.mark.parametrize(
    ("raw", "region", "kind", "e164"),
    [
        ("+49 30 23125001", "DE", "number", "+493023125001"),
        ("030 23125001", "DE", "number", "+493023125001"),
        ("0049 30 23125001", "DE", "number", "+493023125001"),
        ("(020) 7946-0018", "GB", "number", "+442079460018"),
        ("493023125001", "US", "number", "+493023125001"),
        ("+86 21 5555 0142", "DE", "number", "+862155550142"),
        ("sip:+493023125001@carrier.example;user=phone", "US", "number", "+493023125001"),
        ("101", "DE", "extension", ""),
        ("anonymous", "DE", "withheld", ""),
        ("Anonymous", "DE", "withheld", ""),
        ("unknown", "DE", "withheld", ""),
        ("", "DE", "withheld", ""),
        ("   ", "DE", "withheld", ""),
        ("<unknown>", "DE", "withheld", ""),
        ("+", "DE", "malformed", ""),
        ("+0", "DE", "malformed", ""),
        ('"><img src=x onerror=alert(1)>', "DE", "malformed", ""),
        ("12345678901234567890123", "DE", "malformed", ""),
        ("9" * 5000, "DE", "malformed", ""),
    ],
)
def test_what_a_number_means(raw: str, region: str, kind: str, e164: str) -> None:
    """National, international, without a plus, withheld, an extension, garbage."""
    number = understand(raw, region)
    assert (number.kind, number.e164) == (kind, e164)


def test_the_raw_form_is_kept() -> None:
    """What was dialled is never thrown away."""
    assert understand("030 23125001", "DE").raw == "030 23125001"


def test_the_country_is_a_setting() -> None:
    """The same digits are somebody else's number in another country."""
    assert understand("2079460018", "GB").e164 == "+442079460018"
    assert understand("2125550142", "US").e164 == "+12125550142"


def test_numbers_are_shown_as_people_read_them() -> None:
    """International form with spaces."""
    assert shown("+862155550142") == "+86 21 5555 0142"


@given(st.text(max_size=200), st.sampled_from(["DE", "CN", "US", "GB"]))
def test_nothing_raises(raw: str, region: str) -> None:
    """Whatever comes, there is an answer, and its display is one printable line."""
    number = understand(raw, region)
    assert number.kind in ("number", "extension", "withheld", "malformed")
    assert (number.e164 != "") == (number.kind == "number")
    assert number.shown == "" or number.shown.isprintable()


@given(st.integers(2000, 2099), st.integers(1, 10**12 - 1))
def test_a_case_number_leads_back_to_its_case(year: int, case_id: int) -> None:
    """What people say is what we find."""
    assert case_named(case_number(year, case_id)) == Named(case_id, year)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("4711", Named(4711)),
        (" c-2026-004711 ", Named(4711, 2026)),
        ("Ｃ－２０２６－００４７１１", Named(4711, 2026)),
        ("４７１１", Named(4711)),
    ],
)
def test_a_case_is_named_as_people_type_it(text: str, named: Named) -> None:
    assert case_named(text) == named


def test_another_year_is_another_case() -> None:
    named = case_named("C-9999-1")
    assert named is not None
    assert not named.fits(2026)
    assert Named(1).fits(2026)


NONE = ["", "C-", "C-2026-", "x", "12a", "-5", "0", "9" * 40, "C-26-1", "C2026-1", "1-1", "C--1"]


@pytest.mark.parametrize("text", [*NONE, "٤٧١١", "C-2026-1-1", "4711²", "1\n2"])
def test_what_is_no_case_number(text: str) -> None:
    """Other text is none, and no error."""
    assert case_named(text) is None

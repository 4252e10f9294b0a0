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


WHOLE = "+493023125001"


@pytest.mark.parametrize(
    "raw",
    [
        "\u202a+49 30 23125001\u202c",  # as address books copy it
        "\u2066+49 30 23125001\u2069",
        "+49\u200b30\u200d23125001",
        "\ufeff030 23125001",
        "030\u00ad23125001",
        "030\u206023125001\u034f\ufe0f",
        "030\u115f\u3164\u280023125001",
        *(f"030{dash}2312{dash}5001" for dash in "-\u058a\u2010\u2011\u2012\u2013\u2014\u2015"),
        *(
            f"030{dash}2312{dash}5001"
            for dash in "\u2043\u2212\u02d7\u2e3a\ufe58\ufe63\uff0d\u30fb\u2022"
        ),
        *(
            f"030{space}2312{space}5001"
            for space in "\u00a0\u1680\u2003\u2009\u202f\u205f\u3000\u2028"
        ),
        "030\u20442312\u22155001",
        "[030] 2312·5001",
        "\uff0b\uff14\uff19 30 23125001",
        "\u0660\u0663\u0660 23125001",
        "\u279549 30 23125001",
        "030 23125001 ext. 12",
        "030 23125001, Durchwahl 12",
        "+49 30 23125001x12",
        "tel:+493023125001;ext=12",
    ],
)
def test_a_number_is_what_it_looks_like(raw: str) -> None:
    """What cannot be seen is nothing, each dash a dash, each space a space."""
    number = understand(raw, "DE")
    assert (number.e164, number.key, number.raw) == (WHOLE, WHOLE, raw)


@pytest.mark.parametrize(
    "raw",
    ["0", "00", "000000", "0000000000", "+0000000000", "+49000000000", "0049 000 000 000",
     "+10000000000", "00-00-00", "anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid",
     "Private Number", "No Caller ID", "ANONYMOUS", "266696687", "+7378742833", "\u200banonymous",
     "\u200b"],
)  # fmt: skip
def test_what_stands_for_no_number_is_withheld(raw: str) -> None:
    """Else it becomes a number that owns every hidden caller."""
    number = understand(raw, "DE")
    assert (number.kind, number.e164, number.key) == ("withheld", "", "")


@pytest.mark.parametrize("raw", ["88888888", "+6588888888"])
def test_a_number_of_one_digit_may_be_somebodys(raw: str) -> None:
    assert understand(raw, "SG").kind != "withheld"


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        ("4711", "4711@house"),
        ("12", "12@house"),
        ("ext. 12", "12@house"),
        ("Ext 12", "12@house"),
        ("x4711", "4711@house"),
        ("分机 12", "12@house"),
        ("\u202a4711\u202c", "4711@house"),
        ("sip:4711@10.0.0.7", "4711@house"),
    ],
)
def test_an_internal_number_is_one_of_its_system(raw: str, key: str) -> None:
    number = understand(raw, "DE", "house")
    assert (number.kind, number.e164, number.key) == ("extension", "", key)
    assert (number.shown, number.dialled) == (key[:-6], key[:-6])
    assert understand(raw, "DE", "other").key != key
    long = [understand("471100", "DE", "s" * 60 + end).key for end in "ab"]
    assert len(set(long)) == 2
    assert max(map(len, long)) <= 32


@pytest.mark.parametrize(
    ("old", "today"),
    [
        ("+52 1 55 1234 5678", "+525512345678"),
        ("0052 1 55 1234 5678", "+525512345678"),
        ("+229 97 12 34 56", "+2290197123456"),
        ("+54 11 15 2345 6789", "+5491123456789"),
    ],
)
def test_an_old_form_is_the_number_of_today(old: str, today: str) -> None:
    assert understand(old, "DE").e164 == today
    assert understand(today, "DE").e164 == today


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
    assert (number.key != "") == (number.kind in ("number", "extension"))
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

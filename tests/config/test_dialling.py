"""Which outside numbers may be dialled."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import phonenumbers
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from config.dialling import Dialling, dialling_of
from config.settings import load
from ivr.located_yaml import LocatedError

COUNTRIES = ("DE", "US", "CN", "GB", "FR")


def rules(
    *allow: str,
    deny: tuple[str, ...] = (),
    also: tuple[str, ...] = (),
    short: tuple[str, ...] = (),
    premium: bool = False,
    region: str = "DE",
) -> Dialling:
    return Dialling(region, allow, deny, also, short, premium, frozenset({"101"}))


@pytest.mark.parametrize(
    ("typed", "dialled"),
    [
        ("101", "101"),
        ("q-support", "q-support"),
        ("700", "700"),  # a place of parked calls
        ("112", "112"),
        ("116117", "116117"),  # short, and free of charge
        ("030123456", "+4930123456"),
        ("030 123-456", "+4930123456"),
        ("+49 (0)30 5550177", "+49305550177"),
        ("0049305550177", "+49305550177"),
        ("+8613800138000", "+8613800138000"),
    ],
)
def test_what_is_dialled_is_what_was_understood(typed: str, dialled: str) -> None:
    assert rules().reach(typed) == dialled


@pytest.mark.parametrize(
    "typed",
    [
        "09001234567",
        "+499001234567",
        "00499001234567",
        "+49 (0)900 1234567",
        "090x01234567",  # compared once it is whole: never with letters in between
        "+49x9001234567",
        "0900\u200b1234567",
        "01377123456",
        "01371123456",  # shared cost
        "01805123456",
        "0700123456",  # personal numbers
        "0101309001234567",  # call-by-call
        "010130930123456",
        "11899",
        "118500",
        "+4911899",
        "0190123456",
        "*31#09001234567",
        "#31#030123456",
        "*43",
        "+19005551234",  # of other countries
        "+447012345678",
        "+44909123456",
        "+33899123456",
        "+9609001234567",
        "+8821234567890",  # of no country
        "+88216000000",
        "+9791234567890",
        "+2101234567",  # of no country that there is
        "5550177",  # whose area?
        "03",
        "+",
        "",
        "0" * 40,
        "+49" + "3" * 20,
    ],
)
def test_what_is_costly_or_no_number_may_not_be_dialled(typed: str) -> None:
    assert rules().reach(typed) == ""


def test_costly_numbers_may_be_allowed() -> None:
    assert rules(premium=True).reach("09001234567") == "+499001234567"
    assert rules(also=("+49180",)).reach("01805123456") == "+491805123456"
    assert rules(also=("+49180",)).reach("09001234567") == ""
    assert rules(short=("11833",)).reach("11833") == "11833"


@pytest.mark.parametrize("number", ["+39061234567", "0039061234567"])
def test_a_prefix_may_be_denied_however_it_is_dialled(number: str) -> None:
    assert rules(deny=("+39",)).reach(number) == ""
    assert rules(deny=("+39",)).reach("+33123456789")


def test_the_longer_prefix_decides() -> None:
    assert rules("+4930", deny=("+49",)).reach("030123456")
    assert rules("+4930", deny=("+4930",)).reach("030123456") == ""
    assert rules("+49", deny=("+4930",)).reach("030123456") == ""


def test_only_some_prefixes_may_be_allowed_and_help_always() -> None:
    home = rules("+49")
    assert home.reach("0305550177") == "+49305550177"
    assert home.reach("112") == "112"
    assert home.reach("+33123456789") == ""
    assert home.reach("09001234567") == ""
    assert "911" in rules(region="US").emergency


def a_number(region: str, chance: Random) -> str:
    """Some number of a country, digit by digit."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert metadata is not None
    kinds = [metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate]
    pattern = regex.compile(chance.choice([k.national_number_pattern for k in kinds if k]))
    number = ""
    while not pattern.fullmatch(number):
        may = [d for d in "0123456789" if pattern.fullmatch(number + d, partial=True)]
        number += chance.choice(may)
    return number


@pytest.mark.parametrize("region", COUNTRIES)
@given(chance=st.randoms(use_true_random=False))
def test_a_number_is_dialled_at_home_as_from_abroad(region: str, chance: Random) -> None:
    """By any number of the country, as people there write it."""
    number = a_number(region, chance)
    code = phonenumbers.country_code_for_region(region)
    whole = phonenumbers.PhoneNumber(country_code=code, national_number=int(number))
    if not phonenumbers.is_valid_number(whole):
        return
    e164 = phonenumbers.format_number(whole, PhoneNumberFormat.E164)
    one = rules(region=region)
    national = phonenumbers.format_number(whole, PhoneNumberFormat.NATIONAL)
    if not re.sub(r"\D", "", national).startswith((one.plan.national, *one.plan.bare)):
        # Some that nobody writes with the prefix are dialled with it all the same.
        national = f"{one.plan.national}{whole.national_number}"
    from_abroad = one.reach(e164)
    assert from_abroad in {"", e164}
    assert one.reach(national) == from_abroad, national
    assert one.reach(f"{one.plan.abroad}{e164[1:]}") == from_abroad
    costly = phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST
    if phonenumbers.number_type(whole) in costly:
        assert from_abroad == "", e164


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("dialling: {deny: ['0039']}", "no such prefix"),
        ("dialling: {also: ['49']}", "no such prefix"),
        ("dialling: {short: ['*43']}", "no short number"),
        ("dialling: {caps: {night: '25:00-6'}}", "no such hours"),
        ("agents: {eva: {extension: '112'}}", "112 is an emergency number in DE"),
        ("agents: {eva: {extension: '705'}}", "705 is a place of parked calls"),
        (
            "agent_ranges: [{prefix: a, count: 9, contact: 'sip:{name}@10.0.0.7',"
            " extension_from: 105}]",
            "110 would be an emergency number in DE",
        ),
    ],
)
def test_a_wrong_rule_is_refused(tmp_path: Path, text: str, where: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(f"queues: {{support: {{}}}}\n{text}\n")
    with pytest.raises(LocatedError, match=where):
        load(file, {})


def test_the_settings_say_it(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    text = "queues: {support: {}}\nagents: {ava: {extension: '101'}}\n"
    file.write_text(text + "dialling: {deny: ['+39'], also: ['+49180'], short: ['11833']}\n")
    said = rules(deny=("+39",), also=("+49180",), short=("11833",))
    assert dialling_of(load(file, {})) == said

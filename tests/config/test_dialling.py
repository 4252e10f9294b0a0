"""Which outside numbers may be dialled."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.dialling import Dialling, dialling_of
from config.settings import load
from ivr.located_convert import LocatedError


def rules(
    *allow: str, deny: tuple[str, ...] = (), premium: bool = False, region: str = "DE"
) -> Dialling:
    return Dialling(region, allow, deny, premium, frozenset({"101"}))


@pytest.mark.parametrize(
    ("number", "may"),
    [
        ("101", True),
        ("q-support", True),
        ("112", True),
        ("030123456", True),
        ("+8613800138000", True),
        ("*43", True),
        ("09001234567", False),
        ("+499001234567", False),
        ("00499001234567", False),
        ("01377123456", False),
        ("01371123456", True),  # shared cost, not premium
        ("+19005551234", False),  # of another country
    ],
)
def test_by_default_all_but_premium_rate(number: str, may: bool) -> None:
    assert rules().may(number) is may


def test_premium_rate_may_be_allowed() -> None:
    assert rules(premium=True).may("09001234567")
    assert rules(premium=True).denied_patterns() == []


@pytest.mark.parametrize("number", ["+39061234567", "0039061234567"])
def test_a_prefix_may_be_denied_however_it_is_dialled(number: str) -> None:
    assert not rules(deny=("+39",)).may(number)
    assert rules(deny=("+39",)).may("+33123456789")
    assert "_0039!" in rules(deny=("+39",)).denied_patterns()


def test_only_some_prefixes_may_be_allowed_and_help_always() -> None:
    home = rules("+49")
    assert home.may("030123456")
    assert home.may("112")
    assert not home.may("+33123456789")
    assert not home.may("*43")
    assert home.allowed_patterns() == ["_+49!", "_0049!"]
    assert home.emergency_numbers() == ["110", "112"]
    assert "911" in rules(region="US").emergency_numbers()


def test_the_settings_say_it_and_a_wrong_prefix_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    text = "queues: {support: {}}\nagents: {ava: {extension: '101'}}\n"
    file.write_text(text + "dialling: {deny: ['+39']}\n")
    assert dialling_of(load(file, {})) == rules(deny=("+39",))
    file.write_text(text + "dialling:\n  deny: ['0039']\n")
    with pytest.raises(LocatedError, match="no such prefix"):
        load(file, {})

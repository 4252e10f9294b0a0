"""Which outside numbers may be dialled: from the pages (by number), by desk phones (by pattern).

Emergency numbers always may. Premium rate is told by `phonenumbers`; what is not a number of any
country (a carrier's own short code) may be dialled unless only certain prefixes are allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import phonenumbers
from msgspec import Struct
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.shortnumberinfo import is_emergency_number

from config.settings import Settings
from service_desk.phone_number import understand

MOST_EMERGENCY_DIGITS: Final = 4
MOST_PREFIX_DIGITS: Final = 4  # of a range of premium rate, after the country
PREMIUM_OR_NONE: Final = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.UNKNOWN)
FILLINGS: Final = tuple("0123456789")


class Dialling(Struct, frozen=True):
    """The rules of an installation; prefixes are E.164, `+49`. `inside`: agents' extensions."""

    region: str
    allow: tuple[str, ...]
    deny: tuple[str, ...]
    premium: bool
    inside: frozenset[str]

    def may(self, number: str) -> bool:
        """Whether an agent may dial this, or hand a caller on to it."""
        if number in self.inside or number.startswith("q-"):
            return True
        if is_emergency_number(number, self.region):
            return True
        if number.startswith(tuple(pattern[1:-1] for pattern in self.denied_patterns())):
            return False
        e164 = understand(number, self.region).e164
        if not e164:
            return not self.allow
        if not self.premium and _is_premium(e164):
            return False
        return not e164.startswith(self.deny) and (not self.allow or e164.startswith(self.allow))

    def denied_patterns(self) -> list[str]:
        """Asterisk's patterns of what is denied, however it is dialled."""
        prefixes = dict.fromkeys(self.deny)
        if not self.premium:
            code = phonenumbers.country_code_for_region(self.region)
            prefixes |= dict.fromkeys(f"+{code}{p}" for p in premium_prefixes(self.region))
        return [each for prefix in prefixes for each in self._as_dialled(prefix)]

    def allowed_patterns(self) -> list[str]:
        """Asterisk's patterns of the only prefixes that are allowed; none: all others."""
        return [each for prefix in self.allow for each in self._as_dialled(prefix)]

    def emergency_numbers(self) -> list[str]:
        """The short numbers of this country that always may be dialled."""
        return emergency_numbers(self.region)

    def _as_dialled(self, prefix: str) -> Iterator[str]:
        digits = prefix.removeprefix("+")
        metadata = PhoneMetadata.metadata_for_region(self.region)
        code = str(phonenumbers.country_code_for_region(self.region))
        abroad = (metadata.international_prefix or "") if metadata else ""
        yield f"_+{digits}!"
        yield f"_{abroad if abroad.isdigit() else '00'}{digits}!"
        if metadata is not None and digits.startswith(code) and digits != code:
            yield f"_{metadata.national_prefix or ''}{digits.removeprefix(code)}!"


def dialling_of(settings: Settings) -> Dialling:
    """The rules as the settings have them."""
    said = settings.dialling
    return Dialling(
        region=settings.company.country,
        allow=said.allow,
        deny=said.deny,
        premium=said.premium,
        inside=frozenset(agent.extension for agent in settings.agents.values()),
    )


def _is_premium(e164: str) -> bool:
    number = phonenumbers.parse(e164, None)
    return phonenumbers.number_type(number) == PhoneNumberType.PREMIUM_RATE


@lru_cache(maxsize=8)
def emergency_numbers(region: str) -> list[str]:
    """Every short number that `phonenumbers` calls one of emergency there."""
    return [
        number
        for digits in range(2, MOST_EMERGENCY_DIGITS + 1)
        for number in (f"{n:0{digits}d}" for n in range(10**digits))
        if phonenumbers.shortnumberinfo.is_emergency_number(number, region)
    ]


@lru_cache(maxsize=8)
def premium_prefixes(region: str) -> list[str]:
    """The shortest beginnings that only numbers of premium rate have in this country."""
    metadata = PhoneMetadata.metadata_for_region(region)
    premium = None if metadata is None else metadata.premium_rate
    if metadata is None or premium is None or not premium.national_number_pattern:
        return []
    lengths = [length for length in premium.possible_length or () if length > 0]
    general = metadata.general_desc
    every_length = list(general.possible_length or ()) if general else []
    code = phonenumbers.country_code_for_region(region)
    whole = re.compile(premium.national_number_pattern)
    found: list[str] = []
    for digits in range(2, MOST_PREFIX_DIGITS + 1):
        for number in range(10 ** (digits - 1), 10**digits):
            prefix = str(number)
            if prefix.startswith(tuple(found)):
                continue
            filled = (prefix + f * (n - digits) for n in lengths for f in FILLINGS if n > digits)
            if any(map(whole.fullmatch, filled)) and not _has_others(code, prefix, every_length):
                found.append(prefix)
    return found


def _has_others(code: int, prefix: str, lengths: list[int]) -> bool:
    """Whether numbers of another kind begin so: tried with every two digits that may follow."""
    for length in lengths:
        for following in range(100):
            for filling in ("1", "5"):
                national = f"{prefix}{following:02d}".ljust(length, filling)[:length]
                number = phonenumbers.PhoneNumber(code, int(national))
                if phonenumbers.number_type(number) not in PREMIUM_OR_NONE:
                    return True
    return False

"""What numbers cost and how they are dialled, country by country, out of `phonenumbers`.

Everything here is prefixes: what Asterisk's dialplan can compare, so that the page's decision and
the dialplan's are made by one list (config/dialling.py). Which numbers are costly is a matter of
patterns there; `regex` tells of a beginning whether a pattern could still match, so that the
shortest prefixes are found that only costly numbers have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

import phonenumbers
import regex
from msgspec import Struct
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.shortnumberinfo import is_emergency_number

NON_GEOGRAPHICAL: Final = "001"  # how `phonenumbers` calls what is no country's
COSTLY_TYPES: Final = ("premium_rate", "shared_cost", "personal_number", "pager")
OTHER_TYPES: Final = ("fixed_line", "mobile", "toll_free", "voip", "uan", "voicemail")
# Satellites, networks in no country, shared cost and premium rate of no country (ITU-T E.164).
COSTLY_CODES: Final = ("808", "870", "878", "881", "882", "883", "888", "979")
# Call-by-call and other prefixes of networks, deeper than SERVICE_DIGITS tells, by country.
NETWORK_PREFIXES: Final = {"CN": ("179", "193", "196"), "GB": ("128", "144", "162", "163", "165")}
COSTLY_DIGITS: Final = 5  # of a prefix, after the country's code
SERVICE_DIGITS: Final = 2  # that begin no number of the own country: call-by-call, services
CODE_DIGITS: Final = 3
SHORT_DIGITS: Final = 6
MOST_EMERGENCY_DIGITS: Final = 4
DIGITS: Final = "0123456789"


class Range(Struct, frozen=True, order=True):
    """Numbers that begin so, E.164 without the plus; `length`: only those of so many digits."""

    prefix: str
    length: int = 0


class Plan(Struct, frozen=True):
    """How numbers are dialled in a country. Prefixes are digits; "" is none."""

    code: str
    abroad: str
    national: str
    bare: tuple[str, ...]  # what begins a number that is dialled without the national prefix
    lengths: tuple[int, ...]  # of a number within the country, without its prefix

    def e164(self, digits: str) -> str:
        """What is reached by dialling these digits, without the plus; "" if no subscriber is.

        In Asterisk: `ringdesk-number` (extensions.conf).
        """
        if digits.startswith(self.abroad):
            return digits[len(self.abroad) :]
        if self.national and digits.startswith(self.national):
            digits = digits[len(self.national) :]
        elif not digits.startswith(self.bare):
            return ""
        return self.code + digits if len(digits) in self.lengths else ""


@lru_cache(maxsize=8)
def plan_of(region: str) -> Plan:
    """The plan of a country (ISO 3166)."""
    metadata = PhoneMetadata.metadata_for_region(region)
    abroad, national = list[str](), ""
    if metadata is not None:
        said = metadata.preferred_international_prefix, metadata.international_prefix
        abroad = [each.replace("~", "") for each in said if each]
        national = metadata.national_prefix or ""
    return Plan(
        code=str(phonenumbers.country_code_for_region(region)),
        abroad=next((each for each in abroad if each.isdigit()), "00"),
        national=national if national.isdigit() else "",
        bare=_bare(metadata),
        lengths=tuple(n for n in _general_lengths(metadata) if n > 0),
    )


def _general_lengths(metadata: PhoneMetadata | None) -> Iterable[int]:
    general = None if metadata is None else metadata.general_desc
    return (general.possible_length if general is not None else None) or range(4, 16)


def _bare(metadata: PhoneMetadata | None) -> tuple[str, ...]:
    """What begins the numbers that people there dial without the national prefix."""
    if metadata is None or not metadata.national_prefix:
        return ("",)
    formats = [
        (regex.compile((each.leading_digits_pattern or [""])[0]), _needs_prefix(each, metadata))
        for each in metadata.number_format
    ]
    if not any(needed for _, needed in formats):
        return ("",)

    def settle(prefix: str) -> bool | None:
        """True: without; False: with; None: the next digit tells."""
        for leading, needed in formats:
            found = leading.match(prefix, partial=True)
            if found is not None:
                if found.partial or (not prefix and leading.pattern):
                    return None
                return not needed
        return False

    return tuple(_settled(settle, CODE_DIGITS))


def _needs_prefix(each: phonenumbers.NumberFormat, metadata: PhoneMetadata) -> bool:
    rule = each.national_prefix_formatting_rule or ""
    optional = bool(each.national_prefix_optional_when_formatting)
    return (metadata.national_prefix or "") in rule and not optional


def _settled(settle: Callable[[str], bool | None], most: int, prefix: str = "") -> Iterator[str]:
    """The shortest prefixes for which `settle` says True."""
    said = settle(prefix)
    if said:
        yield prefix
    elif said is None and len(prefix) < most:
        for digit in DIGITS:
            yield from _settled(settle, most, prefix + digit)


@lru_cache(maxsize=1)
def costly_ranges() -> tuple[Range, ...]:
    """Premium rate, shared cost, personal numbers, pagers of every country; what is no country."""
    found = [Range(code) for code in COSTLY_CODES]
    codes = {str(code) for code in COUNTRY_CODE_TO_REGION_CODE}

    def no_code(prefix: str) -> bool | None:
        if prefix in codes:
            return False
        return None if any(code.startswith(prefix) for code in codes) else True

    found += [Range(prefix) for prefix in _settled(no_code, CODE_DIGITS)]
    for code, regions in COUNTRY_CODE_TO_REGION_CODE.items():
        if str(code) not in COSTLY_CODES:
            found += _costly_of(str(code), regions)
    return tuple(found)


def _costly_of(code: str, regions: Iterable[str]) -> Iterator[Range]:
    every = [each for region in regions if (each := _metadata(code, region)) is not None]
    costly, other = _patterns(every, COSTLY_TYPES), _patterns(every, OTHER_TYPES)
    unclear: list[str] = []

    def only_costly(prefix: str) -> bool | None:
        if not _may_begin(costly, prefix):
            return False
        if prefix and not _may_begin(other, prefix):
            return True
        if len(prefix) == COSTLY_DIGITS:
            unclear.append(prefix)
        return None

    for prefix in _settled(only_costly, COSTLY_DIGITS):
        yield Range(code + prefix)
    # Told apart by their length, if by anything.
    by_length = {
        (prefix, length)
        for prefix in unclear
        for length in _lengths(every, COSTLY_TYPES, prefix) - _lengths(every, OTHER_TYPES, prefix)
    }
    for prefix, length in sorted(_merged(by_length)):
        yield Range(code + prefix, len(code) + length)


def _merged(found: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Where all ten digits may follow, the digit is left away."""
    for size in range(COSTLY_DIGITS - 1, 0, -1):
        for prefix, length in {(each[:size], n) for each, n in found if len(each) == size + 1}:
            below = {(prefix + digit, length) for digit in DIGITS}
            if below <= found:
                found = found - below | {(prefix, length)}
    return found


@lru_cache(maxsize=8)
def service_ranges(region: str) -> tuple[Range, ...]:
    """What begins no subscriber's number of this country: call-by-call, directory services."""
    code = phonenumbers.country_code_for_region(region)
    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    every = [each for other in regions if (each := _metadata(str(code), other)) is not None]
    known = _patterns(every, COSTLY_TYPES + OTHER_TYPES)
    prefixes = [*_settled(lambda p: None if _may_begin(known, p) else True, SERVICE_DIGITS)]
    prefixes += NETWORK_PREFIXES.get(region, ())
    return tuple(Range(f"{code}{prefix}") for prefix in prefixes)


@lru_cache(maxsize=8)
def emergency_numbers(region: str) -> tuple[str, ...]:
    """Every short number that `phonenumbers` calls one of emergency there."""
    return tuple(
        number
        for digits in range(2, MOST_EMERGENCY_DIGITS + 1)
        for number in (f"{n:0{digits}d}" for n in range(10**digits))
        if is_emergency_number(number, region)
    )


@lru_cache(maxsize=8)
def free_short_numbers(region: str) -> tuple[str, ...]:
    """Short numbers that cost nothing; `X` is any digit, such as 116XXX."""
    metadata = PhoneMetadata.short_metadata_for_region(region)
    free = _patterns([metadata], ("toll_free",)) if metadata is not None else ()

    def below(prefix: str) -> list[str]:
        if prefix and any(each.fullmatch(prefix) for each in free):
            return [prefix]
        if len(prefix) == SHORT_DIGITS or not _may_begin(free, prefix):
            return []
        tails = [[each[len(prefix) + 1 :] for each in below(prefix + digit)] for digit in DIGITS]
        if tails[0] and all(each == tails[0] for each in tails):
            return [f"{prefix}X{tail}" for tail in tails[0]]
        return [
            prefix + digit + tail
            for digit, each in zip(DIGITS, tails, strict=True)
            for tail in each
        ]

    return tuple(below(""))


def _metadata(code: str, region: str) -> PhoneMetadata | None:
    if region == NON_GEOGRAPHICAL:
        return PhoneMetadata.metadata_for_nongeo_region(int(code))
    return PhoneMetadata.metadata_for_region(region)


def _patterns(
    every: Iterable[PhoneMetadata], kinds: Iterable[str]
) -> tuple[regex.Pattern[str], ...]:
    descriptions = (getattr(each, kind) for each in every for kind in kinds)
    said = (each.national_number_pattern for each in descriptions if each is not None)
    return tuple(regex.compile(text) for text in dict.fromkeys(said) if text)


def _lengths(every: Iterable[PhoneMetadata], kinds: Iterable[str], prefix: str) -> set[int]:
    """How many digits numbers of these kinds have that begin so."""
    found: set[int] = set()
    for metadata in every:
        for kind in kinds:
            if _may_begin(_patterns([metadata], [kind]), prefix):
                lengths = getattr(metadata, kind).possible_length or _general_lengths(metadata)
                found.update(length for length in lengths if length > 0)
    return found


def _may_begin(patterns: Iterable[regex.Pattern[str]], prefix: str) -> bool:
    return any(each.fullmatch(prefix, partial=True) for each in patterns)

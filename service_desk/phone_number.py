"""Phone numbers as they come from the line or a form, and what they mean.

A number is compared in E.164 and kept as it came. Which country a national number belongs to is a
setting, never written in code. Nothing here raises for bad input: calls come with all sorts.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Literal

import phonenumbers
from msgspec import Struct

Kind = Literal["number", "extension", "withheld", "malformed"]

# What carriers and Asterisk put where a number is not given.
WITHHELD = frozenset(
    {"", "anonymous", "unknown", "unavailable", "private", "restricted", "withheld", "asterisk"}
    | {"blocked", "no number", "<unknown>", "-1", "0"}
)
LONGEST = 64  # anything longer is no number, and costs time to parse
LONGEST_EXTENSION = 6  # a national number has more digits
FILLING = frozenset(" -./()\t\u00a0")


class PhoneNumber(Struct, frozen=True, gc=False):
    """A number as understood. `e164` is "" unless `kind` is "number"."""

    kind: Kind
    e164: str
    raw: str

    @property
    def shown(self) -> str:
        """For people; made when they ask, since most calls are never looked at."""
        if self.kind == "number":
            return shown(self.e164)
        if self.kind == "extension":
            return _bare(_text(self.raw))
        return "withheld" if self.kind == "withheld" else printable(self.raw)


@lru_cache(maxsize=16_384)
def understand(raw: str, region: str) -> PhoneNumber:
    """What `raw` means for somebody in `region` (ISO 3166, "DE"); never raises."""
    text = _text(raw)
    if text.lower() in WITHHELD:
        return PhoneNumber("withheld", "", raw[:LONGEST])
    if len(text) > LONGEST:
        return PhoneNumber("malformed", "", raw[:LONGEST])
    bare = _bare(text)
    digits = bare.removeprefix("+")
    if not digits.isascii() or not digits.isdigit():
        return PhoneNumber("malformed", "", raw)
    if not bare.startswith("+") and len(digits) <= LONGEST_EXTENSION:
        return PhoneNumber("extension", "", raw)
    parsed = _parse(bare, digits, region)
    if parsed is None:
        return PhoneNumber("malformed", "", raw)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber("number", e164, raw)


def _text(raw: str) -> str:
    return unicodedata.normalize("NFKC", raw[: LONGEST + 1]).strip()


def _bare(text: str) -> str:
    text = text.removeprefix("tel:").removeprefix("sip:").split("@")[0].split(";")[0]
    return "".join(c for c in text if c not in FILLING)


def _parse(bare: str, digits: str, region: str) -> phonenumbers.PhoneNumber | None:
    """As dialled in the region first; else as an international number that lost its plus."""
    if bare.startswith("+"):
        return _possible(bare, region)  # nothing to choose from: which range it is in is no matter
    tries = [(bare, region)]
    if not bare.startswith("+") and not digits.startswith("0"):
        tries.append((f"+{digits}", region))
    possible = None
    for text, where in tries:
        try:
            parsed = phonenumbers.parse(text, where)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(parsed):
            return parsed
        if possible is None and phonenumbers.is_possible_number(parsed):
            possible = parsed
    # Possible but in no known range: new ranges appear, and 555 numbers are in none. Better kept.
    return possible


def _possible(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    # Every number of a known range is possible, too; to find its range costs most of all.
    return parsed if phonenumbers.is_possible_number(parsed) else None


@lru_cache(maxsize=4096)
def shown(e164: str) -> str:
    """An E.164 number as people read it: "+86 21 5555 0142"."""
    try:
        parsed = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return printable(e164)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def printable(raw: str, limit: int = 40) -> str:
    """Hostile text cut to one printable line; escaping stays the page's work."""
    if raw.isprintable():  # nearly always: worth its own way
        return raw.strip()[:limit]
    text = "".join(c for c in raw[: limit * 2] if c.isprintable()).strip()
    return text[:limit]

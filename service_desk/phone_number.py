"""Phone numbers as they come from the line or a form, and what they mean.

A number is compared in E.164 and kept as it came. Which country a national number belongs to is a
setting, never written in code. Nothing here raises for bad input: calls come with all sorts.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import blake2s
from typing import Final, Literal

import phonenumbers
from msgspec import Struct

Kind = Literal["number", "extension", "withheld", "malformed"]

# What carriers and Asterisk put where a number is not given; the digits are such a word on the keys
# of a telephone (ANONYMOUS, BLOCKED, RESTRICTED, UNAVAILABLE), and are no number anywhere.
WITHHELD: Final = frozenset(
    {"", "anonymous", "unknown", "unavailable", "private", "restricted", "withheld", "asterisk"}
    | {"blocked", "nonumber", "<unknown>", "-1", "notavailable", "nocallerid", "unknownnumber"}
    | {"privatenumber", "anonymouscaller", "unknowncaller", "none", "null", "nocid", "hidden"}
    | {"266696687", "2562533", "7378742833", "86282452253"}
)
LONGEST = 64  # anything longer is no number, and costs time to parse
LONGEST_EXTENSION = 6  # a national number has more digits
LONGEST_KEY: Final = 32  # the column `conversation.number`
FILLING = frozenset("/().[]·•・\u2044\u2215\u2043\u02d7\u2212")  # what stands between digits
# Letters and symbols by their category, and nothing to the eye; combining marks go by theirs.
_UNSEEN: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_PLUS: Final = frozenset("\u2795\ufb29")
# An extension, as people write it behind a number or alone: "ext. 12", "x12", "Durchwahl 12".
_EXTENSION: Final = re.compile(
    r"^(?P<number>.*?)[\s,;]*(?:extension|extn|ext|x|durchwahl|dw|app|intern|poste|int|分机号|分机|内线|转)"
    r"[\s.:]*(?P<extension>[0-9]{1,6})$",
    re.IGNORECASE,
)


class PhoneNumber(Struct, frozen=True, gc=False):
    """A number as understood. `e164` is "" unless `kind` is "number".

    `key` is what it is saved and compared by: E.164, or an internal number with the telephone
    system that it is one of (`4711@ringdesk-1`); "" where there is nothing to know anybody by.
    """

    kind: Kind
    e164: str
    raw: str
    key: str = ""

    @property
    def shown(self) -> str:
        """For people; made when they ask, since most calls are never looked at."""
        if self.kind in ("number", "extension"):
            return shown(self.key)
        return "withheld" if self.kind == "withheld" else printable(self.raw)

    @property
    def dialled(self) -> str:
        """What is dialled to reach it; the raw form where that is not known."""
        if self.kind == "extension":
            return self.key.partition("@")[0]
        return self.e164 or self.raw


@lru_cache(maxsize=16_384)
def understand(raw: str, region: str, system: str = "") -> PhoneNumber:
    """What `raw` means for somebody in `region` (ISO 3166, "DE"); never raises.

    `system`: the Asterisk that said it, whose internal numbers are no other's.
    """
    text = _text(raw)
    if is_withheld(text):
        return PhoneNumber("withheld", "", raw[:LONGEST])
    if len(text) > LONGEST:
        return PhoneNumber("malformed", "", raw[:LONGEST])
    if (internal := _EXTENSION.match(text)) is not None:
        if not internal["number"]:
            return _extension(internal["extension"], raw, system)
        text = internal["number"]
    bare = _bare(text)
    digits = bare.removeprefix("+")
    if bare == digits and len(digits) <= LONGEST_EXTENSION and _are_digits(digits):
        return _extension(digits, raw, system)
    parsed = _parse(bare, digits, region) if _are_digits(digits) else None
    if parsed is None:
        return PhoneNumber("malformed", "", raw)
    return _number(parsed, raw)


def _are_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _number(parsed: phonenumbers.PhoneNumber, raw: str) -> PhoneNumber:
    if _stands_for_none(parsed):
        return PhoneNumber("withheld", "", raw)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return PhoneNumber("number", e164, raw, e164)


def is_withheld(text: str) -> bool:
    """Whether this says that there is a number, and not which."""
    said = _text(text).lower()
    bare = _bare(said)
    digits = bare.removeprefix("+")
    return (
        {said, bare, digits or "+"} & WITHHELD != set()
        or bare == "0"
        or (len(digits) > 1 and not digits.strip("0"))
    )


def _extension(digits: str, raw: str, system: str) -> PhoneNumber:
    room = LONGEST_KEY - LONGEST_EXTENSION - 1
    if len(system) > room:
        system = f"{system[: room - 9]}-{blake2s(system.encode(), digest_size=4).hexdigest()}"
    return PhoneNumber("extension", "", raw, f"{digits}@{system}" if system else digits)


def _stands_for_none(parsed: phonenumbers.PhoneNumber) -> bool:
    """One digit over and over, in no range that there is: +49 000 000 000."""
    national = phonenumbers.national_significant_number(parsed)
    return len(set(national)) == 1 and not phonenumbers.is_valid_number(parsed)


def _text(raw: str) -> str:
    """As it looks: without what cannot be seen, each dash and space a plain one, ASCII digits."""
    text = raw[: LONGEST + 1]
    if text.isascii():  # nearly always: worth its own way
        return text.strip()
    return "".join(map(_plain, unicodedata.normalize("NFKC", text))).strip()


@lru_cache(maxsize=512)
def _plain(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Mn", "Me") or character in _UNSEEN:
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    if category == "Nd":
        return str(unicodedata.digit(character))
    if character in _PLUS:
        return "+"
    return "-" if category == "Pd" else character


def _bare(text: str) -> str:
    text = text.removeprefix("tel:").removeprefix("sip:").removeprefix("sips:")
    text = text.split("@")[0].split(";")[0]
    return "".join(c for c in text if c not in FILLING and c not in " -\t")


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
            parsed = _renumbered(phonenumbers.parse(text, where))
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
        parsed = _renumbered(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return None
    # Every number of a known range is possible, too; to find its range costs most of all.
    return parsed if phonenumbers.is_possible_number(parsed) else None


# How a country's numbers were written before it changed them: code, digits, what led, what leads.
_OLD_FORMS: Final = (
    (52, 11, "1", ""),  # Mexico, to mobile telephones until 2019
    (229, 8, "", "01"),  # Benin, until 2024
)


def _renumbered(parsed: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """A number in the form it has today; old ones stand in address books for years."""
    for code, length, led, leads in _OLD_FORMS:
        if parsed.country_code != code:
            continue
        national = phonenumbers.national_significant_number(parsed)
        if len(national) == length and national.startswith(led):
            today = leads + national[len(led) :]
            return phonenumbers.parse(f"+{code}{today}", None)
    return parsed


@lru_cache(maxsize=4096)
def shown(key: str) -> str:
    """A number's key as people read it: "+86 21 5555 0142", "4711"."""
    if not key.startswith("+"):
        return printable(key.partition("@")[0])
    try:
        parsed = phonenumbers.parse(key, None)
    except phonenumbers.NumberParseException:
        return printable(key)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def printable(raw: str, limit: int = 40) -> str:
    """Hostile text cut to one printable line; escaping stays the page's work."""
    if raw.isprintable():  # nearly always: worth its own way
        return raw.strip()[:limit]
    text = "".join(c for c in raw[: limit * 2] if c.isprintable()).strip()
    return text[:limit]

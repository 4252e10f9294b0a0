"""Whole numbers out of messages: what Asterisk says may be anything, and never raises here."""

from __future__ import annotations

LONGEST = 366 * 24 * 3600  # seconds: no wait, call or hold is longer; times stay within a datetime
LAST_TIME = 1 << 36  # seconds since 1970: the year 4147


def whole(text: str, otherwise: int, *, least: int = 0, most: int) -> int:
    """`text` as a number from `least` to `most`; `otherwise` if it is not ASCII digits alone.

    `str.isdigit()` also holds for `²`, which `int()` refuses, and `int()` refuses thousands of
    digits.
    """
    if not (text.isascii() and text.isdigit()):
        return otherwise
    digits = text.lstrip("0")
    if len(digits) > len(str(most)):
        return most
    return min(max(int(digits or "0"), least), most)

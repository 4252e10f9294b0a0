"""What people write in a field of a file, as what we keep. Each raises BadLine with why not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

# No thousands are separated: 1.234 would be two things.
_AMOUNT = re.compile(r"\A(\d{1,10})(?:[.,](\d{1,2}))?\Z", re.ASCII)
_YES_AND_NO: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("yes", "y", "true", "1", "ja", "是"), True),
    **dict.fromkeys(("no", "n", "false", "0", "nein", "否"), False),
}


class BadLine(Exception):
    """What is wrong with a line, for whoever puts it right."""


def amount(field: str, text: str) -> int:
    """Money in minor units: "19.9" is 1990, "19,90" too."""
    found = _AMOUNT.match(text)
    if found is None:
        raise BadLine(f"{field}: {text[:40]!r} is no amount: write it like 1234.50")
    whole, part = found.groups()
    return int(whole) * 100 + int((part or "").ljust(2, "0"))


def moment(field: str, text: str, zone: ZoneInfo) -> datetime:
    """A date, or a date and time; without a zone it is the company's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadLine(
            f"{field}: {text[:40]!r} is no date: write it like 2026-03-02 or 2026-03-02T14:30"
        ) from None
    try:
        return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
    except (OverflowError, ValueError):
        raise BadLine(f"{field}: {text[:40]!r} is no believable date") from None


def yes_or_no(field: str, text: str) -> bool:
    """Whether; in a few languages."""
    found = _YES_AND_NO.get(text.lower())
    if found is None:
        raise BadLine(f"{field}: {text[:40]!r} is neither yes nor no")
    return found

"""How a case is called: C-2026-004711, its year and its id."""

from __future__ import annotations

import re

from msgspec import Struct

from service_desk.typed import narrow

# As JSON schemas and Python both read it: whole, or the id alone, in ASCII digits.
PATTERN = r"^([Cc]-[0-9]{4}-)?0{0,11}[1-9][0-9]{0,11}(?!\n)$"
_FORM = re.compile(PATTERN)


class Named(Struct, frozen=True):
    """What somebody calls a case by; without a year the id alone."""

    id: int
    year: int | None = None

    def fits(self, year: int) -> bool:
        """Whether a case of that year is meant: `C-9999-1` is no name of `C-2026-000001`."""
        return self.year is None or self.year == year


def case_number(year: int, case_id: int) -> str:
    """The number people say."""
    return f"C-{year}-{case_id:06d}"


def case_named(text: str) -> Named | None:
    """What people type ("C-2026-004711", "4711") means; None if it is no case's name.

    Digits of full width, as they come out of Chinese keyboards, are the digits they look like.
    """
    typed = narrow(text[:64])
    if not _FORM.match(typed):
        return None
    *year, digits = typed.split("-")
    return Named(int(digits), int(year[1]) if year else None)

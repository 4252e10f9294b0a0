"""How a case is called: C-2026-004711, its year and its id."""

from __future__ import annotations

import re

_FORM = re.compile(r"\A(?:c-?)?(?:(?P<year>\d{4})-)?0*(?P<id>\d{1,12})\Z", re.IGNORECASE)


def case_number(year: int, case_id: int) -> str:
    """The number people say."""
    return f"C-{year}-{case_id:06d}"


def case_id_in(text: str) -> int | None:
    """The id in a case's number as people type it ("C-2026-004711", "4711"); None if none."""
    found = _FORM.match(text.strip())
    if found is None:
        return None
    case_id = int(found["id"])
    return case_id if 0 < case_id < 2**53 else None

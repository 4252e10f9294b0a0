"""What a case is about: a person's words, or said of its call in the reader's language.

Kept are a kind and a value (`model/case.py`): no sentence of one language lies in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_desk.phone_number import shown


def subject_of(row: Any, titles: Mapping[str, str]) -> tuple[str, str]:
    """The subject in English, and in Chinese where that differs ("" if not).

    `row` has the case's `subject_kind`, `subject` and `subject_zh` (None where a call has no case);
    `titles` names the queues: `q-<queue>` -> title.
    """
    value: str = row.subject or ""
    match row.subject_kind:
        case "queue":
            title = titles.get(f"q-{value}", value)
            return f"Call for {title}", f"{title}来电"
        case "number" if value:
            number = shown(value) if value.startswith("+") else value
            return f"Call to {number}", f"致电 {number}"
        case "number":
            return "Call", "来电"
        case _:
            return value, row.subject_zh or ""

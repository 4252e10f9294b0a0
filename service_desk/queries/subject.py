"""What a case is about: a person's words, or said of its call in the reader's language.

Kept are a kind and a value (`model/case.py`): no sentence of one language lies in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service_desk.phone_number import shown
from service_desk.settings import Title


def subject_of(row: Any, titles: Mapping[str, Title]) -> tuple[str, str]:
    """The subject in English, and in Chinese where that differs ("" if not).

    `row` has the case's `subject_kind`, `subject` and `subject_zh` (None where a call has no case);
    `titles` names the queues.
    """
    value: str = row.subject or ""
    match row.subject_kind:
        case "queue":
            title = titles.get(value) or Title(en=value)
            zh = title.said("zh")
            # Between words of two scripts stands a space.
            return f"Call for {title.en}", f"{zh}{' ' if zh[-1:].isascii() else ''}来电"
        case "number" if value:
            number = shown(value) if value.startswith("+") else value
            return f"Call to {number}", f"致电 {number}"
        case "number":
            return "Call", "来电"
        case _:
            return value, row.subject_zh or ""

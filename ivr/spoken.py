"""From a prompt's text to clips: fixed pieces with digits or a status word between them.

Only two places in a text may vary, `{case_number}` and `{case_status}`, and both are played from
clips that exist beforehand. So nothing a caller enters ever reaches the speech program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ivr.flow import Clip, Prompt

PLACEHOLDERS: Final = ("case_number", "case_status")
_PLACE: Final = re.compile(r"\{(case_number|case_status)\}")
MAX_DIGITS_SPOKEN: Final = 20

# Spoken one by one; written out so that each voice says a digit and not an ordinal.
DIGITS: Final[dict[str, tuple[str, ...]]] = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "zh": ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九"),
}
STATUSES: Final[dict[str, dict[str, str]]] = {
    "en": {
        "new": "received, and waiting to be assigned",
        "open": "being worked on",
        "waiting": "waiting for more information",
        "resolved": "resolved",
        "merged": "being handled together with another case",
    },
    "zh": {
        "new": "已受理，等待分配",
        "open": "正在处理",
        "waiting": "等待补充信息",
        "resolved": "已解决",
        "merged": "已并入另一个工单处理",
    },
}


def weight(text: str) -> int:
    """How long a text takes to say, in letters of English: a Chinese character counts three."""
    return sum(3 if ord(letter) >= 0x2E80 else 1 for letter in text)


def strange_places(text: str) -> str | None:
    """The first brace that is no allowed placeholder, or None."""
    rest = _PLACE.sub("", text)
    found = re.search(r"\{[^{}]*\}?|\}", rest)
    return found[0] if found else None


def clips(prompt: Prompt, language: str, values: dict[str, str]) -> tuple[Clip, ...]:
    """What to play for a prompt. A value that is missing is simply not said."""
    found: list[Clip] = []
    for name, text in _pieces(prompt, language):
        if not name:
            found.extend(_value(text, language, values.get(text, "")))
        else:
            found.append(Clip(flow=prompt.flow, name=name, language=language, text=text))
    return tuple(found)


def static_clips(prompt: Prompt) -> Iterator[Clip]:
    """Every clip a prompt may need, in every language it has."""
    for language in prompt.texts:
        for name, text in _pieces(prompt, language):
            if name:
                yield Clip(flow=prompt.flow, name=name, language=language, text=text)
            elif text == "case_number":
                for digit in range(len(DIGITS.get(language, ()))):
                    yield from _value("case_number", language, str(digit))
            else:
                for status in STATUSES.get(language, {}):
                    yield from _value("case_status", language, status)


def _pieces(prompt: Prompt, language: str) -> Iterator[tuple[str, str]]:
    """(name, text) of a fixed piece; ('', placeholder) of a varying one."""
    parts = _PLACE.split(prompt.texts[language])  # text, placeholder, text, ...
    whole = len(parts) == 1
    for index, part in enumerate(parts):
        if index % 2:
            yield "", part
        elif any(letter.isalnum() for letter in part):
            yield (prompt.name if whole else f"{prompt.name}-{index // 2 + 1}"), part.strip()


def _value(place: str, language: str, value: str) -> Iterator[Clip]:
    if place == "case_number":
        words = DIGITS.get(language, ())
        for digit in value[:MAX_DIGITS_SPOKEN]:
            if digit in "0123456789" and words:
                name, text = digit, words[int(digit)]
                yield Clip(flow="digits", name=name, language=language, text=text)
    else:
        word = STATUSES.get(language, {}).get(value)
        if word:
            yield Clip(flow="statuses", name=value, language=language, text=word)

"""Text as it may be sent: lone surrogates (bytes that were no UTF-8) become U+FFFD"""

from __future__ import annotations

import re
from typing import Any

import msgspec

LONE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` with every lone surrogate replaced; all else is kept as it is."""
    return LONE.sub("\ufffd", text)


def cleaned(value: Any) -> Any:
    """A JSON-like value with every string in it cleaned."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): cleaned(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [cleaned(item) for item in value]
    return value


_encoder = msgspec.json.Encoder()


def encode(value: Any) -> bytes:
    """JSON bytes of any struct; hostile strings are cleaned only when they must be."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(cleaned(msgspec.to_builtins(value)))


def for_script(value: Any) -> str:
    """JSON that may stand inside `<script type="application/json">`: no `<`, `>`, `&` in it."""
    text = encode(value).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text

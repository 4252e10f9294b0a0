"""What people type: digits of full width, as Chinese keyboards make, are what they look like."""

from __future__ import annotations

from typing import Final

# The forms of ASCII's own signs alone: a superscript is another sign, not a wide one.
WIDE: Final = {0xFF01 + offset: 0x21 + offset for offset in range(94)} | {0x3000: 0x20}


def narrow(text: str) -> str:
    """The text with full-width letters, digits and signs as their ASCII ones, without spaces
    around it."""
    return text.translate(WIDE).strip()

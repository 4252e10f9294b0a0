"""What opens the gate: the name of a telephone, until when, and our seal on both.

It stands in the address that a page connects to, so it says nothing that is secret, and opens
nothing more than a connection: who is at the telephone, SIP's own password tells Asterisk.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

LONGEST: Final = 200  # what is longer is none of ours and costs no seal
FORM: Final = re.compile(r"\A([a-z][a-z0-9_-]{0,31})\.([0-9]{1,12})\.([A-Za-z0-9_-]{43})\Z")


def ticket_of(key: bytes, name: str, until: datetime) -> str:
    """A ticket for the endpoint `name`."""
    said = f"{name}.{int(until.timestamp())}"
    return f"{said}.{_seal(key, said)}"


def name_on(key: bytes, ticket: str, now: float) -> str | None:
    """Whose ticket this is; None: not made by us, or its time is over. `now`: since 1970."""
    found = FORM.match(ticket) if len(ticket) <= LONGEST else None
    if found is None:
        return None
    name, until, seal = found.groups()
    if not hmac.compare_digest(seal, _seal(key, f"{name}.{until}")) or int(until) < now:
        return None
    return name


def _seal(key: bytes, said: str) -> str:
    digest = hmac.new(key, said.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

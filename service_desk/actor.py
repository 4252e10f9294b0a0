"""Who acts: a member of staff, the phone menu, or the program itself."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Role = Literal["agent", "supervisor", "administrator", "system", "ivr"]
STAFF_ROLES: tuple[Role, ...] = ("agent", "supervisor", "administrator")


class Actor(Struct, frozen=True):
    """Named in every write; `name` is the user name (an agent's extension name too)."""

    name: str
    role: Role
    staff_id: int | None = None
    address: str = ""  # where the request came from, for the audit


SYSTEM = Actor("system", "system")
IVR = Actor("ivr", "ivr")

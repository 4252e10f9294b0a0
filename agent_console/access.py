"""Who may see or do what: the only permission checks. What is not granted here is denied.

Every route, live topic and live command names one `Permission`; the checks are made where requests
come in (`app.py`, `live/`), the two rules about single objects below where the object is known.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

Role = Literal["agent", "supervisor", "administrator"]


class Permission(StrEnum):
    """What a route, topic or command may ask for."""

    ANYONE = "anyone"  # no sign-in needed: said on purpose, never by omission
    SIGNED_IN = "signed_in"
    DESK_USE = "desk.use"
    BOARD_SEE = "board.see"
    CASE_READ = "case.read"
    CASE_WRITE = "case.write"
    CASE_JOIN = "case.join"
    CUSTOMER_READ = "customer.read"
    CUSTOMER_WRITE = "customer.write"
    CONVERSATION_READ = "conversation.read"
    RECORDING_HEAR_OWN = "recording.hear_own"
    RECORDING_HEAR_ALL = "recording.hear_all"
    QUEUE_READ = "queue.read"
    AGENT_READ = "agent.read"
    PRODUCT_READ = "product.read"
    PRODUCT_WRITE = "product.write"
    PURCHASE_WRITE = "purchase.write"
    JOB_SEE = "job.see"
    JOB_RUN = "job.run"
    METRICS_READ = "metrics.read"
    STAFF_MANAGE = "staff.manage"


_AGENT = frozenset(
    {
        Permission.ANYONE,
        Permission.SIGNED_IN,
        Permission.DESK_USE,
        Permission.CASE_READ,
        Permission.CASE_WRITE,
        Permission.CUSTOMER_READ,
        Permission.CUSTOMER_WRITE,
        Permission.CONVERSATION_READ,
        Permission.RECORDING_HEAR_OWN,
        Permission.QUEUE_READ,
        Permission.PRODUCT_READ,
    }
)
_SUPERVISOR = _AGENT | {
    Permission.BOARD_SEE,
    Permission.CASE_JOIN,
    Permission.RECORDING_HEAR_ALL,
    Permission.AGENT_READ,
    # What is sold and what was bought is another program's word, with a supervisor's token.
    Permission.PRODUCT_WRITE,
    Permission.PURCHASE_WRITE,
    Permission.JOB_SEE,
}
_ADMINISTRATOR = _SUPERVISOR | {
    Permission.JOB_RUN,
    Permission.METRICS_READ,
    Permission.STAFF_MANAGE,
}

GRANTS: Mapping[Role, frozenset[Permission]] = {
    "agent": _AGENT,
    "supervisor": _SUPERVISOR,
    "administrator": _ADMINISTRATOR,
}
NOBODY = frozenset({Permission.ANYONE})


class Viewer(Struct, frozen=True, kw_only=True):
    """Who is asking: a staff member by their session, or an API token (no `staff_id`).

    `user` is the agent's name (also the SIP endpoint's); `name` is for people.
    """

    staff_id: int | None
    user: str
    name: str
    role: Role
    language: str = "en"


class AccessError(Exception):
    """What `require` raises."""


class SignInNeeded(AccessError):
    """Nobody is signed in, and this asks for someone."""


class NotAllowed(AccessError):
    """This viewer may not do this; `permission` is what was missing."""

    def __init__(self, permission: str) -> None:
        super().__init__(f"not allowed: {permission}")
        self.permission = permission


def may(viewer: Viewer | None, permission: Permission) -> bool:
    """Whether `viewer` (None: nobody signed in) holds `permission`."""
    if viewer is None:
        return permission in NOBODY
    return permission in GRANTS.get(viewer.role, NOBODY)


def require(viewer: Viewer | None, permission: Permission) -> None:
    """Raise SignInNeeded or NotAllowed unless `viewer` holds `permission`."""
    if may(viewer, permission):
        return
    if viewer is None:
        raise SignInNeeded
    raise NotAllowed(permission)


def require_recording(
    viewer: Viewer | None, agents: Iterable[str], *, message: bool = False
) -> None:
    """An agent may hear the calls they were on (`agents`); a supervisor any.

    A `message` was left for whoever works on its case: nobody of ours talks in it.
    """
    if may(viewer, Permission.RECORDING_HEAR_ALL):
        return
    require(viewer, Permission.RECORDING_HEAR_OWN)
    if message:
        require(viewer, Permission.CASE_READ)
        return
    if viewer is None or viewer.user not in agents:
        raise NotAllowed(Permission.RECORDING_HEAR_ALL)


def may_hear(viewer: Viewer | None, agents: Collection[str]) -> bool:
    """Whether a page should offer the recording at all; the same rule as `require_recording`.

    What is recorded of a call that no agent was on is a message.
    """
    return _allowed(lambda: require_recording(viewer, agents, message=not agents))


def may_read_metrics(address: str, header: str, networks: Iterable[str], token: str) -> bool:
    """Who may read a process' figures: who comes from one of these networks, or sends the token.

    `header` is the Authorization header; an empty `token` fits nobody.
    """
    scheme, _, sent = header.partition(" ")
    if token and scheme.lower() == "bearer":
        return hmac.compare_digest(sent.strip().encode("utf-8", "replace"), token.encode())
    try:
        peer = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(peer, "ipv4_mapped", None)
    return any((mapped or peer) in ipaddress.ip_network(each, strict=False) for each in networks)


def require_call(viewer: Viewer, agents: Iterable[str]) -> None:
    """Only an agent whose call it is (`agents` ring, talk or wrap it up) may act on a live call."""
    require(viewer, Permission.DESK_USE)
    if viewer.user not in agents:
        raise NotAllowed(Permission.DESK_USE)


def require_filing(viewer: Viewer, agents: Iterable[str], *, ended: bool) -> None:
    """Who may say whose call it is and which case it belongs to, away from the desk's own tab.

    While it goes on: its agents and supervisors, else somebody's card would change under their
    hands. Once it has `ended`: whoever may write cases.
    """
    require(viewer, Permission.CASE_WRITE)
    if ended or may(viewer, Permission.BOARD_SEE):
        return
    require_call(viewer, agents)


def may_file(viewer: Viewer | None, agents: Iterable[str], *, ended: bool) -> bool:
    """Whether a page should offer filing at all; the same rule as `require_filing`."""
    if viewer is None:
        return False
    return _allowed(lambda: require_filing(viewer, agents, ended=ended))


def require_promise(viewer: Viewer, owners: Iterable[str]) -> None:
    """A promise is said to be kept by who owns it or its case (`owners`), or a supervisor."""
    require(viewer, Permission.CASE_WRITE)
    if viewer.user not in owners and not may(viewer, Permission.BOARD_SEE):
        raise NotAllowed(Permission.BOARD_SEE)


def may_keep(viewer: Viewer | None, owners: Iterable[str]) -> bool:
    """Whether a page should offer it at all; the same rule as `require_promise`."""
    return viewer is not None and _allowed(lambda: require_promise(viewer, owners))


def _allowed(check: Callable[[], None]) -> bool:
    try:
        check()
    except AccessError:
        return False
    return True

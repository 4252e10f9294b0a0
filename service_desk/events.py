"""What the desk tells after it committed: something changed, read it again.

Events carry ids and no content, so they may come twice or late without harm.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from service_desk.views import OfferOutcome


class DeskEvent(Struct, frozen=True, kw_only=True, tag_field="event", tag=True):
    """Something was committed `at` (UTC)."""

    at: datetime


class CaseOpened(DeskEvent, frozen=True, kw_only=True):
    """A case exists; `call_id` when a call opened it."""

    case_id: int
    number: str
    call_id: str | None = None


class CaseChanged(DeskEvent, frozen=True, kw_only=True):
    """A case, its timeline or what is filed under it changed.

    `agents`: whose day may look different for it; None when it is not known.
    """

    case_id: int
    number: str
    agents: tuple[str, ...] | None = None


class CustomerChanged(DeskEvent, frozen=True, kw_only=True):
    """A customer's own data changed, or the customer is new."""

    customer_id: int


class CustomerChosen(DeskEvent, frozen=True, kw_only=True):
    """It is now known who is calling."""

    call_id: str
    customer_id: int


class CardChanged(DeskEvent, frozen=True, kw_only=True):
    """What the card of this call shows changed: read it again."""

    call_id: str


class FollowUpChanged(DeskEvent, frozen=True, kw_only=True):
    """A promise was made, kept or moved."""

    follow_up_id: int
    owner: str
    case_id: int | None = None
    customer_id: int | None = None


class OfferRecorded(DeskEvent, frozen=True, kw_only=True):
    """The outcome of an offer is known."""

    call_id: str
    product_id: int
    outcome: OfferOutcome


class StaffChanged(DeskEvent, frozen=True, kw_only=True):
    """A member of staff was made, changed, or lost the right to sign in."""

    staff: str


class SessionsEnded(DeskEvent, frozen=True, kw_only=True):
    """Sessions of a member of staff are over: all, or the one whose token's hash begins so."""

    staff: str
    session: str = ""


class AlarmsChanged(DeskEvent, frozen=True, kw_only=True):
    """An alarm of this Asterisk was raised or cleared: read them again."""

    system: str


class PhoneHeld(DeskEvent, frozen=True, kw_only=True):
    """A browser of this agent holds their telephone since `at`; an empty one: none does.

    Nothing is committed: whoever needs it says it again.
    """

    agent: str
    browser: str


AnyDeskEvent = (
    CaseOpened
    | CaseChanged
    | CustomerChanged
    | CustomerChosen
    | CardChanged
    | FollowUpChanged
    | OfferRecorded
    | StaffChanged
    | SessionsEnded
    | AlarmsChanged
    | PhoneHeld
)

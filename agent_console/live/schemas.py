"""What a page may send over the websocket; fields not named here are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from service_desk.views import CaseStatus, OfferOutcome, Priority

Short = Annotated[str, Meta(max_length=120)]
Text = Annotated[str, Meta(min_length=1, max_length=10_000)]
CallId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?!\n)$")]
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class Envelope(Struct, frozen=True, kw_only=True):
    """Every message: its number (answered as `re`) and what to do."""

    id: Annotated[int, Meta(ge=0, le=2**53)]
    do: Annotated[str, Meta(max_length=40)]


class Nothing(Struct, frozen=True, kw_only=True):
    """A command without fields."""


class OnTopic(Struct, frozen=True, kw_only=True):
    """`subscribe`, `unsubscribe`."""

    topic: Short


class PauseFor(Struct, frozen=True, kw_only=True):
    """`pause`: a code out of the settings' pause reasons."""

    reason: Short


class OnCall(Struct, frozen=True, kw_only=True):
    """`hang_up`, `take_along`."""

    call_id: CallId


class TransferTo(Struct, frozen=True, kw_only=True):
    """`transfer`: an extension, `q-<queue>`, or a number outside."""

    call_id: CallId
    to: Annotated[str, Meta(min_length=1, max_length=42)]


class DialTo(Struct, frozen=True, kw_only=True):
    """`dial`; `here`: the telephone in this page places the call, and asks what it may dial."""

    to: Annotated[str, Meta(min_length=1, max_length=42)]
    here: bool = False


class HoldPhone(Struct, frozen=True, kw_only=True):
    """`hold_phone`: `browser` is what the page calls its browser; `take`: whoever has it."""

    browser: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{8,64}(?!\n)$")]
    take: bool = False


class Choose(Struct, frozen=True, kw_only=True):
    """`choose_customer`: None is "none of them"."""

    call_id: CallId
    customer_id: Id | None


class NewCustomer(Struct, frozen=True, kw_only=True):
    """`new_customer`: who is calling is nobody we know."""

    call_id: CallId
    name: Annotated[str, Meta(min_length=1, max_length=120)]
    kind: Literal["person", "organisation"] = "person"
    organisation: Short = ""
    city: Short = ""
    language: Annotated[str, Meta(max_length=8)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Short = ""


class Note(Struct, frozen=True, kw_only=True):
    """`note`."""

    case_id: Id
    text: Text


class Disposition(Struct, frozen=True, kw_only=True):
    """`disposition`: how the call ended, a code out of the desk's list."""

    case_id: Id
    code: Annotated[str, Meta(min_length=1, max_length=40)]
    call_id: CallId | None = None


class Status(Struct, frozen=True, kw_only=True):
    """`status`."""

    case_id: Id
    status: CaseStatus


class CasePriority(Struct, frozen=True, kw_only=True):
    """`priority`."""

    case_id: Id
    priority: Priority


class Subject(Struct, frozen=True, kw_only=True):
    """`subject`: what the case is about."""

    case_id: Id
    subject: Annotated[str, Meta(min_length=1, max_length=200)]


class FollowUp(Struct, frozen=True, kw_only=True):
    """`follow_up`: a promise with a due time (ISO 8601 with a zone)."""

    case_id: Id
    text: Annotated[str, Meta(min_length=1, max_length=500)]
    due_at: Annotated[datetime, Meta(tz=True)]


class FileUnder(Struct, frozen=True, kw_only=True):
    """`file_under`: `case_id` is the open case that takes the call."""

    call_id: CallId
    case_id: Id


class Resolve(Struct, frozen=True, kw_only=True):
    """`resolve`."""

    case_id: Id


class Outcome(Struct, frozen=True, kw_only=True):
    """`offer_outcome`."""

    call_id: CallId
    product_id: Id
    outcome: OfferOutcome
    presentation_id: Id | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """`draft`: text typed and not saved; an empty text forgets it."""

    key: Annotated[str, Meta(pattern=r"^[a-z_]{1,16}:[A-Za-z0-9._:-]{1,64}(?!\n)$", max_length=64)]
    text: Annotated[str, Meta(max_length=10_000)]

"""What the API takes and gives beyond the desk's own views."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from cti.events import LiveAgent, LiveQueue
from service_desk.views import (
    CaseBrief,
    CaseStatus,
    ConversationBrief,
    CustomerBrief,
    LegView,
    Page,
    Priority,
)

Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Short = Annotated[str, Meta(max_length=120)]
Id = Annotated[int, Meta(ge=1, le=2**53)]


class ProblemDetail(Struct, frozen=True, kw_only=True):
    """`code` for programs, `message` for people."""

    code: str
    message: str


class Problem(Struct, frozen=True, kw_only=True):
    """Every answer that is no success."""

    error: ProblemDetail


class Paging(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`cursor`: the `next` of the page before."""

    cursor: Cursor = ""
    limit: Limit = 50


class CustomerQuery(Paging, frozen=True, kw_only=True):
    """`q`: part of a name, a number, an address."""

    q: Short = ""


class CaseQuery(Paging, frozen=True, kw_only=True):
    """Filters of the case list; all that are given must fit."""

    status: CaseStatus | None = None
    priority: Priority | None = None
    owner: Short = ""
    customer_id: Id | None = None
    open_only: bool = False


class ConversationQuery(Paging, frozen=True, kw_only=True):
    """Filters of the conversations."""

    customer_id: Id | None = None
    queue: Short = ""
    agent: Short = ""


class Customers(Struct, frozen=True, kw_only=True):
    """One page of customers."""

    items: tuple[CustomerBrief, ...]
    page: Page


class Cases(Struct, frozen=True, kw_only=True):
    """One page of cases."""

    items: tuple[CaseBrief, ...]
    page: Page


class Conversations(Struct, frozen=True, kw_only=True):
    """One page of conversations, newest first."""

    items: tuple[ConversationBrief, ...]
    page: Page


class ConversationWithLegs(Struct, frozen=True, kw_only=True):
    """One conversation and what each of its legs did; times in seconds."""

    conversation: ConversationBrief
    legs: tuple[LegView, ...]


class QueueNow(LiveQueue, frozen=True, kw_only=True):
    """A queue as it is now, and what people call it; `title_zh` is "" where it does not differ."""

    title: str
    title_zh: str


class Queues(Struct, frozen=True, kw_only=True):
    """Every queue as it is now; `stale_since` while the telephone's link is down."""

    items: tuple[QueueNow, ...]
    stale_since: datetime | None


class Agents(Struct, frozen=True, kw_only=True):
    """Every agent as they are now."""

    items: tuple[LiveAgent, ...]
    stale_since: datetime | None


class NewCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A customer to be made."""

    name: Name
    kind: Literal["person", "organisation"] = "person"
    organisation: Short = ""
    city: Short = ""
    language: Annotated[str, Meta(max_length=8)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    email: Short = ""


class CustomerPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays."""

    name: Name | UnsetType = UNSET
    organisation: Short | UnsetType = UNSET
    city: Short | UnsetType = UNSET
    language: Annotated[str, Meta(max_length=8)] | UnsetType = UNSET
    do_not_contact: bool | UnsetType = UNSET


class NewContactPoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number (in any form people write) or an e-mail address."""

    kind: Literal["phone", "email"]
    value: Name


class CasePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays."""

    status: CaseStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    owner: Name | UnsetType = UNSET
    disposition: Name | UnsetType = UNSET
    subject: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET


class NewNote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note on a case."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000)]


class NewFollowUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise: what, until when (with a time zone), by whom (default: the token's)."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    due_at: Annotated[datetime, Meta(tz=True)]
    owner: Short = ""


class ChosenCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who was calling."""

    customer_id: Id


class FiledUnder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The open case that takes the conversation."""

    case_number: Annotated[str, Meta(min_length=1, max_length=32)]


class JoinedTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of the case that takes everything."""

    into: Annotated[str, Meta(min_length=1, max_length=32)]


class Done(Struct, frozen=True, kw_only=True):
    """It is done; `id` when something was made."""

    id: int | None = None


Described = dict[str, Any]  # the OpenAPI document itself

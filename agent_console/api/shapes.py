"""What the API takes and gives beyond the desk's own views."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from cti.events import LiveAgent, LiveQueue
from service_desk.actions.checks import EMAIL
from service_desk.actor import Role
from service_desk.case_number import PATTERN
from service_desk.queries.staff import StaffView
from service_desk.views import (
    CaseBrief,
    CaseStatus,
    CatalogueProduct,
    ConversationBrief,
    CustomerBrief,
    LegView,
    Page,
    Priority,
    PurchaseView,
)

# Patterns end in `(?!\n)$`: to JSON schemas and to Python alike, the end and nothing after it.
READABLE = "has a letter or a digit that can be read"
SEEN = "holds something that can be seen"

Limit = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[str, Meta(max_length=200, description="`next` of the page before")]
Name = Annotated[str, Meta(min_length=1, max_length=120, description=READABLE)]
Short = Annotated[str, Meta(max_length=120)]
Title = Annotated[str, Meta(max_length=120, description=f"empty, or {READABLE}")]
Id = Annotated[int, Meta(ge=1, le=2**53 - 1, description="written without a fraction")]
CallId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}(?!\n)$")]
CaseNumber = Annotated[str, Meta(pattern=PATTERN, examples=["C-2026-004711"])]
User = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}(?!\n)$")]
AnyUser = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]{0,31}(?!\n))?(?!\n)$")]
Queue = Annotated[str, Meta(pattern=r"^([a-z0-9_-]{1,40})?(?!\n)$")]
Code = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,32}(?!\n)$")]
Language = Annotated[
    str, Meta(pattern=r"^([a-z]{2})?(?!\n)$", description="one the company speaks; empty: unknown")
]
Number = Annotated[str, Meta(max_length=40, description="a number in any form people write")]
Email = Annotated[str, Meta(pattern=EMAIL, extra_json_schema={"format": "email"})]
AnyEmail = Annotated[str, Meta(pattern=rf"^(?!\n)$|{EMAIL}")]
Subject = Annotated[str, Meta(min_length=1, max_length=200, description=SEEN)]
# RFC 3339, with the seconds left out if one likes; a believable year.
Moment = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
        r"T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
        r"(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])(?!\n)$",
        description="a day that exists, with a time zone",
        extra_json_schema={"format": "date-time"},
    ),
]

ExternalId = Annotated[str, Meta(max_length=80)]
Price = Annotated[int, Meta(ge=0, le=10**12)]  # in minor units: 1999 is 19.99
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Sku = Annotated[str, Meta(min_length=1, max_length=40)]
ProductName = Annotated[str, Meta(min_length=1, max_length=200)]
Pitch = Annotated[str, Meta(max_length=300)]

# What stands in an address, by its hole.
PATH: Mapping[str, Any] = {"id": Id, "call_id": CallId, "number": CaseNumber, "name": User}


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


def filters(asked: Paging) -> dict[str, object]:
    """What was asked for, without which page of it."""
    paging = {"cursor", "limit"}
    return {name: value for name, value in structs.asdict(asked).items() if name not in paging}


class CustomerQuery(Paging, frozen=True, kw_only=True):
    """`q`: part of a name, a number, an address."""

    q: Short = ""


class CaseQuery(Paging, frozen=True, kw_only=True):
    """Filters of the case list; all that are given must fit."""

    status: CaseStatus | None = None
    priority: Priority | None = None
    owner: AnyUser = ""
    customer_id: Id | None = None
    open_only: bool = False


class ConversationQuery(Paging, frozen=True, kw_only=True):
    """Filters of the conversations."""

    customer_id: Id | None = None
    queue: Queue = ""
    agent: AnyUser = ""


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
    longest_since: datetime | None = None  # when the one who has waited longest came


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
    organisation: Title = ""
    city: Title = ""
    language: Language = ""
    phone: Number = ""
    email: AnyEmail = ""
    external_id: ExternalId = ""  # what your own program calls them


class CustomerPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays; all of it or nothing."""

    name: Name | UnsetType = UNSET
    organisation: Title | UnsetType = UNSET
    city: Title | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    do_not_contact: bool | UnsetType = UNSET
    external_id: ExternalId | UnsetType = UNSET


class ProductQuery(Paging, frozen=True, kw_only=True):
    """`sku`: only this one."""

    sku: Annotated[str, Meta(max_length=40)] = ""


class Products(Struct, frozen=True, kw_only=True):
    """One page of what is sold."""

    items: tuple[CatalogueProduct, ...]
    page: Page


class NewProduct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something to be sold; without a currency in the desk's."""

    sku: Sku
    name_en: ProductName
    price: Price
    name_zh: Annotated[str, Meta(max_length=200)] = ""
    pitch_en: Pitch = ""
    pitch_zh: Pitch = ""
    category: Annotated[str, Meta(max_length=40)] = ""
    currency: Currency | UnsetType = UNSET
    active: bool = True


class ProductPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays."""

    name_en: ProductName | UnsetType = UNSET
    name_zh: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    pitch_en: Pitch | UnsetType = UNSET
    pitch_zh: Pitch | UnsetType = UNSET
    category: Annotated[str, Meta(max_length=40)] | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class Purchases(Struct, frozen=True, kw_only=True):
    """One page of what a customer bought, the last entered first."""

    items: tuple[PurchaseView, ...]
    page: Page


class NewPurchase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without a price it is the product's. `line_key` names it in your own program: sent again with
    the same key it is the same purchase."""

    sku: Sku
    bought_at: Moment
    price: Price | None = None
    currency: Currency | None = None
    line_key: Annotated[str, Meta(min_length=1, max_length=80)] | None = None


class PurchasePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays."""

    bought_at: Moment | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET


class NewPhone(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="phone"
):
    """A number to be added, in any form people write."""

    value: Annotated[str, Meta(min_length=1, max_length=40)]


class NewEmail(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="email"
):
    """An e-mail address to be added."""

    value: Email


NewContactPoint = NewPhone | NewEmail


class CasePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is given is changed, the rest stays; all of it or nothing."""

    status: CaseStatus | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    owner: User | UnsetType = UNSET
    disposition: Code | UnsetType = UNSET
    subject: Subject | UnsetType = UNSET


class NewNote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note on a case."""

    text: Annotated[str, Meta(min_length=1, max_length=10_000, description=SEEN)]


class NewFollowUp(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A promise: what, until when (with a time zone), by whom (default: the case's owner)."""

    text: Annotated[str, Meta(min_length=1, max_length=500, description=SEEN)]
    due_at: Moment
    owner: AnyUser = ""


class ChosenCustomer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who was calling."""

    customer_id: Id


class FiledUnder(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The open case that takes the conversation."""

    case_number: CaseNumber


class JoinedTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of the case that takes everything."""

    into: CaseNumber


class StaffList(Struct, frozen=True, kw_only=True):
    """Everybody who works here, by name."""

    items: tuple[StaffView, ...]


class StaffPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`active`: whether they may come in; out ends their sessions and their telephone's."""

    active: bool | UnsetType = UNSET
    role: Role | UnsetType = UNSET


class Taken(Struct, frozen=True, kw_only=True):
    """How many open cases that were nobody's are the customer's now."""

    cases: int


class Done(Struct, frozen=True, kw_only=True):
    """It is done; `id` when something was made."""

    id: int | None = None


Described = dict[str, Any]  # the OpenAPI document itself

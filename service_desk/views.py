"""What the desk shows: frozen structs, the same for pages, the live side and the JSON API.

Money is in minor units of `currency`; times are UTC; texts from customers are raw and hostile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

CaseStatus = Literal["new", "open", "waiting", "resolved", "merged"]
Priority = Literal["low", "normal", "high", "urgent"]
OfferOutcome = Literal["accepted", "declined", "later", "not_presented"]
NumberKind = Literal["known", "unknown", "withheld", "malformed"]
Outcome = Literal["live", "answered", "abandoned", "message", "menu", "failed", "lost"]
# What stands beside a screen's own subject, each read by itself (`queries/panels.py`).
Panel = Literal[
    "candidates",
    "cases",
    "contacts",
    "conversations",
    "joined",
    "legs",
    "offers",
    "path",
    "products",
    "promises",
    "timeline",
    "worth",
]


class Page(Struct, frozen=True, kw_only=True):
    """One page of a list: `total` of how many, `next` the cursor of the next page or None."""

    total: int
    next: str | None = None


class Candidate(Struct, frozen=True, kw_only=True):
    """One customer who may be calling, with why we think so; `likelihood` 0..1."""

    customer_id: int
    name: str
    city: str
    likelihood: float
    last_contact_at: datetime | None
    open_cases: int
    why: str


class ContactPoint(Struct, frozen=True, kw_only=True):
    """A number (E.164) or address of a customer, with the form it was entered in."""

    id: int
    kind: Literal["phone", "email"]
    value: str
    raw: str


class CustomerBrief(Struct, frozen=True, kw_only=True):
    """Who it is, on one line of the card."""

    id: int
    name: str
    kind: Literal["person", "organisation"]
    organisation: str
    city: str
    language: str
    segment: str  # A, B, C, D: the value pyramid; "" when it could not be read
    value_percentile: int  # 1..100, 100 is the best
    bought: bool  # anything at all: without a purchase value and segment say nothing
    since: datetime | None
    preferred_channel: str
    do_not_contact: bool
    contact_points: tuple[ContactPoint, ...] = ()
    external_id: str | None = None  # what another program calls them


class CaseBrief(Struct, frozen=True, kw_only=True):
    """A case on one line."""

    id: int
    number: str
    subject: str
    kind: str
    status: CaseStatus
    priority: Priority
    opened_at: datetime
    due_at: datetime | None = None
    owner: str | None = None
    customer_id: int | None = None
    customer_name: str = ""
    subject_zh: str = ""  # the subject in Chinese, where that differs
    found_as: str = ""  # the number that was asked for: of a case that is now part of this one


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened on a case; `kind` says which words and icon a page uses."""

    id: int
    at: datetime
    kind: str
    actor: str
    text: str
    data: dict[str, Any]


class ConversationBrief(Struct, frozen=True, kw_only=True):
    """A past or present conversation on one line."""

    call_id: str
    direction: str
    number: str
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    queue: str | None
    agents: tuple[str, ...]
    outcome: Outcome
    waited: float | None
    talked: float | None
    subject: str
    case_number: str | None
    recordings: tuple[int, ...] = ()
    subject_zh: str = ""


class LegSpan(Struct, frozen=True, kw_only=True):
    """A part of a leg's time, in seconds from its start."""

    kind: str  # ring | talk | hold | consult | wait | wrap_up
    begin: float
    end: float


class LegView(Struct, frozen=True, kw_only=True):
    """One leg of a conversation with its times in seconds; docs/figures.md says what they mean."""

    leg_id: str
    party: str
    agent: str | None
    address: str
    started_at: datetime
    ended_at: datetime | None
    ringing: float
    talked: float
    held: float
    cause: int | None
    answered_at: datetime | None = None
    consulted: float = 0.0
    wrapped_up: float | None = None  # None: there was no after-call work, or it goes on
    # caller | agent | external | system | transferred | asterisk (it was restarted) | unknown
    ended_by: str | None = None
    spans: tuple[LegSpan, ...] = ()


class Product(Struct, frozen=True, kw_only=True):
    """A product a customer holds."""

    id: int
    sku: str
    name: str
    bought_at: datetime
    price: int
    currency: str


class CatalogueProduct(Struct, frozen=True, kw_only=True):
    """Something we sell. Money in minor units; one that is not `active` is offered no more."""

    id: int
    sku: str
    name_en: str
    name_zh: str
    pitch_en: str
    pitch_zh: str
    category: str
    price: int
    currency: str
    active: bool


class PurchaseView(Struct, frozen=True, kw_only=True):
    """A customer bought a product. Money in minor units; `line_key`: what names it elsewhere."""

    id: int
    customer_id: int
    product_id: int
    sku: str
    bought_at: datetime
    price: int
    currency: str
    line_key: str | None


class Promise(Struct, frozen=True, kw_only=True):
    """A follow-up someone promised."""

    id: int
    text: str
    due_at: datetime
    owner: str
    case_number: str | None
    customer_id: int | None
    customer_name: str = ""
    overdue: bool = False
    case_owner: str | None = None

    def owners(self) -> tuple[str, ...]:
        """Who answers for it: whose promise it is, and whose case."""
        return tuple(name for name in (self.owner, self.case_owner) if name)


class OfferView(Struct, frozen=True, kw_only=True):
    """One suggestion with its reason in words and its counts."""

    product_id: int
    sku: str
    name: str
    pitch: str
    reason: str
    have_both: int
    have_first: int
    score: float
    presentation_id: int | None = None
    outcome: OfferOutcome | None = None


class Suggestion(Struct, frozen=True, kw_only=True):
    """Up to three offers, or the reason (`none_because`) why there is none."""

    offers: tuple[OfferView, ...] = ()
    none_because: str = ""


class PathStep(Struct, frozen=True, kw_only=True):
    """One step of the caller's way through the menu: where, and what was entered."""

    label: str
    entered: str = ""
    label_zh: str = ""  # the label in Chinese, where the flow has one


class CustomerCard(Struct, frozen=True, kw_only=True):
    """What the agent sees while it rings."""

    call_id: str
    number_kind: NumberKind
    number: str  # as dialled back: E.164 when known, else raw
    number_shown: str  # for people: +86 21 5555 0142, or "withheld"
    number_vouched: bool = False  # whether the carrier vouches for the caller's number
    caller_name: str
    language: str
    dialed: str
    queue: str | None
    waited: float | None
    path: tuple[PathStep, ...]
    candidates: tuple[Candidate, ...]
    customer: CustomerBrief | None
    case: CaseBrief | None  # this call's own case
    open_cases: tuple[CaseBrief, ...]
    timeline: tuple[TimelineEntry, ...]
    conversations: tuple[ConversationBrief, ...]
    products: tuple[Product, ...]
    promises: tuple[Promise, ...]
    suggestion: Suggestion
    disposition: str | None = None
    loose_cases: tuple[CaseBrief, ...] = ()  # open ones of this number that are nobody's yet
    totals: dict[Panel, int] = {}  # how many there are of what is listed, the newest of them here
    missing: tuple[Panel, ...] = ()  # what could not be read, and is empty here for that


class CasePage(Struct, frozen=True, kw_only=True):
    """Everything about one case."""

    case: CaseBrief
    customer: CustomerBrief | None
    timeline: tuple[TimelineEntry, ...]
    conversations: tuple[ConversationBrief, ...]
    promises: tuple[Promise, ...]
    disposition: str | None
    merged_into: str | None
    joined: tuple[str, ...] = ()  # numbers of cases that are now part of this one
    legs: dict[str, tuple[LegView, ...]] = {}  # by call, in order of time
    totals: dict[Panel, int] = {}  # as of `CustomerCard`
    missing: tuple[Panel, ...] = ()  # as of `CustomerCard`


class CustomerPage(Struct, frozen=True, kw_only=True):
    """The whole history of one customer."""

    customer: CustomerBrief
    cases: tuple[CaseBrief, ...]
    conversations: tuple[ConversationBrief, ...]
    products: tuple[Product, ...]
    promises: tuple[Promise, ...]
    suggestion: Suggestion
    totals: dict[Panel, int] = {}  # as of `CustomerCard`
    missing: tuple[Panel, ...] = ()  # as of `CustomerCard`


class Disposition(Struct, frozen=True, kw_only=True):
    """How a call ended, as an agent may say it: data, not code."""

    code: str
    label: str
    resolves: bool

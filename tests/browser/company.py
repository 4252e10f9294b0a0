"""A believable day at the desk, in the shapes the live side sends: what the browser tests show."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from agent_console.access import Viewer
from agent_console.i18n import load_all
from agent_console.navigation import places

Json = dict[str, Any]
SUPERVISOR = Viewer(staff_id=1, user="ava", name="Ava Lindqvist", role="supervisor")
HOSTILE = '"><img src=x onerror="window.hacked=1">'


def at(**back: float) -> str:
    """Now minus `back` (timedelta's words), as the wire says it."""
    return (datetime.now(UTC) - timedelta(**back)).isoformat()


PAUSE_REASONS = [
    {"code": "lunch", "label": {"en": "Lunch", "zh": "午餐"}, "limit_minutes": 30},
    {"code": "break", "label": {"en": "Short break", "zh": "小休"}, "limit_minutes": 10},
    {"code": "training", "label": {"en": "Training", "zh": "培训"}, "limit_minutes": None},
]
DISPOSITIONS = [
    {"code": "solved", "label": {"en": "Solved", "zh": "已解决"}, "resolves": True},
    {
        "code": "callback",
        "label": {"en": "Call back promised", "zh": "承诺回电"},
        "resolves": False,
    },
    {
        "code": "complaint",
        "label": {"en": "Complaint taken", "zh": "已记录投诉"},
        "resolves": False,
    },
]
TARGETS = [
    {"to": "102", "label": "Ben Okafor", "kind": "agent"},
    {"to": "103", "label": "Carla Reyes", "kind": "agent"},
    {"to": "q-sales", "label": "Sales", "kind": "queue"},
    {"to": "q-support", "label": {"en": "Support", "zh": "售后服务"}, "kind": "queue"},
]


def boot(page: str, *, live: str, lang: str = "en") -> Json:
    """What the server puts into the page."""
    shared: Json = {
        "lang": lang,
        "csrf": "token",
        "live": live,
        "me": {
            "agent": "ava",
            "name": "Ava Lindqvist",
            "extension": "101",
            "role": "agent",
            "language": lang,
        },
        "links": {
            "desk": "/desk",
            "board": "/board",
            "cases": "/cases",
            "search": "/search",
            "figures": "/figures",
            "sign_out": "/sign-out",
        },
        "nav": places(SUPERVISOR, load_all(("en", "zh"))),
        "company": {"name": "Northlight", "time_zone": "Europe/Berlin"},
    }
    if page == "desk":
        shared |= {
            "softphone": None,
            "pause_reasons": PAUSE_REASONS,
            "dispositions": DISPOSITIONS,
            "targets": TARGETS,
            "moves": {
                "new": ["new", "open", "waiting", "resolved"],
                "open": ["open", "waiting", "resolved"],
                "waiting": ["waiting", "open", "resolved"],
                "resolved": ["resolved", "open"],
            },
            "wrap_up": 60,
        }
    if page == "board":
        shared |= {"pause_reasons": PAUSE_REASONS}
    if page == "phone":
        shared |= {
            "softphone": None,
            "dial": "1000",
            "numbers": [
                {"number": "+862155550142", "name": "Chen Wei 陈伟", "note": "Shares the number"},
                {"number": "+493055501977", "name": "Maria Vogel", "note": "Open complaint"},
                {"number": "+442079460018", "name": "James Whitcombe", "note": ""},
                {"number": "", "name": "Withheld number", "note": ""},
            ],
        }
    return shared


def customer(name: str = "Chen Wei 陈伟", **changes: Any) -> Json:
    """A customer on one line."""
    return {
        "id": 1,
        "name": name,
        "kind": "person",
        "organisation": "Wei & Partner Imports",
        "city": "Shanghai",
        "language": "zh",
        "segment": "A",
        "value_percentile": 95,
        "since": "2019-03-01T09:00:00+00:00",
        "preferred_channel": "phone",
        "do_not_contact": False,
        "contact_points": [
            {"id": 1, "kind": "phone", "value": "+862155550142", "raw": "+86 21 5555 0142"},
            {
                "id": 2,
                "kind": "email",
                "value": "chen.wei@example.com",
                "raw": "chen.wei@example.com",
            },
        ],
    } | changes


def case(
    number: str = "C-2026-004711", subject: str = "Invoice charged twice", **changes: Any
) -> Json:
    """A case on one line."""
    return {
        "id": 4711,
        "number": number,
        "subject": subject,
        "kind": "billing",
        "status": "open",
        "priority": "normal",
        "opened_at": at(seconds=40),
        "due_at": at(hours=-3, minutes=-12),
        "owner": "ava",
        "customer_id": 1,
        "customer_name": "Chen Wei 陈伟",
    } | changes


def entry(number: int, kind: str, text: str, actor: str, when: str, **data: Any) -> Json:
    """One line of a timeline."""
    return {"id": number, "at": when, "kind": kind, "actor": actor, "text": text, "data": data}


TIMELINE = [
    entry(9, "queued", "Waiting in support, position 2", "", at(seconds=72)),
    entry(8, "arrived", "Called 1000 from +86 21 5555 0142", "", at(seconds=110)),
    entry(7, "call", "Credit note promised for the second invoice", "Ben", at(hours=3), talked=250),
    entry(
        6,
        "note",
        "Two invoices for order 88123; the second one is ours to cancel.",
        "Ben",
        at(hours=3),
    ),
    entry(
        5,
        "email_in",
        "“I received two invoices for the same delivery, please explain.”",
        "Chen Wei",
        at(days=1),
    ),
    entry(4, "disposition", "Call back promised", "Ben", at(days=1, hours=2)),
    entry(3, "visit", "Scanner replaced on site, signed off", "Field service", at(days=18)),
]


def conversation(number: str, subject: str, when: str, **changes: Any) -> Json:
    """A conversation on one line."""
    return {
        "call_id": number,
        "direction": "inbound",
        "number": "+862155550142",
        "arrived_at": when,
        "answered_at": when,
        "ended_at": when,
        "queue": "support",
        "agents": ["Ben"],
        "outcome": "answered",
        "waited": 20.0,
        "talked": 250.0,
        "subject": subject,
        "case_number": "C-2026-004633",
        "recordings": [],
    } | changes


CONVERSATIONS = [
    conversation("p1", "Two invoices for one order", at(hours=3), recordings=[17]),
    conversation(
        "p2",
        "",
        at(days=1),
        outcome="abandoned",
        agents=[],
        talked=None,
        case_number="C-2026-004630",
    ),
    conversation("p3", "Scanner does not start", at(days=18), agents=["Carla"], talked=611.0),
    conversation(
        "p4", "Delivery date", at(days=60), direction="outbound", agents=["Ava"], talked=95.0
    ),
]
OFFERS = [
    {
        "product_id": 12,
        "sku": "SCN-CARE",
        "name": "Scanner Care Plus",
        "pitch": "A replacement scanner the next morning instead of a repair.",
        "reason": "212 of 1,040 customers who have the Scanner X2 also have this.",
        "have_both": 212,
        "have_first": 1040,
        "score": 0.4,
        "presentation_id": 5,
        "outcome": None,
    },
    {
        "product_id": 13,
        "sku": "LBL-500",
        "name": "Label rolls, yearly",
        "pitch": "Labels before they run out.",
        "reason": "188 of 1,040 customers who have the Scanner X2 also have this.",
        "have_both": 188,
        "have_first": 1040,
        "score": 0.3,
        "presentation_id": 6,
        "outcome": None,
    },
]
CANDIDATES = [
    {
        "customer_id": 1,
        "name": "Chen Wei 陈伟",
        "city": "Shanghai",
        "likelihood": 0.71,
        "last_contact_at": at(hours=3),
        "open_cases": 2,
        "why": "called from this number 14 times",
    },
    {
        "customer_id": 2,
        "name": "Chen Li 陈丽",
        "city": "Shanghai",
        "likelihood": 0.22,
        "last_contact_at": at(days=90),
        "open_cases": 0,
        "why": "same household",
    },
    {
        "customer_id": 3,
        "name": "Wei & Partner Imports",
        "city": "Shanghai",
        "likelihood": 0.07,
        "last_contact_at": None,
        "open_cases": 0,
        "why": "number on the company's card",
    },
]


def promise(number: int, text: str, due: str, **changes: Any) -> Json:
    """A follow-up someone promised."""
    return {
        "id": number,
        "text": text,
        "due_at": due,
        "owner": "ava",
        "case_number": "C-2026-004633",
        "customer_id": 1,
        "customer_name": "Chen Wei 陈伟",
        "overdue": False,
    } | changes


def card(call_id: str = "c1", **changes: Any) -> Json:
    """The card of a known caller."""
    return {
        "call_id": call_id,
        "number_kind": "known",
        "number": "+862155550142",
        "number_shown": "+86 21 5555 0142",
        "number_vouched": True,
        "caller_name": "",
        "language": "zh",
        "dialed": "1000",
        "queue": "support",
        "waited": 72.0,
        "path": [
            {"label": "Service menu", "entered": "2"},
            {"label": "Invoice", "entered": "4711"},
        ],
        "candidates": CANDIDATES,
        "customer": customer(),
        "case": case(),
        "open_cases": [
            case(),
            case(
                "C-2026-004633",
                "Credit note for order 88123",
                id=4633,
                opened_at=at(days=2),
                due_at=at(hours=1),
            ),
            case(
                "C-2026-004590",
                "Scanner firmware",
                id=4590,
                status="waiting",
                opened_at=at(days=9),
                due_at=None,
            ),
        ],
        "timeline": TIMELINE,
        "conversations": CONVERSATIONS,
        "products": [
            {
                "id": 1,
                "sku": "SCN-X2",
                "name": "Scanner X2",
                "bought_at": at(days=400),
                "price": 129900,
                "currency": "CNY",
            },
            {
                "id": 2,
                "sku": "LBL-1",
                "name": "Label printer L1",
                "bought_at": at(days=300),
                "price": 84900,
                "currency": "CNY",
            },
        ],
        "promises": [promise(1, "Call back about the credit note", at(hours=-2))],
        "suggestion": {"offers": OFFERS, "none_because": ""},
        "disposition": None,
    } | changes


def call(call_id: str = "c1", state: str = "ringing", **changes: Any) -> Json:
    """A call as this agent sees it."""
    return {
        "call_id": call_id,
        "system": "ringdesk-1",
        "direction": "inbound",
        "caller_number": "+862155550142",
        "caller_name": "",
        "dialed": "1000",
        "arrived_at": at(seconds=80),
        "state": state,
        "since": at(seconds=7),
        "queue": "support",
        "queued_at": at(seconds=79),
        "waited": 72.0,
        "path": [{"label": "Service menu", "entered": "2"}],
    } | changes


def me(status: str = "available", **changes: Any) -> Json:
    """The agent."""
    return {
        "agent": "ava",
        "name": "Ava Lindqvist",
        "status": status,
        "since": at(minutes=3, seconds=12),
        "reason": "",
        "queues": ["support"],
        "stale_since": None,
    } | changes


TODAY: Json = {
    "calls": 31,
    "open_cases": 6,
    "next": promise(1, "Call back about the credit note", at(hours=-2)),
    "agenda": [
        promise(
            2,
            "Send the delivery note again",
            at(minutes=25),
            customer_name="Maria Vogel",
            overdue=True,
        ),
        promise(1, "Call back about the credit note", at(hours=-2)),
        promise(3, "Ask whether the scanner works", at(hours=-20), customer_name="James Whitcombe"),
    ],
    "cases": [
        case("C-2026-004633", "Credit note for order 88123", id=4633, due_at=at(hours=-3)),
        case(
            "C-2026-004640",
            "Delivery note missing",
            id=4640,
            due_at=at(minutes=20),
            priority="urgent",
            customer_name="Maria Vogel",
        ),
        case("C-2026-004590", "Scanner firmware", id=4590, status="waiting", due_at=None),
        case(
            "C-2026-004655",
            "Wants a quote for 12 label printers",
            id=4655,
            status="new",
            due_at=at(minutes=-40),
            customer_name="James Whitcombe",
        ),
    ],
}


def desk(
    status: str = "available", calls: list[Json] | None = None, cards: list[Json] | None = None
) -> Json:
    """The whole topic `desk`."""
    return {
        "me": {
            "me": me(status, **({"wrap_up_until": at(seconds=-42)} if status == "wrap_up" else {}))
        },
        "call": {one["call_id"]: one for one in calls or []},
        "card": {one["call_id"]: one for one in cards or []},
        "today": {"today": TODAY},
        "draft": {},
    }


def board() -> Json:
    """The whole topic `board`."""

    def live_call(number: int, state: str, seconds: float, **changes: Any) -> Json:
        return call(
            f"b{number}", state, since=at(seconds=seconds), queued_at=at(seconds=seconds), **changes
        )

    calls = [
        live_call(
            1,
            "talking",
            190,
            agents=["ava"],
            customer_name="Chen Wei 陈伟",
            case_number="C-2026-004711",
        ),
        live_call(2, "waiting", 161, caller_number="+493055501977", customer_name="Maria Vogel"),
        live_call(3, "waiting", 44, caller_number="+442079460018"),
        live_call(
            4, "ringing", 12, ringing=["dmitri"], caller_number="+33155500123", queue="sales"
        ),
        live_call(5, "menu", 9, caller_number="", queue=None),
        live_call(
            6, "held", 75, agents=["ben"], customer_name=HOSTILE, case_number="C-2026-004702"
        ),
    ]

    def agent(name: str, full: str, status: str, **more: Any) -> dict[str, Any]:
        return {
            "agent": name,
            "name": full,
            "status": status,
            "since": at(seconds=more.pop("s", 100)),
            "queues": ["support"],
            **more,
        }

    agents = [
        agent("ava", "Ava Lindqvist", "talking", s=190, call_id="b1"),
        agent("ben", "Ben Okafor", "held", s=75, call_id="b6"),
        agent("carla", "Carla Reyes", "paused", s=724, reason="lunch"),
        agent("dmitri", "Dmitri Sokolov", "ringing", s=12, call_id="b4"),
        agent("elif", "Elif Yıldız", "wrap_up", s=32),
        agent("fang", "Fang Min 方敏", "available", s=260),
        agent("gus", "Gus Ferreira", "unreachable", s=900),
        agent("hana", "Hana Kimura", "signed_out", s=9000),
    ]

    def queue(name: str, label: str | dict[str, str], **more: Any) -> dict[str, Any]:
        return {
            "queue": name,
            "label": label,
            "waiting": [],
            "offered": 0,
            "answered": 0,
            "abandoned": 0,
            "abandoned_late": 0,
            "turned_away": 0,
            "in_time": 0,
            "threshold": 20,
            "counted_since": at(hours=8),
            **more,
        }

    queues = [
        queue(
            "support",
            {"en": "Support", "zh": "售后服务"},
            waiting=["b2", "b3"],
            offered=65,
            answered=58,
            abandoned=3,
            turned_away=2,
            abandoned_late=2,
            in_time=46,
        ),
        queue("sales", "Sales", offered=35, answered=34, abandoned=1, in_time=32),
        queue("operator", {"en": "Operator", "zh": ""}),
    ]
    return {
        "queues": {one["queue"]: one for one in queues},
        "agents": {one["agent"]: one for one in agents},
        "calls": {one["call_id"]: one for one in calls},
        "link": {"link": {"stale_since": None}},
    }


def alarm(kind: str, count: int = 1, *, since: str = "", last: str = "", **newest: Any) -> Json:
    """Alarms of one kind, as the board gets them; `newest` is the newest of them."""
    one = {"about": "x", "at": since or at(minutes=5), "case_number": None, "data": {}} | newest
    return {
        "kind": kind,
        "count": count,
        "since": since or at(minutes=5),
        "last": last or since or at(minutes=5),
        "newest": [one] * min(count, 20),
    }


def alarms() -> Json:
    """One of each kind, in the order in which they began."""
    case = {"case_number": "C-2026-004711"}
    return {
        "cdr_without_call": alarm("cdr_without_call", about="ringdesk-1-1795303700.0"),
        "call_without_cdr": alarm("call_without_cdr", **case),
        "call_without_end": alarm("call_without_end", 2, **case),
        "records_unreadable": alarm("records_unreadable", about="records"),
        "records_aside": alarm("records_aside", 12, data={"reason": "unknown kind"}),
        "recording_missing": alarm("recording_missing", 31, **case),
        "descriptors_few": alarm("descriptors_few", about="live, web (desk-1)"),
        "disk_full": alarm("disk_full", since=at(minutes=1), about="recordings"),
    }

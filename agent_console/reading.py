"""What the counter reads of the desk; the pages, the API and the live side share it.

Every function raises what its query raises: NotFound, BadValue (a cursor that is none of ours),
DatabaseAway.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from msgspec import to_builtins
from sqlalchemy import Connection, func, select

from agent_console.context import ConsoleContext
from agent_console.errors import BadRequest
from agent_console.panels import aside
from agent_console.queue_days import QueueDay
from agent_console.words import N_
from service_desk.model import Customer, Draft
from service_desk.queries import (
    agenda,
    briefs,
    case_list,
    case_page,
    conversations,
    customer_page,
    jobs,
    search,
    staff,
)
from service_desk.queries.alarms import alarms_by_kind
from service_desk.queries.figures import QueueFigures, queue_figures
from service_desk.queries.panels import Panels
from service_desk.sales import products as catalogue
from service_desk.sales import purchases as bought
from service_desk.views import (
    CaseBrief,
    CasePage,
    CaseStatus,
    CatalogueProduct,
    CustomerBrief,
    CustomerPage,
    Disposition,
    Page,
    Priority,
    PurchaseView,
)

MOST_DRAFTS = 50


class Day(NamedTuple):
    """A day's figures by queue (None: no call entered it); `at` lies in the day."""

    at: datetime
    queues: dict[str, QueueFigures | None]


async def dispositions(context: ConsoleContext, language: str) -> tuple[Disposition, ...]:
    """How a call may have ended, in the words of `language`."""
    return await agenda.dispositions(context.desk, language=language)


async def cases(
    context: ConsoleContext,
    *,
    status: CaseStatus | None = None,
    open_only: bool = False,
    priority: Priority | None = None,
    owner: str = "",
    customer_id: int | None = None,
    cursor: str = "",
    limit: int = 50,
) -> case_list.CaseList:
    """A page of cases, newest first."""
    return await case_list.case_list(
        context.desk,
        status=status,
        open_only=open_only,
        priority=priority,
        owner=owner or None,
        customer_id=customer_id,
        after=cursor or None,
        limit=limit,
    )


async def case(context: ConsoleContext, number: str, language: str, *, times: int = 1) -> CasePage:
    """Everything about one case, by its number; `times`: so many times as much of it."""
    return await case_page.case_page(context.desk, number[:40], language=language, times=times)


async def open_cases(context: ConsoleContext, customer_id: int) -> tuple[CaseBrief, ...]:
    """A customer's open cases: where a call may be filed instead."""
    found = await cases(context, customer_id=customer_id, open_only=True, limit=20)
    return found.cases


async def customer(
    context: ConsoleContext, customer_id: int, language: str, *, times: int = 1
) -> CustomerPage:
    """One customer with the history; `times`: so many times as much of it."""
    desk = context.desk
    return await customer_page.customer_page(desk, customer_id, language=language, times=times)


async def customers(
    context: ConsoleContext, q: str, *, cursor: str, limit: int
) -> tuple[tuple[CustomerBrief, ...], Page]:
    """Customers that fit `q`, best first and one page of them; without `q` all, by id."""
    if q:
        found = await search.search(context.desk, q, limit=limit)
        return found.customers, Page(total=found.customers_total)
    return await context.desk.fetch(_customers, _id_in(cursor) or 0, limit)


def _id_in(cursor: str) -> int | None:
    """The id that a cursor is; None for the first page."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) < 16):
        raise BadRequest(N_("is no cursor of ours"), field="cursor")
    return int(cursor) if cursor else None


def _customers(
    connection: Connection, after: int, limit: int
) -> tuple[tuple[CustomerBrief, ...], Page]:
    total = connection.scalar(select(func.count()).select_from(Customer)) or 0
    rows = briefs.customers(
        connection,
        Panels(connection, "customers"),
        lambda whom: whom.select.where(Customer.id > after).order_by(Customer.id).limit(limit + 1),
    )
    shown = tuple(briefs.brief_of_customer(row) for row in rows[:limit])
    return shown, Page(total=total, next=str(shown[-1].id) if len(rows) > limit else None)


async def products(
    context: ConsoleContext, *, sku: str, cursor: str, limit: int
) -> tuple[tuple[CatalogueProduct, ...], Page]:
    """A page of what is sold, by id."""
    return await catalogue.products(context.desk, sku=sku, after=_id_in(cursor) or 0, limit=limit)


async def product(context: ConsoleContext, product_id: int) -> CatalogueProduct:
    """One product."""
    return await catalogue.product(context.desk, product_id)


async def purchases(
    context: ConsoleContext, customer_id: int, *, cursor: str, limit: int
) -> tuple[tuple[PurchaseView, ...], Page]:
    """A page of what a customer bought, the last entered first."""
    return await bought.purchases(context.desk, customer_id, before=_id_in(cursor), limit=limit)


async def purchase(context: ConsoleContext, purchase_id: int) -> PurchaseView:
    """One purchase."""
    return await bought.purchase(context.desk, purchase_id)


async def all_jobs(context: ConsoleContext) -> jobs.Jobs:
    """What runs by itself, and how it went."""
    return await jobs.jobs(context.desk)


async def calls(
    context: ConsoleContext,
    *,
    customer_id: int | None,
    queue: str,
    agent: str,
    cursor: str,
    limit: int,
) -> conversations.ConversationList:
    """A page of conversations, newest first."""
    return await conversations.conversation_list(
        context.desk,
        customer_id=customer_id,
        queue=queue or None,
        agent=agent or None,
        after=cursor or None,
        limit=limit,
    )


async def call(context: ConsoleContext, call_id: str) -> conversations.ConversationPage:
    """One conversation with its legs."""
    return await conversations.conversation_page(context.desk, call_id[:64])


async def owners_of_promise(context: ConsoleContext, follow_up_id: int) -> tuple[str, ...]:
    """Whose promise it is, and whose case."""
    return await agenda.owners_of_promise(context.desk, follow_up_id)


async def recording(context: ConsoleContext, recording_id: int) -> conversations.RecordingFile:
    """Where a recording lies, and whose call it is."""
    return await conversations.recording_file(context.desk, recording_id)


async def find(context: ConsoleContext, text: str, most: int) -> search.Found:
    """People and cases that fit what was typed."""
    return await search.search(context.desk, text, limit=most)


async def names(context: ConsoleContext) -> dict[str, str]:
    """User name -> the name people read; where that cannot be read, the user name serves."""
    shown = {name: device.label or name for name, device in context.agents.items()}
    known = await aside("every", "names", staff.staff_list(context.desk), ())
    return shown | {each.name: each.shown for each in known}


async def staff_list(context: ConsoleContext) -> tuple[staff.StaffView, ...]:
    """Everybody who works here, by name."""
    return await staff.staff_list(context.desk)


async def phone_generation(context: ConsoleContext, user: str) -> int:
    """Which of its passwords the user's telephone has now."""
    return await staff.phone_generation(context.desk, user)


async def today(context: ConsoleContext, agent: str) -> dict[str, Any]:
    """The section `today` of an agent's desk, without what could not be read (`missing`)."""
    missing: list[str] = []
    day = await aside("desk", "today", agenda.today(context.desk, agent), None, missing)
    todo = await aside("desk", "agenda", agenda.agenda(context.desk, agent), None, missing)
    found: dict[str, Any] = {"missing": missing}
    if day is not None:
        found |= {"calls": day.calls, "talked": day.talked, "open_cases": day.open_cases}
        found["promises"] = day.promises
        found["next"] = to_builtins(day.next)
    if todo is not None:
        found |= {"agenda": to_builtins(todo.promises), "cases": to_builtins(todo.cases)}
    return found


async def figures(context: ConsoleContext) -> tuple[Day, ...]:
    """Today and yesterday: every queue of the settings, and those that had calls then."""
    thresholds = {name: queue.threshold for name, queue in context.queues.items()}
    today, _ = agenda.day_of(context.desk)
    found = []
    for within in (today, today - timedelta(hours=1)):
        rows = await queue_figures(context.desk, day=within, thresholds=thresholds)
        counted = {row.queue: row for row in rows}
        names = dict.fromkeys((*context.queues, *counted))
        found.append(Day(within, {name: counted.get(name) for name in names}))
    return tuple(found)


async def queue_day(context: ConsoleContext) -> QueueDay:
    """Today, by queue: what the board and the API show."""
    since, _ = agenda.day_of(context.desk)
    thresholds = {name: queue.threshold for name, queue in context.queues.items()}
    rows = await queue_figures(context.desk, thresholds=thresholds)
    return QueueDay(since=since, queues={row.queue: row for row in rows})


async def alarms(context: ConsoleContext) -> dict[str, Any]:
    """What is alarming about this Asterisk, by kind, as the board shows it."""
    found = await alarms_by_kind(context.desk, context.system)
    return {each.kind: to_builtins(each) for each in found}


async def drafts(context: ConsoleContext, user: str) -> dict[str, Any]:
    """What this user typed and did not save: `note:<case id>` -> {text, at}."""

    def read(connection: Connection) -> dict[str, Any]:
        rows = connection.execute(
            select(Draft.call_id, Draft.text, Draft.saved_at)
            .where(Draft.agent == user)
            .order_by(Draft.saved_at.desc())
            .limit(MOST_DRAFTS)
        )
        return {row.call_id: {"text": row.text, "at": row.saved_at.isoformat()} for row in rows}

    return await context.desk.fetch(read)


async def draft(context: ConsoleContext, user: str, key: str) -> str:
    """One draft's text, or nothing."""
    found: dict[str, Any] = (await drafts(context, user)).get(key, {})
    text: str = found.get("text", "")
    return text

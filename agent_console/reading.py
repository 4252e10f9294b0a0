"""What the counter reads of the desk; the pages, the API and the live side share it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent_console.context import ConsoleContext
from agent_console.errors import NotThere
from service_desk.views import (
    CaseBrief,
    CasePage,
    ConversationBrief,
    CustomerBrief,
    CustomerPage,
    Disposition,
    LegView,
    Page,
)


async def dispositions(context: ConsoleContext, language: str) -> list[Disposition]:
    raise NotThere


async def case_list(
    context: ConsoleContext,
    *,
    status: str = "",
    priority: str = "",
    owner: str = "",
    q: str = "",
    customer_id: int | None = None,
    cursor: str = "",
    limit: int = 50,
) -> tuple[Sequence[CaseBrief], Page]:
    raise NotThere


async def case_page(context: ConsoleContext, number: str) -> CasePage:
    raise NotThere


async def open_cases(context: ConsoleContext, customer_id: int) -> Sequence[CaseBrief]:
    raise NotThere


async def customer_page(context: ConsoleContext, customer_id: int, language: str) -> CustomerPage:
    raise NotThere


async def customer_list(
    context: ConsoleContext, q: str, *, cursor: str, limit: int
) -> tuple[Sequence[CustomerBrief], Page]:
    raise NotThere


async def conversation_list(
    context: ConsoleContext,
    *,
    customer_id: int | None,
    queue: str,
    agent: str,
    cursor: str,
    limit: int,
) -> tuple[Sequence[ConversationBrief], Page]:
    raise NotThere


async def conversation(
    context: ConsoleContext, call_id: str
) -> tuple[ConversationBrief, Sequence[LegView]]:
    raise NotThere


async def search(
    context: ConsoleContext, text: str, most: int
) -> tuple[Sequence[CustomerBrief], Sequence[CaseBrief]]:
    raise NotThere


async def draft(context: ConsoleContext, user: str, key: str) -> str:
    return ""


async def drafts(context: ConsoleContext, user: str) -> dict[str, Any]:
    return {}


async def recording(context: ConsoleContext, number: int) -> Any:
    raise NotThere

"""What the live side reads from the desk, as functions it can be built with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from agent_console import reading
from agent_console.context import ConsoleContext
from agent_console.live.alarms import Read as ReadAlarms
from agent_console.live.cards import Build
from agent_console.live.last_calls import Read as ReadLast
from agent_console.live.parts import Last
from agent_console.live.today import Read
from agent_console.queue_days import QueueDay
from agent_console.queue_days import Read as ReadDays
from service_desk.queries.agenda import last_call
from service_desk.queries.customer_card import card_for_call
from service_desk.views import CustomerCard


def card_builder(context: ConsoleContext) -> Build:
    """Reads one card in one language."""

    async def build(call_id: str, language: str) -> CustomerCard:
        return await card_for_call(context.desk, call_id, language=language)

    return build


def today_reader(context: ConsoleContext) -> Read:
    """Reads one agent's day."""

    async def read(agent: str) -> dict[str, Any]:
        return await reading.today(context, agent)

    return read


def last_reader(context: ConsoleContext) -> ReadLast:
    """Reads which call one agent had last."""

    async def read(agent: str) -> Last | None:
        found = await last_call(context.desk, agent)
        if found is None:
            return None
        return Last(call_id=found.call_id, at=found.at, handed_on=found.handed_on)

    return read


def names_reader(context: ConsoleContext) -> Callable[[], Awaitable[dict[str, str]]]:
    """Reads what everybody is called."""

    async def read() -> dict[str, str]:
        return await reading.names(context)

    return read


def days_reader(context: ConsoleContext) -> ReadDays:
    """Reads the day of every queue."""

    async def read() -> QueueDay:
        return await reading.queue_day(context)

    return read


def alarms_reader(context: ConsoleContext) -> ReadAlarms:
    """Reads what is alarming, by kind."""

    async def read() -> Mapping[str, Any]:
        return await reading.alarms(context)

    return read

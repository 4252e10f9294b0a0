"""Conversations, as the API reads them, and what is to be said about one."""

from __future__ import annotations

from agent_console import reading, writing
from agent_console.access import require_filing
from agent_console.api import shapes
from agent_console.api.endpoint import Call


async def some(call: Call) -> shapes.Conversations:
    """GET /conversations"""
    asked: shapes.ConversationQuery = call.query
    await writing.calls_listed(call.context, shapes.filters(asked), by=call.actor)
    found = await reading.calls(
        call.context,
        customer_id=asked.customer_id,
        queue=asked.queue,
        agent=asked.agent,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return shapes.Conversations(items=found.conversations, page=found.page)


async def one(call: Call) -> shapes.ConversationWithLegs:
    """GET /conversations/{call_id}"""
    found = await reading.call(call.context, call.path["call_id"])
    await writing.call_read(call.context, found.conversation.call_id, by=call.actor)
    return shapes.ConversationWithLegs(conversation=found.conversation, legs=found.legs)


async def choose(call: Call) -> shapes.Done:
    """PUT /conversations/{call_id}/customer"""
    wanted: shapes.ChosenCustomer = call.body
    await _may_be_filed(call)
    await writing.choose_customer(
        call.context, call.path["call_id"], wanted.customer_id, by=call.actor
    )
    return shapes.Done()


async def take_along(call: Call) -> shapes.Taken:
    """POST /conversations/{call_id}/take-along"""
    await _may_be_filed(call)
    taken = await writing.take_along(call.context, call.path["call_id"], by=call.actor)
    return shapes.Taken(cases=taken)


async def file_under(call: Call) -> shapes.Done:
    """PUT /conversations/{call_id}/case"""
    wanted: shapes.FiledUnder = call.body
    await _may_be_filed(call)
    case = await reading.case(call.context, wanted.case_number, call.language)
    await writing.file_under(call.context, call.path["call_id"], case.case.id, by=call.actor)
    return shapes.Done()


async def _may_be_filed(call: Call) -> None:
    known = (await reading.call(call.context, call.path["call_id"])).conversation
    require_filing(call.viewer, known.agents, ended=known.ended_at is not None)

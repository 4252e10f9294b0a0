"""Cases, as the API reads and writes them."""

from __future__ import annotations

from agent_console import reading, writing
from agent_console.access import require_promise
from agent_console.api import shapes
from agent_console.api.endpoint import Call, given, identifier, moment
from service_desk.views import CasePage


async def some(call: Call) -> shapes.Cases:
    """GET /cases"""
    asked: shapes.CaseQuery = call.query
    await writing.cases_listed(call.context, shapes.filters(asked), by=call.actor)
    found = await reading.cases(
        call.context,
        status=asked.status,
        open_only=asked.open_only,
        priority=asked.priority,
        owner=asked.owner,
        customer_id=asked.customer_id,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    return shapes.Cases(items=found.cases, page=found.page)


async def one(call: Call) -> CasePage:
    """GET /cases/{number}"""
    return await _read(call, call.path["number"])


async def change(call: Call) -> CasePage:
    """PATCH /cases/{number}: all or nothing; each change is its own entry in the timeline."""
    case_id = await _id(call)
    await writing.change_case(call.context, case_id, given(call.body), by=call.actor)
    return await one(call)


async def note(call: Call) -> shapes.Done:
    """POST /cases/{number}/notes"""
    wanted: shapes.NewNote = call.body
    made = await writing.note(call.context, await _id(call), wanted.text, by=call.actor)
    return shapes.Done(id=made)


async def join(call: Call) -> CasePage:
    """POST /cases/{number}/join: this case becomes part of the case `into`."""
    wanted: shapes.JoinedTo = call.body
    into = (await reading.case(call.context, wanted.into, call.language)).case.id
    await writing.join_cases(call.context, await _id(call), into, by=call.actor)
    return await _read(call, wanted.into)


async def follow_up(call: Call) -> shapes.Done:
    """POST /cases/{number}/follow-ups"""
    wanted: shapes.NewFollowUp = call.body
    made = await writing.follow_up(
        call.context,
        await _id(call),
        wanted.text,
        moment(wanted.due_at, "due_at"),
        owner=wanted.owner,
        by=call.actor,
    )
    return shapes.Done(id=made)


async def kept(call: Call) -> shapes.Done:
    """POST /follow-ups/{id}/kept"""
    follow_up_id = identifier(call)
    require_promise(call.viewer, await reading.owners_of_promise(call.context, follow_up_id))
    await writing.keep(call.context, follow_up_id, by=call.actor)
    return shapes.Done()


async def _id(call: Call) -> int:
    """Of the case in the address, which is written to and not read."""
    return (await reading.case(call.context, call.path["number"], call.language)).case.id


async def _read(call: Call, number: str) -> CasePage:
    """What is answered was read."""
    found = await reading.case(call.context, number, call.language)
    await writing.case_read(call.context, found.case.number, by=call.actor)
    return found

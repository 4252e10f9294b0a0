"""The staff, as the API reads and changes them: who may come in, and as what."""

from __future__ import annotations

from agent_console import reading, writing
from agent_console.api import shapes
from agent_console.api.endpoint import Call, given


async def everybody(call: Call) -> shapes.StaffList:
    """GET /staff"""
    return shapes.StaffList(items=await reading.staff_list(call.context))


async def change(call: Call) -> shapes.Done:
    """PATCH /staff/{name}"""
    await writing.change_staff(call.context, call.path["name"], given(call.body), by=call.actor)
    return shapes.Done()


async def sign_out(call: Call) -> shapes.Done:
    """POST /staff/{name}/sign-out"""
    await writing.sign_out_everywhere(call.context, call.path["name"], by=call.actor)
    return shapes.Done()

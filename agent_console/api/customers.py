"""Customers, as the API reads and writes them."""

from __future__ import annotations

import msgspec

from agent_console import reading, writing
from agent_console.api import shapes
from agent_console.api.endpoint import Call, given, identifier
from service_desk.views import CustomerPage


async def some(call: Call) -> shapes.Customers:
    """GET /customers"""
    asked: shapes.CustomerQuery = call.query
    call.context.paces.take("search", call.actor)
    await writing.customers_listed(call.context, asked.q, by=call.actor)
    items, page = await reading.customers(
        call.context, asked.q, cursor=asked.cursor, limit=asked.limit
    )
    return shapes.Customers(items=items, page=page)


async def one(call: Call) -> CustomerPage:
    """GET /customers/{id}"""
    found = await reading.customer(call.context, identifier(call), call.language)
    await writing.customer_read(call.context, identifier(call), by=call.actor)
    return found


async def create(call: Call) -> shapes.Done:
    """POST /customers"""
    wanted: shapes.NewCustomer = call.body
    made = await writing.create_customer(
        call.context, **msgspec.structs.asdict(wanted), by=call.actor
    )
    return shapes.Done(id=made)


async def change(call: Call) -> CustomerPage:
    """PATCH /customers/{id}"""
    customer_id = identifier(call)
    await writing.update_customer(call.context, customer_id, given(call.body), by=call.actor)
    return await one(call)


async def reachable(call: Call) -> shapes.Done:
    """POST /customers/{id}/contact-points"""
    wanted: shapes.NewContactPoint = call.body
    kind = "phone" if isinstance(wanted, shapes.NewPhone) else "email"
    made = await writing.add_contact_point(
        call.context, identifier(call), kind, wanted.value, by=call.actor
    )
    return shapes.Done(id=made)

"""Products and purchases, as the API reads and writes them."""

from __future__ import annotations

from typing import Any

from agent_console import reading, writing
from agent_console.api import shapes
from agent_console.api.endpoint import Call, given, identifier, moment
from service_desk.views import CatalogueProduct, PurchaseView


async def products(call: Call) -> shapes.Products:
    """GET /products"""
    asked: shapes.ProductQuery = call.query
    items, page = await reading.products(
        call.context, sku=asked.sku, cursor=asked.cursor, limit=asked.limit
    )
    return shapes.Products(items=items, page=page)


async def product(call: Call) -> CatalogueProduct:
    """GET /products/{id}"""
    return await reading.product(call.context, identifier(call))


async def create_product(call: Call) -> shapes.Done:
    """POST /products"""
    return shapes.Done(
        id=await writing.create_product(call.context, given(call.body), by=call.actor)
    )


async def change_product(call: Call) -> CatalogueProduct:
    """PATCH /products/{id}"""
    await writing.update_product(call.context, identifier(call), given(call.body), by=call.actor)
    return await reading.product(call.context, identifier(call))


async def purchases(call: Call) -> shapes.Purchases:
    """GET /customers/{id}/purchases"""
    asked: shapes.Paging = call.query
    items, page = await reading.purchases(
        call.context, identifier(call), cursor=asked.cursor, limit=asked.limit
    )
    await writing.customer_read(call.context, identifier(call), by=call.actor)
    return shapes.Purchases(items=items, page=page)


async def create_purchase(call: Call) -> shapes.Done:
    """POST /customers/{id}/purchases"""
    return shapes.Done(
        id=await writing.create_purchase(
            call.context, identifier(call), _bought(call), by=call.actor
        )
    )


async def change_purchase(call: Call) -> PurchaseView:
    """PATCH /purchases/{id}"""
    await writing.update_purchase(call.context, identifier(call), _bought(call), by=call.actor)
    return await reading.purchase(call.context, identifier(call))


def _bought(call: Call) -> dict[str, Any]:
    """What was sent of a purchase, its time as one. Raises BadRequest."""
    sent = given(call.body)
    if "bought_at" in sent:
        sent["bought_at"] = moment(sent["bought_at"], "bought_at")
    return sent

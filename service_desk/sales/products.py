"""What we sell: made, changed, listed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk import views
from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk
from service_desk.errors import BadValue, Conflict, ProductNotFound
from service_desk.model import Product
from service_desk.sales.checks import product_values


async def create_product(
    desk: Desk, *, by: Actor, sku: str, name_en: str, price: int, **more: Any
) -> int:
    """Make a product; its id. `price` in minor units, in the desk's currency unless `currency` is
    given; `more`: other columns. Raises BadValue, Conflict if the sku is taken."""
    given = {"currency": desk.settings.currency} | more
    values = product_values({**given, "sku": sku, "name_en": name_en, "price": price})
    try:
        async with desk.write(by=by) as uow:
            made = await uow.execute(insert(Product), values)
            await checks.audit(uow, "product.create", values["sku"])
    except IntegrityError as error:
        raise Conflict("another product has the sku {sku}", sku=values["sku"]) from error
    key = made.inserted_primary_key
    return int(key[0]) if key else 0


async def update_product(desk: Desk, *, product_id: int, by: Actor, **given: Any) -> None:
    """Change what is given; the sku stays, since imports know the product by it.

    Raises BadValue, ProductNotFound.
    """
    if "sku" in given:
        raise BadValue("sku", "stays as it is")
    values = product_values(given)
    async with desk.write(by=by) as uow:
        sku = (await uow.execute(select(Product.sku).where(Product.id == product_id))).scalar()
        if sku is None:
            raise ProductNotFound("there is no such product")
        if values:
            await uow.execute(update(Product).where(Product.id == product_id).values(values))
            await checks.audit(uow, "product.update", sku, fields=sorted(values))


async def product(desk: Desk, product_id: int) -> views.CatalogueProduct:
    """One product. Raises ProductNotFound."""
    found = await desk.fetch(_some, Product.id == product_id, 1)
    if not found:
        raise ProductNotFound("there is no such product")
    return found[0]


async def products(
    desk: Desk, *, sku: str = "", after: int = 0, limit: int = 50
) -> tuple[tuple[views.CatalogueProduct, ...], views.Page]:
    """A page of them by id, from behind `after`; only the one with this `sku`, if it is given."""
    these = Product.sku == sku if sku else Product.id > after

    def read(connection: Connection) -> tuple[tuple[views.CatalogueProduct, ...], views.Page]:
        found = _some(connection, these, limit + 1)
        shown = found[:limit]
        total = connection.scalar(select(func.count()).select_from(Product)) or 0
        more = str(shown[-1].id) if len(found) > limit else None
        return shown, views.Page(total=len(found) if sku else total, next=more)

    return await desk.fetch(read)


def _some(connection: Connection, these: Any, most: int) -> tuple[views.CatalogueProduct, ...]:
    rows = connection.execute(select(Product).where(these).order_by(Product.id).limit(most))
    return tuple(views.CatalogueProduct(**row._mapping) for row in rows)

"""What customers bought: added, put right, listed. What is counted of it is counted soon after."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from service_desk import views
from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.errors import BadValue, Conflict, PurchaseNotFound
from service_desk.events import CustomerChanged
from service_desk.jobs import runs
from service_desk.jobs.table import OF_PURCHASES
from service_desk.model import Product, Purchase
from service_desk.queries import briefs
from service_desk.sales.checks import purchase_values

SOON: Final = timedelta(hours=1)  # until a single purchase is counted: all are read for it

_PURCHASES = select(
    Purchase.id,
    Purchase.customer_id,
    Purchase.product_id,
    Product.sku,
    Purchase.bought_at,
    Purchase.price,
    Purchase.currency,
    Purchase.line_key,
).join(Product, Product.id == Purchase.product_id)


async def create_purchase(
    desk: Desk,
    *,
    customer_id: int,
    sku: str,
    bought_at: datetime,
    by: Actor,
    price: int | None = None,
    currency: str | None = None,
    line_key: str | None = None,
) -> int:
    """A customer bought a product; the purchase's id. Without a price it is the product's.

    `line_key` names it where it comes from: said again with the same key it is the same purchase.
    Raises BadValue, CustomerNotFound, Conflict if the key is that of another purchase.
    """
    given = {"price": price, "currency": currency, "bought_at": bought_at, "line_key": line_key}
    values = purchase_values({name: each for name, each in given.items() if each is not None})
    try:
        async with desk.write(by=by) as uow:
            await checks.customer(uow, customer_id)
            sold = await _product(uow, sku)
            row = {
                "price": sold.price,
                "currency": sold.currency,
                **values,
                "customer_id": customer_id,
                "product_id": sold.id,
            }
            known = await _known(uow, row)
            if known is not None:
                return known
            made = await uow.execute(insert(Purchase), row)
            key = made.inserted_primary_key
            await _changed(uow, customer_id, "purchase.create", int(key[0]) if key else 0)
    except IntegrityError as error:  # by another with the same key, at the same moment
        raise Conflict("another purchase has the key {key}", key=line_key) from error
    return int(key[0]) if key else 0


async def update_purchase(desk: Desk, *, purchase_id: int, by: Actor, **given: Any) -> None:
    """Change what is given of `bought_at`, `price`, `currency`.

    Raises BadValue, PurchaseNotFound.
    """
    values = purchase_values(given)
    async with desk.write(by=by) as uow:
        whose = select(Purchase.customer_id).where(Purchase.id == purchase_id)
        customer_id = (await uow.execute(whose)).scalar()
        if customer_id is None:
            raise PurchaseNotFound("there is no such purchase")
        if values:
            await uow.execute(update(Purchase).where(Purchase.id == purchase_id).values(values))
            await _changed(uow, customer_id, "purchase.update", purchase_id)


async def purchase(desk: Desk, purchase_id: int) -> views.PurchaseView:
    """One purchase. Raises PurchaseNotFound."""
    found = await desk.fetch(_some, Purchase.id == purchase_id, 1)
    if not found:
        raise PurchaseNotFound("there is no such purchase")
    return found[0]


async def purchases(
    desk: Desk, customer_id: int, *, before: int | None = None, limit: int = 50
) -> tuple[tuple[views.PurchaseView, ...], views.Page]:
    """A page of a customer's purchases, the last entered first. Raises CustomerNotFound."""

    def read(connection: Connection) -> tuple[tuple[views.PurchaseView, ...], views.Page]:
        briefs.must_be_customer(connection, customer_id)
        theirs = Purchase.customer_id == customer_id
        these = theirs if before is None else theirs & (Purchase.id < before)
        found = _some(connection, these, limit + 1)
        shown = found[:limit]
        total = connection.scalar(select(func.count()).select_from(Purchase).where(theirs)) or 0
        more = str(shown[-1].id) if len(found) > limit else None
        return shown, views.Page(total=total, next=more)

    return await desk.fetch(read)


def _some(connection: Connection, these: Any, most: int) -> tuple[views.PurchaseView, ...]:
    rows = connection.execute(_PURCHASES.where(these).order_by(Purchase.id.desc()).limit(most))
    return tuple(views.PurchaseView(**row._mapping) for row in rows)


async def _product(uow: UnitOfWork, sku: str) -> Any:
    found = (await uow.execute(select(Product).where(Product.sku == sku.strip()))).first()
    if found is None:
        raise BadValue("sku", "is unknown: {code}", code=sku[:40])
    return found


async def _known(uow: UnitOfWork, row: dict[str, Any]) -> int | None:
    """The purchase that has this key already, if it is this very one."""
    key = row.get("line_key")
    if key is None:
        return None
    found = (await uow.execute(select(Purchase).where(Purchase.line_key == key))).first()
    if found is None:
        return None
    if any(found._mapping[name] != value for name, value in row.items()):
        raise Conflict("another purchase has the key {key}", key=key)
    return int(found.id)


async def _changed(uow: UnitOfWork, customer_id: int, act: str, purchase_id: int) -> None:
    await checks.audit(uow, act, str(purchase_id), customer_id=customer_id)
    await uow.run(runs.soon, OF_PURCHASES, uow.now, SOON)
    uow.tell(CustomerChanged(at=uow.now, customer_id=customer_id))
    await checks.cards_of_customer(uow, customer_id)

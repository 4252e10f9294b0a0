"""The JSON API's table: `/api/v1`, bearer tokens, described by OpenAPI out of this table.

To add an endpoint: its structs in `shapes.py`, its work beside the others, a line here.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from aiohttp import web

from agent_console import shown
from agent_console.access import Permission as Needs
from agent_console.api import calls, cases, customers, live, sales, staff
from agent_console.api import shapes as s
from agent_console.api.endpoint import Endpoint, Work
from agent_console.api.openapi import describe
from agent_console.web import Route
from service_desk.views import CasePage, CatalogueProduct, CustomerPage, PurchaseView

V1 = "/api/v1"
CREATED = 201


def _at(
    method: str,
    path: str,
    permission: Needs,
    work: Work,
    answer: Any,
    *,
    summary: str,
    query: type[Any] | None = None,
    body: Any = None,
    status: int = 200,
) -> Endpoint:
    return Endpoint(
        method=method,
        path=V1 + path,
        permission=permission,
        summary=summary,
        work=work,
        answer=answer,
        query=query,
        body=body,
        status=status,
        tag=path.split("/")[1],
    )


# fmt: off
ENDPOINTS: tuple[Endpoint, ...] = (
    _at("GET", "/customers", Needs.CUSTOMER_READ, customers.some, s.Customers,
        summary="Customers, by part of a name, number or address", query=s.CustomerQuery),
    _at("POST", "/customers", Needs.CUSTOMER_WRITE, customers.create, s.Done,
        summary="Make a customer", body=s.NewCustomer, status=CREATED),
    _at("GET", "/customers/{id}", Needs.CUSTOMER_READ, customers.one, CustomerPage,
        summary="One customer with the whole history"),
    _at("PATCH", "/customers/{id}", Needs.CUSTOMER_WRITE, customers.change, CustomerPage,
        summary="Change what is given", body=s.CustomerPatch),
    _at("POST", "/customers/{id}/contact-points", Needs.CUSTOMER_WRITE, customers.reachable, s.Done,
        summary="Add a number or an address", body=s.NewContactPoint, status=CREATED),
    _at("GET", "/customers/{id}/purchases", Needs.CUSTOMER_READ, sales.purchases, s.Purchases,
        summary="What a customer bought, the last entered first", query=s.Paging),
    _at("POST", "/customers/{id}/purchases", Needs.PURCHASE_WRITE, sales.create_purchase, s.Done,
        summary="A customer bought something", body=s.NewPurchase, status=CREATED),
    _at("PATCH", "/purchases/{id}", Needs.PURCHASE_WRITE, sales.change_purchase, PurchaseView,
        summary="Change what is given", body=s.PurchasePatch),
    _at("GET", "/products", Needs.PRODUCT_READ, sales.products, s.Products,
        summary="What is sold", query=s.ProductQuery),
    _at("POST", "/products", Needs.PRODUCT_WRITE, sales.create_product, s.Done,
        summary="Make a product", body=s.NewProduct, status=CREATED),
    _at("GET", "/products/{id}", Needs.PRODUCT_READ, sales.product, CatalogueProduct,
        summary="One product"),
    _at("PATCH", "/products/{id}", Needs.PRODUCT_WRITE, sales.change_product, CatalogueProduct,
        summary="Change what is given", body=s.ProductPatch),
    _at("GET", "/conversations", Needs.CONVERSATION_READ, calls.some, s.Conversations,
        summary="Conversations, newest first", query=s.ConversationQuery),
    _at("GET", "/conversations/{call_id}", Needs.CONVERSATION_READ, calls.one,
        s.ConversationWithLegs, summary="One conversation with its legs"),
    _at("PUT", "/conversations/{call_id}/customer", Needs.CUSTOMER_WRITE, calls.choose, s.Done,
        summary="Say who was calling", body=s.ChosenCustomer),
    _at("POST", "/conversations/{call_id}/take-along", Needs.CUSTOMER_WRITE, calls.take_along,
        s.Taken, summary="Cases and calls of its number that are nobody's become its customer's"),
    _at("PUT", "/conversations/{call_id}/case", Needs.CASE_WRITE, calls.file_under, s.Done,
        summary="File it under an open case", body=s.FiledUnder),
    _at("GET", "/cases", Needs.CASE_READ, cases.some, s.Cases,
        summary="Cases, newest first", query=s.CaseQuery),
    _at("GET", "/cases/{number}", Needs.CASE_READ, cases.one, CasePage,
        summary="One case with its timeline"),
    _at("PATCH", "/cases/{number}", Needs.CASE_WRITE, cases.change, CasePage,
        summary="Change what is given", body=s.CasePatch),
    _at("POST", "/cases/{number}/notes", Needs.CASE_WRITE, cases.note, s.Done,
        summary="Add a note", body=s.NewNote, status=CREATED),
    _at("POST", "/cases/{number}/join", Needs.CASE_JOIN, cases.join, CasePage,
        summary="It is the same matter as another case, which takes everything", body=s.JoinedTo),
    _at("POST", "/cases/{number}/follow-ups", Needs.CASE_WRITE, cases.follow_up, s.Done,
        summary="Promise something, with a due time", body=s.NewFollowUp, status=CREATED),
    _at("POST", "/follow-ups/{id}/kept", Needs.CASE_WRITE, cases.kept, s.Done,
        summary="The promise was kept"),
    _at("GET", "/staff", Needs.STAFF_MANAGE, staff.everybody, s.StaffList,
        summary="Everybody who works here"),
    _at("PATCH", "/staff/{name}", Needs.STAFF_MANAGE, staff.change, s.Done,
        summary="Keep out or let in again, or give another role", body=s.StaffPatch),
    _at("POST", "/staff/{name}/sign-out", Needs.STAFF_MANAGE, staff.sign_out, s.Done,
        summary="End all sessions, their telephone's too"),
    _at("GET", "/queues", Needs.QUEUE_READ, live.queues, s.Queues,
        summary="Every queue as it is now"),
    _at("GET", "/agents", Needs.AGENT_READ, live.agents, s.Agents,
        summary="Every agent as they are now"),
)
# fmt: on


def document() -> bytes:
    """The OpenAPI document; the same for everybody, so it is made once."""
    return shown.encode(describe(ENDPOINTS, version("ringdesk")))


_DOCUMENT = document()


async def openapi(_request: web.Request) -> web.StreamResponse:
    """GET /api/v1/openapi.json"""
    return web.Response(body=_DOCUMENT, content_type="application/json")


API: tuple[Route, ...] = (
    *(endpoint.route() for endpoint in ENDPOINTS),
    Route("GET", V1 + "/openapi.json", openapi, Needs.ANYONE, "none"),
)

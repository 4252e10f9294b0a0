"""What is checked at the door, with one clear line for what is refused."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update

from service_desk.case_number import case_number
from service_desk.desk import UnitOfWork
from service_desk.errors import (
    BadValue,
    CaseNotFound,
    ConversationNotFound,
    CustomerNotFound,
    StaffNotFound,
)
from service_desk.events import CardChanged, CaseChanged
from service_desk.model import Audit, Case, CaseEntry, Conversation, Customer, Staff
from service_desk.queries.briefs import OPEN

# What no text holds: controls other than line breaks and tabs.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# What shows nothing and makes two names look like one, or text run backwards. Joiners stay: words
# of Persian and of India, and families of emoji, are written with them.
UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Letters and symbols by their category, and nothing to the eye.
BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")

# As browsers check it (WHATWG's `<input type=email>`), with a dot in the domain. JSON schemas and
# Python both read it so.
EMAIL = (
    r"^(?=.{3,254}(?!\n)$)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
    r"(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?!\n)$"
)
_EMAIL = re.compile(EMAIL)


def line(field: str, value: str, *, most: int, least: int = 1) -> str:
    """One line of text, trimmed, that can be seen. Raises BadValue."""
    text = " ".join(UNSEEN.sub("", _clean(value)).split())
    return _measured(field, text, most, least)


def name(field: str, value: str, *, most: int, least: int = 1) -> str:
    """What people call somebody or something: a line with a letter or a digit. Raises BadValue."""
    text = line(field, value, most=most, least=least)
    if text and not any(unicodedata.category(each)[0] in "LN" for each in _seen(text)):
        raise BadValue(field, "has no letter that can be read")
    return text


def text(field: str, value: str, *, most: int, least: int = 1) -> str:
    """Text of several lines, trimmed, that can be seen. Raises BadValue."""
    return _measured(field, _clean(value).replace("\r\n", "\n").strip(), most, least)


def _clean(value: str) -> str:
    return CONTROLS.sub("", value.encode("utf-8", "replace").decode())


def _seen(text: str) -> str:
    """Without what takes room and shows nothing."""
    return "".join(
        each for each in text if unicodedata.category(each)[0] not in "CZM" and each not in BLANKS
    )


def _measured(field: str, value: str, most: int, least: int) -> str:
    if len(value) < least or (least and not _seen(value)):
        raise BadValue(field, "must not be empty")
    if len(value) > most:
        raise BadValue(
            field, "is too long: {length} characters, at most {most}", length=len(value), most=most
        )
    return value


def one_of(field: str, value: str, allowed: Iterable[str]) -> str:
    """A value out of a list. Raises BadValue naming what is allowed."""
    choices = tuple(allowed)
    if value not in choices:
        raise BadValue(
            field,
            "is none of the choices: {value}; allowed: {allowed}",
            value=value[:40],
            allowed=", ".join(choices),
        )
    return value


def email(field: str, value: str) -> str:
    """An address that could exist. Raises BadValue."""
    address = line(field, value, most=254)
    if not _EMAIL.match(address):
        raise BadValue(field, "is no e-mail address")
    return address.lower()


def moment(field: str, value: datetime) -> datetime:
    """A time with a time zone, between 2000 and 2100. Raises BadValue."""
    if value.tzinfo is None:
        raise BadValue(field, "needs a time zone")
    if not 2000 <= value.year < 2100:
        raise BadValue(field, "is no believable date")
    return value


def language(field: str, value: str, allowed: Container[str]) -> str:
    """A language the company speaks. Raises BadValue."""
    if value not in allowed:
        raise BadValue(field, "is not spoken here: {value}", value=value[:10])
    return value


async def case(uow: UnitOfWork, case_id: int) -> Any:
    """The case's row; of a merged case, the one it was merged into. Raises CaseNotFound."""
    found = (await uow.execute(select(Case).where(Case.id == case_id))).first()
    if found is not None and found.merged_into is not None:
        return await case(uow, found.merged_into)
    if found is None:
        raise CaseNotFound("there is no such case")
    return found


async def conversation(uow: UnitOfWork, call_id: str) -> Any:
    """The call's row; of a merged call, the one it is now. Raises ConversationNotFound."""
    found = (await uow.execute(select(Conversation).where(Conversation.call_id == call_id))).first()
    if found is not None and found.merged_into is not None:
        return await conversation(uow, found.merged_into)
    if found is None:
        raise ConversationNotFound("there is no such call")
    return found


async def customer(uow: UnitOfWork, customer_id: int) -> Any:
    """The customer's row. Raises CustomerNotFound."""
    found = (await uow.execute(select(Customer).where(Customer.id == customer_id))).first()
    if found is None:
        raise CustomerNotFound("there is no such customer")
    return found


async def staff(uow: UnitOfWork, name: str) -> None:
    """Somebody of this user name works here. Raises StaffNotFound."""
    found = await uow.execute(select(Staff.id).where(Staff.name == name, Staff.active))
    if found.first() is None:
        raise StaffNotFound("there is no such member of staff")


async def entry(
    uow: UnitOfWork,
    kind: str,
    *,
    case_id: int | None = None,
    call_id: str | None = None,
    text: str = "",
    **data: Any,
) -> int:
    """A line on the timeline of a case, or of a call; its id.

    A case that somebody did something to is `touched`: no merge of calls deletes it any more.
    """
    if case_id is not None:
        await uow.execute(
            update(Case).where(Case.id == case_id, ~Case.touched).values(touched=True)
        )
    made = await uow.execute(
        insert(CaseEntry),
        {
            "case_id": case_id,
            "call_id": call_id,
            "at": uow.now,
            "kind": kind,
            "actor": uow.by.name,
            "text": text,
            "data": data,
        },
    )
    key = made.inserted_primary_key
    return int(key[0]) if key else 0


async def audit(uow: UnitOfWork, act: str, about: str, **detail: Any) -> None:
    """Remember who did this."""
    await uow.execute(
        insert(Audit),
        {
            "at": uow.now,
            "actor": uow.by.name,
            "role": uow.by.role,
            "address": uow.by.address[:64],
            "act": act,
            "about": about[:120],
            "detail": detail,
        },
    )


async def case_changed(uow: UnitOfWork, row: Any) -> None:
    """Tell that a case changed, and the cards of the calls that show it."""
    uow.tell(CaseChanged(at=uow.now, case_id=row.id, number=case_number(row.year, row.id)))
    calls = await uow.execute(
        select(Conversation.call_id)
        .where(Conversation.case_id == row.id, Conversation.merged_into.is_(None))
        .order_by(Conversation.arrived_at.desc())
        .limit(3)
    )
    for (call_id,) in calls.all():
        uow.tell(CardChanged(at=uow.now, call_id=call_id))


async def cards_of_customer(uow: UnitOfWork, customer_id: int) -> None:
    """Tell the cards of this customer's calls that are still on a screen."""
    calls = await uow.execute(
        select(Conversation.call_id)
        .where(Conversation.customer_id == customer_id, Conversation.merged_into.is_(None))
        .order_by(Conversation.arrived_at.desc())
        .limit(3)
    )
    for (call_id,) in calls.all():
        uow.tell(CardChanged(at=uow.now, call_id=call_id))


def is_open(status: str) -> bool:
    """Whether a case in this status still waits for somebody."""
    return status in OPEN

"""The statements of the intake: built once per database kind, run for many rows at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Dialect,
    Insert,
    String,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from service_desk.direct_sql import Direct, to_json
from service_desk.model import (
    Base,
    Case,
    CaseEntry,
    ContactPoint,
    Conversation,
    ConversationAlias,
    ConversationFacts,
    Leg,
    Outbox,
    QueueVisit,
    Recording,
)

# Columns that belong to actions: set when the row is made, then left alone.
ONLY_INSERTED: dict[str, Any] = {"customer_chosen": False, "path": []}


class Statements:
    """Every statement the intake runs, for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        name = dialect.name
        self._insert: Any = postgresql.insert if name == "postgresql" else sqlite.insert
        self.conversation = self._upsert(
            Conversation,
            ("call_id",),
            (
                "system",
                "direction",
                "number_raw",
                "number",
                "caller_name",
                "dialed",
                "trunk",
                "arrived_at",
                "answered_at",
                "ended_at",
                "queue",
                "agents",
                "outcome",
                "waited",
                "talked",
                "held",
                "cause",
                "ended_by",
            ),
            keep=("customer_id",),
            also=tuple(ONLY_INSERTED),
        )
        self.facts = self._upsert(ConversationFacts, ("call_id",), ("facts", "ended_at"))
        self.leg = self._upsert(
            Leg,
            ("call_id", "leg_id"),
            (
                "party",
                "agent",
                "address",
                "started_at",
                "answered_at",
                "ended_at",
                "ringing",
                "talked",
                "held",
                "consulted",
                "wrapped_up",
                "cause",
                "ended_by",
                "spans",
            ),
        )
        self.visit = self._upsert(
            QueueVisit,
            ("call_id", "queue", "entered_at"),
            ("left_at", "reason", "waited", "agent"),
        )
        self.recording = self._upsert(
            Recording, ("call_id", "file"), ("kind", "started_at", "stopped_at", "seconds")
        )
        self.entry = self._once(
            CaseEntry,
            ("call_id", "key"),
            ("call_id", "key", "at", "kind", "actor", "text", "data"),
        )
        self.alias = self._once(
            ConversationAlias, ("system", "alias"), ("system", "alias", "call_id")
        )
        self.case = self._case()

        self._change()
        self._ask()

    def _change(self) -> None:
        """What may happen to rows that are there."""
        self.link_case = Direct(_LINK_CASE, self._dialect)
        self.attach_customer = Direct(_ATTACH_CUSTOMER, self._dialect)
        self.take_case = Direct(_TAKE_CASE, self._dialect)
        self.rename_case = Direct(_RENAME_CASE, self._dialect)
        self.unlink_case = Direct(_UNLINK_CASE, self._dialect)
        self.drop_signposts = Direct(_DROP_SIGNPOSTS, self._dialect)
        self.drop_case = Direct(_DROP_CASE, self._dialect)
        self.drop_entry = Direct(_DROP_ENTRY, self._dialect)
        self.drop_visit = Direct(_DROP_VISIT, self._dialect)
        self.drop_leg = Direct(_DROP_LEG, self._dialect)
        self.forget = Direct(
            delete(Outbox).where(self._among(Outbox.id, BigInteger)), self._dialect
        )
        self.tell = Direct(
            self._insert(Outbox).returning(Outbox.id), self._dialect, ("at", "writer", "body")
        )

    def _ask(self) -> None:
        """What is read before and after writing; each takes `many`, made by `many()`."""
        # call_id, merged_into, ended_at (only whether), facts
        self.known = Direct(
            select(
                Conversation.call_id,
                Conversation.merged_into,
                Conversation.ended_at,
                ConversationFacts.facts,
            )
            .outerjoin(ConversationFacts, ConversationFacts.call_id == Conversation.call_id)
            .where(self._among(Conversation.call_id, String)),
            self._dialect,
        )
        # number, customer: where exactly one customer has the number
        self.only_customer = Direct(
            select(ContactPoint.value, func.min(ContactPoint.customer_id))
            .where(self._among(ContactPoint.value, String), ContactPoint.kind == "phone")
            .group_by(ContactPoint.value)
            .having(func.min(ContactPoint.customer_id) == func.max(ContactPoint.customer_id)),
            self._dialect,
        )
        # call_id, case, year
        self.cases_of = Direct(
            select(Conversation.call_id, Case.id, Case.year)
            .join(Case, Case.id == Conversation.case_id)
            .where(self._among(Conversation.call_id, String)),
            self._dialect,
        )

    def _among(self, column: Any, kind: type[Any]) -> Any:
        """Whether the column is one of `many`: one statement for any number of them."""
        if self._dialect.name == "sqlite":
            # A json_each's own column is called `value`.
            return column.in_(
                text("SELECT value FROM json_each(:many)").bindparams(
                    bindparam("many", type_=String)
                )
            )
        return column == func.any(bindparam("many", type_=postgresql.ARRAY(kind)))

    def many(self, values: Iterable[Any]) -> Any:
        """Values as `many` wants them."""
        if self._dialect.name == "sqlite":
            return to_json(list(values))
        return list(values)

    def _upsert(
        self,
        noun: type[Base],
        key: tuple[str, ...],
        columns: tuple[str, ...],
        keep: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
    ) -> Direct:
        """Insert, or set the columns; those in `keep`, and a call's case, only where nothing is set
        yet; `also` are only inserted."""
        statement = self._insert(noun)
        table = noun.__table__
        made = {"case_id": _CASE_OF} if noun is Conversation else {}
        if made:
            statement = statement.values(made)
        values: dict[str, Any] = {name: statement.excluded[name] for name in columns}
        values |= {
            name: func.coalesce(table.c[name], statement.excluded[name]) for name in (*keep, *made)
        }
        whole: Insert = statement.on_conflict_do_update(index_elements=key, set_=values)
        return Direct(whole, self._dialect, (*key, *columns, *keep, *also, *made))

    def _case(self) -> Direct:
        """A case that is there already (the phone menu's, a merged call's) is only taken."""
        statement = self._insert(Case)
        made: Insert = statement.on_conflict_do_update(
            index_elements=("opened_by_call_id",),
            set_={
                "status": case(
                    (Case.status == "new", statement.excluded.status), else_=Case.status
                ),
                "owner": func.coalesce(Case.owner, statement.excluded.owner),
            },
        )
        names = (
            "opened_by_call_id",
            "year",
            "subject_kind",
            "subject",
            "subject_zh",
            "kind",
            "status",
            "priority",
            "opened_at",
            "owner",
            "customer_id",
            "touched",
        )
        return Direct(made, self._dialect, names)

    def _once(self, noun: type[Base], key: tuple[str, ...], columns: tuple[str, ...]) -> Direct:
        made: Insert = self._insert(noun).on_conflict_do_nothing(index_elements=key)
        return Direct(made, self._dialect, columns)


# Nothing for the empty `b_call` of a call that opens no case now.
_CASE_OF = select(Case.id).where(Case.opened_by_call_id == bindparam("b_call")).scalar_subquery()

_LINK_CASE = (
    update(Conversation)
    .where(Conversation.call_id == bindparam("b_call"), Conversation.case_id.is_(None))
    .values(case_id=_CASE_OF)
)

_ATTACH_CUSTOMER = (
    update(Case)
    .where(Case.opened_by_call_id == bindparam("b_call"), Case.customer_id.is_(None))
    .values(customer_id=bindparam("b_customer"))
)

_TAKE_CASE = (
    update(Case)
    .where(Case.opened_by_call_id == bindparam("b_call"))
    .values(
        status=case((Case.status == "new", "open"), else_=Case.status),
        owner=case(
            (Case.owner.is_(None), bindparam("b_agent", type_=String)),
            (
                and_(Case.owner == bindparam("b_before"), ~Case.touched),
                bindparam("b_agent", type_=String),
            ),
            else_=Case.owner,
        ),
    )
)

# Neither what the caller chose in the menu nor what a person wrote is the telephone's to change.
_OF_TELEPHONE = or_(Case.subject_kind == "queue", Case.subject_kind == "number")

_RENAME_CASE = (
    update(Case)
    .where(Case.opened_by_call_id == bindparam("b_call"))
    .values(
        subject_kind=case(
            (_OF_TELEPHONE, bindparam("b_kind", type_=String)), else_=Case.subject_kind
        ),
        subject=case((_OF_TELEPHONE, bindparam("b_subject", type_=String)), else_=Case.subject),
        opened_at=bindparam("b_opened_at"),
    )
)

_UNLINK_CASE = (
    update(Conversation)
    .where(
        Conversation.call_id == bindparam("b_call"),
        Conversation.case_id.in_(
            select(Case.id).where(Case.opened_by_call_id == bindparam("b_call"), ~Case.touched)
        ),
    )
    .values(case_id=None)
)

# The signposts that lead to such a case go with it.
_NONE = aliased(Case)
_DROP_SIGNPOSTS = delete(Case).where(
    ~Case.touched,
    Case.merged_into.in_(
        select(_NONE.id).where(
            _NONE.opened_by_call_id == bindparam("b_call"),
            ~_NONE.touched,
            ~select(Conversation.call_id).where(Conversation.case_id == _NONE.id).exists(),
        )
    ),
)

_LED_TO = aliased(Case)
_DROP_CASE = delete(Case).where(
    Case.opened_by_call_id == bindparam("b_call"),
    ~Case.touched,
    ~select(Conversation.call_id).where(Conversation.case_id == Case.id).exists(),
    ~select(_LED_TO.id).where(_LED_TO.merged_into == Case.id).exists(),
)

_DROP_ENTRY = delete(CaseEntry).where(
    CaseEntry.call_id == bindparam("b_call"), CaseEntry.key == bindparam("b_key")
)

_DROP_LEG = delete(Leg).where(Leg.call_id == bindparam("b_call"), Leg.leg_id == bindparam("b_leg"))

_DROP_VISIT = delete(QueueVisit).where(
    QueueVisit.call_id == bindparam("b_call"),
    QueueVisit.queue == bindparam("b_queue"),
    QueueVisit.entered_at == bindparam("b_entered"),
)

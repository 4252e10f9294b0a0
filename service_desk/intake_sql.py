"""The statements of the intake: built once per database kind, run for many rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
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

from service_desk.fold import Story
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
_DEFAULTS: dict[str, Any] = {"customer_chosen": False, "path": []}


class Direct:
    """One statement, compiled once and handed to the driver as it is.

    A statement built anew, or run the usual way, costs 60 microseconds and more before the database
    sees it; a write of the intake has some fifteen, and a screen waits for it. Values are named:
    `names` are the columns of an insert, else the bound parameters; every row must have them.
    What is read comes as the driver gives it: ask only for texts, numbers and bytes.
    """

    def __init__(self, statement: Any, dialect: Dialect, names: tuple[str, ...] = ()) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        self._sql = str(compiled)
        self._sqlite = dialect.name == "sqlite"
        order = tuple(compiled.positiontup or ())
        binds = [compiled.binds[name] for name in order]
        # Constants of the statement itself are bound as well.
        self._given = {
            name: bind.value for name, bind in zip(order, binds, strict=True) if not bind.required
        }
        self._order = order
        processors = (_processor(bind.type, dialect) for bind in binds)
        self._bind = [(place, to) for place, to in enumerate(processors) if to is not None]

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for every row."""
        bound = [self._bound(row) for row in rows]
        if self._sqlite:
            _driver(connection).executemany(self._sql, bound)
        else:
            connection.exec_driver_sql(self._sql, bound)

    def read(self, connection: Connection, **values: Any) -> list[Any]:
        """Run it once; all rows as tuples."""
        bound = self._bound(values)
        if self._sqlite:
            rows: list[Any] = _driver(connection).execute(self._sql, bound).fetchall()
            return rows
        return list(connection.exec_driver_sql(self._sql, bound).all())

    def _bound(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        given = self._given
        values = [given[name] if name in given else row[name] for name in self._order]
        for place, to in self._bind:
            values[place] = to(values[place])
        return tuple(values)


def _processor(kind: Any, dialect: Dialect) -> Callable[[Any], Any] | None:
    """What turns a value into the driver's, if anything must."""
    if isinstance(kind, JSON):
        return _json  # the standard library's is ten times slower
    made: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return made


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _driver(connection: Connection) -> Any:
    """The driver's own connection, in the transaction that was begun on ours."""
    return connection.connection.dbapi_connection


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
            also=tuple(_DEFAULTS),
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
        self.case = self._once(
            Case,
            ("opened_by_call_id",),
            (
                "opened_by_call_id",
                "year",
                "subject_kind",
                "subject",
                "subject_zh",
                "kind",
                "status",
                "priority",
                "opened_at",
                "customer_id",
                "touched",
            ),
        )

        self._change()
        self._ask()

    def _change(self) -> None:
        """What may happen to rows that are there."""
        self.link_case = Direct(_LINK_CASE, self._dialect)
        self.attach_customer = Direct(_ATTACH_CUSTOMER, self._dialect)
        self.take_case = Direct(_TAKE_CASE, self._dialect)
        self.rename_case = Direct(_RENAME_CASE, self._dialect)
        self.unlink_case = Direct(_UNLINK_CASE, self._dialect)
        self.drop_case = Direct(_DROP_CASE, self._dialect)
        self.drop_entry = Direct(_DROP_ENTRY, self._dialect)
        self.drop_visit = Direct(_DROP_VISIT, self._dialect)
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
            return _json(list(values))
        return list(values)

    def _upsert(
        self,
        noun: type[Base],
        key: tuple[str, ...],
        columns: tuple[str, ...],
        keep: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
    ) -> Direct:
        """Insert, or set the columns; those in `keep` only where nothing is set yet; `also` are
        only inserted."""
        statement = self._insert(noun)
        table = noun.__table__
        values: dict[str, Any] = {name: statement.excluded[name] for name in columns}
        values |= {name: func.coalesce(table.c[name], statement.excluded[name]) for name in keep}
        made: Insert = statement.on_conflict_do_update(index_elements=key, set_=values)
        return Direct(made, self._dialect, (*key, *columns, *keep, *also))

    def _once(self, noun: type[Base], key: tuple[str, ...], columns: tuple[str, ...]) -> Direct:
        made: Insert = self._insert(noun).on_conflict_do_nothing(index_elements=key)
        return Direct(made, self._dialect, columns)


_LINK_CASE = (
    update(Conversation)
    .where(Conversation.call_id == bindparam("b_call"), Conversation.case_id.is_(None))
    .values(
        case_id=select(Case.id)
        .where(Case.opened_by_call_id == bindparam("b_call"))
        .scalar_subquery()
    )
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

_DROP_CASE = delete(Case).where(
    Case.opened_by_call_id == bindparam("b_call"),
    ~Case.touched,
    ~select(Conversation.call_id).where(Conversation.case_id == Case.id).exists(),
)

_DROP_ENTRY = delete(CaseEntry).where(
    CaseEntry.call_id == bindparam("b_call"), CaseEntry.key == bindparam("b_key")
)

_DROP_VISIT = delete(QueueVisit).where(
    QueueVisit.call_id == bindparam("b_call"),
    QueueVisit.queue == bindparam("b_queue"),
    QueueVisit.entered_at == bindparam("b_entered"),
)


class Rows:
    """What one batch writes, gathered so that each statement runs once for all calls."""

    def __init__(self) -> None:
        self.conversations: list[dict[str, Any]] = []
        self.legs: list[dict[str, Any]] = []
        self.visits: list[dict[str, Any]] = []
        self.recordings: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.aliases: list[dict[str, Any]] = []
        self.cases: list[dict[str, Any]] = []
        self.linked: list[dict[str, Any]] = []
        self.attached: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.renamed: list[dict[str, Any]] = []
        self.unlinked: list[dict[str, Any]] = []
        self.dropped_entries: list[dict[str, Any]] = []
        self.dropped_visits: list[dict[str, Any]] = []

    def story(self, old: Story | None, new: Story, customer_id: int | None, *, anew: bool) -> bool:
        """Gather what differs between what is stored and what is now known; anything?"""
        before = self._count()
        call_id = new.call_id
        if anew or old is None or old.conversation != new.conversation or customer_id is not None:
            self.conversations.append(
                {"call_id": call_id, "customer_id": customer_id, **_DEFAULTS, **new.conversation}
            )
        old_legs = old.legs if old else {}
        self.legs += [
            {"call_id": call_id, "leg_id": leg_id, **leg}
            for leg_id, leg in new.legs.items()
            if old_legs.get(leg_id) != leg
        ]
        old_visits = old.visits if old else {}
        self.visits += [
            {"call_id": call_id, **visit}
            for key, visit in new.visits.items()
            if old_visits.get(key) != visit
        ]
        old_recordings = old.recordings if old else {}
        self.recordings += [
            {"call_id": call_id, "file": file, **row}
            for file, row in new.recordings.items()
            if old_recordings.get(file) != row
        ]
        self._entries(old, new)
        self.aliases += [
            {"system": system, "alias": alias, "call_id": call_id}
            for system, alias in new.aliases - (old.aliases if old else frozenset())
        ]
        self.dropped_visits += [
            {"b_call": call_id, "b_queue": queue, "b_entered": entered}
            for queue, entered in old_visits.keys() - new.visits.keys()
        ]
        return self._count() > before

    def _entries(self, old: Story | None, new: Story) -> None:
        old_entries = old.entries if old else {}
        for key, entry in new.entries.items():
            known = old_entries.get(key)
            if known == entry:
                continue
            if known is not None:  # the end's figures may still be corrected
                self.dropped_entries.append({"b_call": new.call_id, "b_key": key})
            self.entries.append(
                {
                    "call_id": new.call_id,
                    "key": key,
                    "at": entry.at,
                    "kind": entry.kind,
                    "actor": entry.actor,
                    "text": "",
                    "data": entry.data,
                }
            )
        self.dropped_entries += [
            {"b_call": new.call_id, "b_key": key} for key in old_entries.keys() - new.entries.keys()
        ]

    def _count(self) -> int:
        return (
            len(self.conversations)
            + len(self.legs)
            + len(self.visits)
            + len(self.recordings)
            + len(self.entries)
            + len(self.dropped_entries)
        )

"""One batch of facts into the tables: a plain function over one connection, one transaction.

What is known of a call is cached by the intake; whatever is not cached is read. Nothing here
changes the cache: the result says what it becomes once the commit has succeeded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from cti import events as cti
from service_desk import intake_merge
from service_desk.case_number import case_number
from service_desk.desk import Desk
from service_desk.events import CardChanged, CaseChanged, CaseOpened, CustomerChosen, DeskEvent
from service_desk.fold import fold
from service_desk.intake_known import MOST_FACTS, CallFacts, Known, pack, unpack
from service_desk.intake_rows import Rows
from service_desk.intake_sql import Statements
from service_desk.story import Foretold, Story
from service_desk.witnesses import adds_nothing


class Written(Struct):
    """What a batch did: true once it is committed.

    `ended`: of the calls it is about, those that were there before, and whether they had ended (as
    one that went into another has).
    """

    events: list[DeskEvent]
    ended: dict[str, bool]
    known: dict[str, Known]
    roots: dict[str, str]
    outbox: int | None


class Writing:
    """One batch being written."""

    def __init__(
        self,
        desk: Desk,
        statements: Statements,
        cache: Mapping[str, Known],
        roots: Mapping[str, str],
        foretold: Mapping[str, Foretold],
    ) -> None:
        self.desk = desk
        self.foretold = foretold
        self.sql = statements
        self.cache = cache
        self.cached_roots = roots
        self.roots: dict[str, str] = {}
        self.known: dict[str, Known] = {}
        self.rows = Rows()
        self.touched: dict[str, Known] = {}
        self.opened: list[str] = []
        self.cards: set[str] = set()
        self.changed: set[str] = set()
        self.merges: list[tuple[str, str]] = []
        self.owners: dict[str, str] = {}

    def write(
        self,
        connection: Connection,
        batch: Sequence[tuple[bytes, cti.CallFact]],
        forget: Sequence[int],
    ) -> Written:
        """Write the batch and the outbox row; raises what the database raises."""
        self._learn(connection, batch)
        ended = self._ended()
        fresh = self._take_foretold()
        fresh |= self._sort_in(connection, [*batch, *self._not_foretold(fresh)])
        customers = self._customers(connection, fresh)
        for call_id, (old, new) in fresh.items():
            self._gather(call_id, old, new, customers)
        self._execute(connection, fresh)
        for goes, stays in self.merges:
            intake_merge.leave_signpost(connection, stays=self._root(stays), goes=goes)
        events = self._events(connection, customers)
        row = self._leave_in_outbox(connection, events, forget)
        return Written(events=events, ended=ended, known=self.known, roots=self.roots, outbox=row)

    def _leave_in_outbox(
        self, connection: Connection, events: Sequence[DeskEvent], forget: Sequence[int]
    ) -> int | None:
        """As `Outbox.leave`, for one who writes many times a second."""
        if forget:
            self.sql.forget.run(connection, [{"many": self.sql.many(forget)}])
        if not events:
            return None
        body = msgspec.json.encode(events).decode()
        row = {"at": self.desk.clock.now(), "writer": self.desk.outbox.writer, "body": body}
        made = self.sql.tell.read(connection, **row)
        return int(made[0][0])

    # What is known

    def _learn(self, connection: Connection, batch: Sequence[tuple[bytes, cti.CallFact]]) -> None:
        wanted = {fact.call_id for _, fact in batch} | self.foretold.keys()
        wanted |= {fact.absorbed for _, fact in batch if isinstance(fact, cti.CallMerged)}
        for call_id in wanted:
            root = self.cached_roots.get(call_id)
            if root is not None and root in self.cache:
                self.roots[call_id] = root
                self.known[root] = self.cache[root]
        self._load(connection, wanted - self.roots.keys())

    def _load(self, connection: Connection, wanted: set[str]) -> None:
        """Read calls that are not cached, following at most a few signposts of merges."""
        asked = set(wanted)
        signposts: dict[str, str] = {}
        for _ in range(4):
            if not asked:
                break
            rows = self.sql.known.read(connection, many=self.sql.many(sorted(asked)))
            asked = set()
            for call_id, merged_into, ended_at, facts in rows:
                if merged_into is not None:
                    signposts[call_id] = merged_into
                    if merged_into not in self.known:
                        asked.add(merged_into)
                else:
                    self.known[call_id] = self._restored(call_id, ended_at is not None, facts)
        for call_id in wanted:
            root = call_id
            for _ in range(4):
                root = signposts.get(root, root)
            self.roots[call_id] = root
            if root not in self.known:
                self.known[root] = Known(call_id=root)

    def _restored(self, call_id: str, ended: bool, stored: bytes | None) -> Known:
        if stored is None:
            return Known(call_id=call_id, stored=True, ended=ended, closed=ended)
        return Known(call_id=call_id, packed=stored, stored=True, ended=ended)

    def _ended(self) -> dict[str, bool]:
        return {
            call_id: root != call_id or self.known[root].ended
            for call_id, root in self.roots.items()
            if root != call_id or self.known[root].stored
        }

    def _told(self, root: str) -> Known:
        """A call as it was, its story too: folded only for those that something new is told of."""
        known = self.known[root]
        if known.story is None and known.facts:
            known.story = fold(root, known.facts, self.desk.settings.region)
        return known

    def _root(self, call_id: str) -> str:
        return self.roots.get(call_id, call_id)

    # What is new

    def _take_foretold(self) -> dict[str, tuple[Known, Story]]:
        """The calls of which all is foretold that is known: nobody need look at their facts."""
        fresh: dict[str, tuple[Known, Story]] = {}
        for call_id, found in self.foretold.items():
            known = self.known[self.roots[call_id]]
            if known.call_id != call_id or not known.is_new:
                continue
            fresh[call_id] = known, found.story
            self.touched[call_id] = Known(
                call_id=call_id,
                packed=found.packed,
                story=found.story,
                stored=True,
                ended=found.story.conversation["ended_at"] is not None,
            )
        return fresh

    def _not_foretold(self, taken: Collection[str]) -> list[tuple[bytes, cti.CallFact]]:
        """The facts of the other calls of which something was foretold."""
        others = (found for call_id, found in self.foretold.items() if call_id not in taken)
        return [each for found in others for each in unpack(found.packed).items()]

    def _sort_in(
        self, connection: Connection, batch: Sequence[tuple[bytes, cti.CallFact]]
    ) -> dict[str, tuple[Known, Story]]:
        """Every call that has facts it had not, with what is stored and what is now known."""
        added: dict[str, CallFacts] = {}
        for encoded, fact in batch:
            root = self.roots[fact.call_id]
            known = self.known[root]
            if encoded in known.facts or known.closed:
                continue
            if len(known.facts) >= MOST_FACTS and not isinstance(fact, cti.CallEnded):
                continue
            added.setdefault(root, {})[encoded] = fact
        for facts in list(added.values()):
            for fact in list(facts.values()):
                if isinstance(fact, cti.CallMerged):
                    self._merge(connection, fact, added)
        fresh: dict[str, tuple[Known, Story]] = {}
        for root, facts in added.items():
            old = self._told(root)
            if adds_nothing(old.facts.values(), facts.values()):
                continue
            everything = {**old.facts, **facts}
            story = fold(root, everything, self.desk.settings.region)
            fresh[root] = old, story
            self.touched[root] = Known(
                call_id=root,
                told=everything,
                story=story,
                stored=True,
                ended=story.conversation["ended_at"] is not None,
            )
        return fresh

    def _merge(
        self, connection: Connection, fact: cti.CallMerged, added: dict[str, CallFacts]
    ) -> None:
        """Two calls become one; which id stays does not depend on who was told first."""
        one, other = self.roots[fact.call_id], self.roots[fact.absorbed]
        if one == other:
            return
        stays = intake_merge.which_stays(
            one, other, (self.known[one].facts, self.known[other].facts, *added.values())
        )
        goes = other if stays == one else one
        winner, loser = self._told(stays), self._told(goes)
        intake_merge.move_rows(connection, stays=stays, goes=goes)
        self.known[stays] = intake_merge.merged(winner, loser)
        self.known.pop(goes)
        self.merges.append((goes, stays))
        self.rows.linked.append({"b_call": stays})
        opened = [each.story is not None and each.story.opens_case for each in (winner, loser)]
        if loser.story is not None and opened == [False, True]:
            # The loser's case moves, with its owner; a call without a case has none to bring.
            self.owners[stays] = next(iter(loser.story.conversation["agents"]), "")
        facts = added.pop(goes, {})
        added.setdefault(stays, {}).update(facts)
        for call_id, root in list(self.roots.items()):
            if root == goes:
                self.roots[call_id] = stays
        self.roots[goes] = stays
        self.cards.add(stays)
        self.changed.add(stays)

    # What is written

    def _customers(
        self, connection: Connection, fresh: Mapping[str, tuple[Known, Story]]
    ) -> dict[str, int]:
        """The customer of each call whose number became known, where exactly one has it."""
        numbers: dict[str, str] = {}
        for call_id, (old, new) in fresh.items():
            e164 = new.number.key if new.number else ""
            before = old.story.number.key if old.story and old.story.number else ""
            if e164 and e164 != before:
                numbers[call_id] = e164
        if not numbers:
            return {}
        among = self.sql.many(sorted(set(numbers.values())))
        only = dict(self.sql.only_customer.read(connection, many=among))
        return {call_id: only[number] for call_id, number in numbers.items() if number in only}

    def _gather(self, call_id: str, old: Known, new: Story, customers: Mapping[str, int]) -> None:
        before = old.story
        customer_id = customers.get(call_id)
        opened = before is not None and before.opens_case
        opens = new.opens_case and not opened
        if self.rows.story(before, new, customer_id, anew=not old.stored, opens=opens):
            self.changed.add(call_id)
        row = {"b_call": call_id}
        if opens:
            self.rows.case(new, customer_id, self.desk.settings.time_zone)
            self.opened.append(call_id)
            self.cards.add(call_id)
        elif opened and not new.opens_case:
            self.rows.unlinked.append(row)
            self.cards.add(call_id)
        if not new.opens_case:
            return
        if customer_id is not None:
            self.cards.add(call_id)
            if old.stored or opened:
                self.rows.attached.append({**row, "b_customer": customer_id})
        self._keep_case(old, new, opened)

    def _keep_case(self, old: Known, new: Story, opened: bool) -> None:
        """What a case takes from its call for as long as nobody decided otherwise."""
        before = old.story
        arrived_at = new.conversation["arrived_at"]
        # A case is there already: the phone menu's, or one that a merged call brought along.
        if (old.stored or opened) and (
            not opened
            or before is None
            or (before.subject, before.conversation["arrived_at"]) != (new.subject, arrived_at)
        ):
            self.rows.renamed.append(
                {
                    "b_call": new.call_id,
                    "b_kind": new.subject[0],
                    "b_subject": new.subject[1],
                    "b_opened_at": arrived_at,
                }
            )
        agents = new.conversation["agents"]
        had = agents[:1]  # a case opened now has its owner
        if before is not None and opened:
            had = before.conversation["agents"][:1]
        if self.owners.get(new.call_id) and not (opened and had):
            had = [self.owners[new.call_id]]
        if agents and agents[:1] != had:
            self.rows.taken.append(
                {
                    "b_call": new.call_id,
                    "b_agent": agents[0],
                    "b_before": had[0] if had else None,
                }
            )
        if new.conversation["ended_at"] and not (before and before.conversation["ended_at"]):
            self.cards.add(new.call_id)

    def _execute(self, connection: Connection, fresh: Mapping[str, tuple[Known, Story]]) -> None:
        rows, sql = self.rows, self.sql
        facts = [
            {
                "call_id": call_id,
                "facts": known.packed or pack(known.facts),
                "ended_at": new.conversation["ended_at"],
            }
            for call_id, (_, new) in fresh.items()
            for known in (self.touched[call_id],)
        ]
        for statement, values in (
            (sql.drop_entry, rows.dropped_entries),
            (sql.drop_visit, rows.dropped_visits),
            (sql.drop_leg, rows.dropped_legs),
            (sql.case, rows.cases),
            (sql.conversation, rows.conversations),
            (sql.facts, facts),
            (sql.link_case, rows.linked),
            (sql.rename_case, rows.renamed),
            (sql.attach_customer, rows.attached),
            (sql.take_case, rows.taken),
            (sql.unlink_case, rows.unlinked),
            (sql.drop_signposts, rows.unlinked),
            (sql.drop_case, rows.unlinked),
            (sql.leg, rows.legs),
            (sql.visit, rows.visits),
            (sql.recording, rows.recordings),
            (sql.entry, rows.entries),
            (sql.alias, rows.aliases),
        ):
            if values:
                statement.run(connection, values)
        self.known.update(self.touched)

    # What is told

    def _agents_of(self, call_id: str) -> tuple[str, ...] | None:
        """Who has or had part in the call; None where that is not told by it alone."""
        known = self.touched.get(call_id)
        if known is None or known.story is None or self.merges:
            return None
        return tuple(known.story.conversation["agents"])

    def _events(self, connection: Connection, customers: Mapping[str, int]) -> list[DeskEvent]:
        told = self.changed | set(self.opened)
        if not told:
            return []
        at = self.desk.clock.now()
        rows = self.sql.cases_of.read(connection, many=self.sql.many(sorted(told)))
        cases = {call_id: (case_id, case_number(year, case_id)) for call_id, case_id, year in rows}
        events: list[DeskEvent] = []
        for call_id in self.opened:
            if call_id in cases:
                case_id, number = cases[call_id]
                events.append(CaseOpened(at=at, case_id=case_id, number=number, call_id=call_id))
        for call_id in sorted(self.changed - set(self.opened)):
            if call_id in cases:
                case_id, number = cases[call_id]
                agents = self._agents_of(call_id)
                events.append(CaseChanged(at=at, case_id=case_id, number=number, agents=agents))
        for call_id, customer_id in customers.items():
            events.append(CustomerChosen(at=at, call_id=call_id, customer_id=customer_id))
        events += [CardChanged(at=at, call_id=call_id) for call_id in sorted(self.cards)]
        return events

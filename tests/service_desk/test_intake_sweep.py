"""Which facts go, and which are still needed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, insert, select

from service_desk import intake_sweep
from service_desk.clock import HandClock
from service_desk.desk import Desk
from service_desk.intake_sweep import KEPT, KEPT_AT_MOST, PORTION, sweep
from service_desk.jobs.work import Work
from service_desk.leftovers import DRAFTS_KEPT, tidy
from service_desk.model import (
    Conversation,
    ConversationFacts,
    Draft,
    JournalCursor,
    LoginAttempt,
    Staff,
    StaffSession,
)
from tests.service_desk.portions import Portions

DAY = timedelta(days=1)


async def no_pause(_seconds: float) -> None: ...


def calls(connection: Connection, ended: dict[str, datetime | None], system: str = "pbx") -> None:
    """Calls with their facts: when each ended, None for one that goes on."""
    for call_id, at in ended.items():
        arrived = at or datetime.fromisoformat("2020-01-01T00:00:00Z")
        connection.execute(
            insert(Conversation),
            {"call_id": call_id, "system": system, "arrived_at": arrived, "ended_at": at},
        )
        connection.execute(
            insert(ConversationFacts), {"call_id": call_id, "facts": b"x", "ended_at": at}
        )


def journal(connection: Connection, told_at: datetime | None, system: str = "pbx") -> None:
    row = {
        "system": system,
        "kind": "cel",
        "told_at": told_at,
        "read_at": datetime.now().astimezone(),
    }
    connection.execute(insert(JournalCursor), row)


async def left(desk: Desk) -> set[str]:
    return await desk.fetch(lambda c: set(c.scalars(select(ConversationFacts.call_id))))


async def test_only_what_ended_long_ago_goes(desk: Desk, clock: HandClock) -> None:
    """A call that goes on stays, be it years old; so does one that ended within three days."""
    now = clock.now()
    await desk.transact(calls, {"old": now - KEPT - DAY, "new": now - KEPT + DAY, "goes_on": None})
    assert await sweep(Work(desk, pause=no_pause)) == 1
    assert await left(desk) == {"new", "goes_on"}


async def test_what_the_journal_has_not_reached_stays(desk: Desk, clock: HandClock) -> None:
    """A journal a month behind still tells of last month's calls; not so another Asterisk's."""
    now = clock.now()
    behind = now - 30 * DAY
    await desk.transact(journal, behind)
    await desk.transact(journal, None, "unread")  # it has read nothing yet: nothing to wait for
    await desk.transact(calls, {"needed": now - 20 * DAY, "told": behind - KEPT - DAY})
    await desk.transact(calls, {"theirs": now - 20 * DAY}, "elsewhere")
    await desk.transact(calls, {"unread": now - 20 * DAY}, "unread")
    assert await sweep(Work(desk, pause=no_pause)) == 3
    assert await left(desk) == {"needed"}


async def test_an_asterisk_that_is_gone_keeps_nothing_for_ever(
    desk: Desk, clock: HandClock
) -> None:
    """Its records will never be read on."""
    now = clock.now()
    await desk.transact(journal, now - 365 * DAY)
    await desk.transact(calls, {"old": now - KEPT_AT_MOST - DAY, "young": now - KEPT_AT_MOST + DAY})
    assert await sweep(Work(desk, pause=no_pause)) == 1
    assert await left(desk) == {"young"}


async def test_facts_go_in_portions(desk: Desk, clock: HandClock) -> None:
    """However many there are, also when all ended at the same moment."""
    at = clock.now() - KEPT - DAY
    await desk.transact(calls, {f"c{n}": at for n in range(3 * PORTION + 5)})
    with Portions(desk) as portions:
        assert await sweep(Work(desk, pause=no_pause)) == 3 * PORTION + 5
    assert portions.largest == PORTION
    assert await left(desk) == set()


async def test_those_that_stay_do_not_hide_those_that_go(
    desk: Desk, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two Asterisks, one of them behind: the other's calls are found behind its."""
    monkeypatch.setattr(intake_sweep, "PORTION", 2)
    now = clock.now()
    await desk.transact(journal, now - 30 * DAY, "behind")
    await desk.transact(calls, {f"b{n}": now - (29 - n) * DAY for n in range(5)}, "behind")
    await desk.transact(calls, {f"p{n}": now - (28 - n) * DAY for n in range(5)})
    assert await sweep(Work(desk, pause=no_pause)) == 5
    assert await left(desk) == {f"b{n}" for n in range(5)}


async def test_leftovers_are_tidied(desk: Desk, clock: HandClock) -> None:
    """Tries to sign in, sessions and drafts: the old ones go, the others stay."""
    now = clock.now()
    window = timedelta(minutes=desk.settings.sign_in_window_minutes)
    longest = timedelta(days=desk.settings.session_longest_days)

    def fill(connection: Connection) -> None:
        person = {"name": "ava", "shown": "Ava", "role": "agent", "created_at": now}
        connection.execute(insert(Staff), {"id": 1, **person})
        for name, ago in (("old", DAY), ("new", -DAY)):
            tried = {"name": name, "address": "x", "at": now - window - ago}
            connection.execute(insert(LoginAttempt), tried)
            since = now - longest - ago
            session = {"token_hash": name, "staff_id": 1, "csrf": "", "created_at": since}
            connection.execute(insert(StaffSession), {**session, "seen_at": since})
            draft = {
                "agent": "ava",
                "call_id": name,
                "text": "",
                "saved_at": now - DRAFTS_KEPT - ago,
            }
            connection.execute(insert(Draft), draft)

    def names(connection: Connection) -> list[str]:
        columns = LoginAttempt.name, StaffSession.token_hash, Draft.call_id
        return [name for column in columns for name in connection.scalars(select(column))]

    await desk.transact(fill)
    assert await tidy(Work(desk, pause=no_pause)) == 3
    assert await desk.fetch(names) == ["new"] * 3

"""A call that cannot be read is put aside alone, whatever the exception: the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cti import journal_reader
from cti.events import CallFact
from cti.interpret import cel, gather
from cti.interpret.gather import Gathering
from cti.journal_reader import Portion
from cti.journal_records import Record
from tests.fakes.cel_recording import facts_of, reader_of, records

BAD = "abandoned"
GOOD = ("answered", "rejected", "menu_only")
ALL = [record for name in (GOOD[0], BAD, *GOOD[1:]) for record in records(name)]
IDS = {record.uniqueid for record in records(BAD)}
THEIRS = [fact for name in GOOD for fact in facts_of(records(name))]
ITS = {fact.call_id for fact in facts_of(records(BAD))}


def portions(told: list[Record]) -> tuple[list[Portion], Any]:
    reader = reader_of(told)
    found = []
    while (portion := reader.next()) is not None:
        found.append(portion)
        assert len(found) < 9
    assert reader.open_legs() == {}, "what cannot be read stays for ever"
    assert reader.lose([], ALL[-1].at).facts == []
    return found, reader


def assert_only_it_is_aside(told: list[Portion]) -> list[CallFact]:
    facts = [fact for portion in told for fact in portion.facts]
    assert [fact for fact in facts if fact.call_id not in ITS] == THEIRS
    rejects = [each for portion in told for each in portion.rejects]
    assert {each.reason for each in rejects} == {"not understood"}
    assert {each.file for each in rejects} == {f"call {records(BAD)[0].linkedid}"}
    assert sum(portion.rejected for portion in told) == len(rejects)
    return [fact for fact in facts if fact.call_id in ITS]


def refusing(what: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """The same, but for records of the bad call."""

    def refuse(*args: Any, **more: Any) -> Any:
        for each in args:
            first = each[0] if isinstance(each, list) and each else each
            if isinstance(first, Record) and first.uniqueid in IDS:
                raise error
        return what(*args, **more)

    return refuse


ERRORS = [
    ValueError("min() arg is an empty sequence"),
    RecursionError(),
    KeyError("x"),
    MemoryError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", sorted({r.eventtype for r in records(BAD)} & cel.TABLE.keys()))
def test_a_record_that_cannot_be_interpreted(
    monkeypatch: pytest.MonkeyPatch, kind: str, error: Exception
) -> None:
    """Each kind of it: the call is told as if these lines were lost, and has an end."""
    monkeypatch.setitem(cel.TABLE, kind, refusing(cel.TABLE[kind], error))
    told, _ = portions(ALL)
    bad = assert_only_it_is_aside(told)
    monkeypatch.undo()
    if kind != "CHAN_START":
        assert {type(fact).__name__ for fact in bad} >= {"CallArrived", "CallEnded"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    ("where", "name"),
    [(gather, "in_order"), (journal_reader, "mended"), (Gathering, "add")],
    ids=["order", "mend", "gather"],
)
def test_a_call_that_cannot_be_put_in_order(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, error: Exception
) -> None:
    monkeypatch.setattr(where, name, refusing(getattr(where, name), error))
    told, _ = portions(ALL)
    bad = assert_only_it_is_aside(told)
    if name != "add":
        assert {type(fact).__name__ for fact in bad} >= {"CallArrived", "CallEnded"}


def test_what_cannot_even_be_ended_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both its ends and the end that is put in their place fail."""
    for kind in ("HANGUP", "CHAN_END"):
        monkeypatch.setitem(cel.TABLE, kind, refusing(cel.TABLE[kind], ValueError()))
    monkeypatch.setattr(cel.CelInterpreter, "lose", lambda *_: {}[""])
    told, reader = portions(ALL)
    assert_only_it_is_aside(told)
    world = reader._by.world
    assert (world.legs, world.calls, world.bridges) == ({}, {}, {})


def test_a_restart_after_it_goes_on_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cursor is behind the call that was put aside, and the state can be read."""
    monkeypatch.setitem(cel.TABLE, "HANGUP", refusing(cel.TABLE["HANGUP"], TypeError()))
    told, reader = portions(ALL)
    cursor, state = reader.place()
    again = reader_of(ALL)
    again.restore(cursor, state)
    assert again.next() is None
    assert told[-1].state == state

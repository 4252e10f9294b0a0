"""A caller whom a queue does not let in is told of by the telephone, live and in its records."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cti import events as e
from cti.events import CallFact
from cti.interpret import Interpreter
from cti.journal import Journal
from cti.journal_reader import JournalReader
from tests.config.lab import Heard, Lab, lab_settings, listening, running
from tests.config.test_pbx import asked_menu
from tests.polling import until

pytestmark = pytest.mark.journey


def heard_by(heard: Heard, lab: Lab) -> list[CallFact]:
    by = Interpreter(lab.settings.system, {})
    facts = [fact for message in heard.messages for fact in by.feed(message)]
    return [fact for fact in facts if isinstance(fact, CallFact)]


def reader_of(lab: Lab) -> JournalReader:
    return JournalReader(Journal(lab.settings.records_folder, lab.settings.system), {})


def turned_away(facts: list[CallFact]) -> list[tuple[str, str, float]]:
    """Who was not let in, by which queue, and why: each of them came there."""
    came = {(fact.call_id, fact.queue) for fact in facts if isinstance(fact, e.CallQueued)}
    left = [fact for fact in facts if isinstance(fact, e.CallLeftQueue)]
    return [
        (fact.queue, fact.reason, round(fact.waited, 1))
        for fact in left
        if fact.reason in e.TURNED_AWAY and (fact.call_id, fact.queue) in came
    ]


async def test_a_full_queue_and_one_where_nobody_is_are_told_alike(
    tmp_path: Path, asterisk: object, sipp: str
) -> None:
    replaced = [("support: {record: true}", "support: {record: true, max_callers: 1}")]
    async with (
        running(lab_settings(tmp_path, replaced=replaced), sipp, tmp_path) as lab,
        asked_menu(lab) as asked,
        listening(lab) as (_, heard),
        asyncio.timeout(60),
    ):
        async with lab.call("2000"):
            await lab.queued("support", within=10)
            async with lab.call("2000"):
                assert await asked.get() == "after/full"
            async with lab.call("5000"):
                assert await asked.get() == "after/closed"
        expected = [("support", "full", 0.0), ("strict", "closed", 0.0)]

        async def live() -> list[tuple[str, str, float]]:
            return turned_away(heard_by(heard, lab))

        reader, told = reader_of(lab), list[CallFact]()

        async def written() -> list[tuple[str, str, float]]:
            portion = reader.next()
            told.extend([] if portion is None else portion.facts)
            return turned_away(told)

        assert await until(live, lambda found: len(found) == 2) == expected
        assert sorted(await until(written, lambda found: len(found) == 2)) == sorted(expected)

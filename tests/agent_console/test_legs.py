"""The legs of a call on the page of its case: in order, to scale, in both languages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from agent_console.legs import KINDS, WIDTH, picture
from cti import events as e
from cti.interpret import Interpreter
from service_desk.views import LegSpan, LegView
from tests.agent_console.conftest import Open
from tests.agent_console.office import Office
from tests.agent_console.test_counter import number_of_the_case
from tests.fakes.ami_recording import EXTENSIONS, recording

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def leg(start: float, end: float | None, *spans: tuple[str, float, float]) -> LegView:
    return LegView(
        leg_id="x",
        party="agent",
        agent="ava",
        address="101",
        started_at=T0 + timedelta(seconds=start),
        ended_at=None if end is None else T0 + timedelta(seconds=end),
        ringing=0,
        talked=0,
        held=0,
        cause=16,
        spans=tuple(LegSpan(kind=kind, begin=a, end=b) for kind, a, b in spans),
    )


def test_bars_are_to_scale_on_one_axis() -> None:
    first = leg(0, 50, ("wait", 0, 10), ("talk", 10, 50))
    second = leg(10, 50, ("ring", 0, 5), ("talk", 5, 40), ("wrap_up", 40, 90))
    drawn = picture([first, second])
    assert drawn is not None
    assert drawn.seconds == 100, "after-call work is part of it"
    bars = [[(bar.kind, bar.x, bar.width) for bar in row.bars] for row in drawn.rows]
    assert bars == [
        [("wait", 0, 100), ("talk", 100, 400)],
        [("ring", 100, 50), ("talk", 150, 350), ("wrap_up", 500, 500)],
    ]
    assert [(row.x, row.width) for row in drawn.rows] == [(0, 500), (100, 400)]
    assert drawn.kinds == ("ring", "wait", "talk", "wrap_up")
    assert drawn.rows[1].sums == (("ring", 5), ("talk", 35), ("wrap_up", 50))
    assert [tick.at for tick in drawn.ticks] == [0, 15, 30, 45, 60, 75, 90]


@pytest.mark.parametrize("seconds", [0.5, 7, 61, 3_700, 90_000, 10_000_000])
def test_the_axis_has_few_marks_however_long_the_call(seconds: float) -> None:
    drawn = picture([leg(0, seconds, ("talk", 0, seconds))])
    assert drawn is not None
    assert 1 <= len(drawn.ticks) <= 9
    assert all(0 <= tick.x <= WIDTH for tick in drawn.ticks)


def test_what_is_shorter_than_a_hair_is_seen_and_what_never_began_is_not_drawn() -> None:
    drawn = picture([leg(0, 10_000, ("hold", 5, 6))])
    assert drawn is not None
    assert drawn.rows[0].bars[0].width >= 3
    assert picture([]) is None
    assert picture([leg(0, None)]) is None


def facts(name: str) -> Iterable[e.Fact]:
    by = Interpreter("ringdesk-1", EXTENSIONS)
    return [fact for message in recording(name).messages for fact in by.feed(message)]


async def test_the_case_shows_who_did_what_and_who_hung_up(office: Office, door: Open) -> None:
    await office.take(*facts("attended_to_agent"))
    ava = await door("ava")
    path = f"/cases/{await number_of_the_case(ava)}"
    page = await (await ava.get(path)).text()
    figure = page.split('<figure class="legs">')[1].split("</figure>")[0]
    drawn = ElementTree.fromstring(f"<figure>{figure}</figure>".replace("&nbsp;", " "))  # noqa: S314
    assert " style=" not in figure, "the policy forbids it"
    bars = [bar.get("class", "") for bar in drawn.iter("rect")]
    kinds = {kind.removeprefix("leg-") for kind in bars} & set(KINDS)
    assert kinds == {"ring", "wait", "talk", "hold", "consult"}
    said = " ".join("".join(drawn.itertext()).split())
    assert said.count("handed on") == 2
    assert said.count("the caller hung up") == 2
    assert "Consulted 0:02" in said
    await ava.post("/language", {"csrf": await ava.token(), "lang": "zh", "next": path})
    chinese = await (await ava.get(path)).text()
    assert all(word in chinese for word in ("通话各方", "咨询", "已转接", "来电方挂断"))
    assert "Consulted" not in chinese


async def test_a_call_an_agent_refused_says_so(office: Office, door: Open) -> None:
    await office.take(*facts("rejected"))
    ava = await door("ava")
    page = await (await ava.get(f"/cases/{await number_of_the_case(ava)}")).text()
    figure = page.split('<figure class="legs">')[1].split("</figure>")[0]
    assert figure.count('<span class="muted">rejected</span>') == 1
    assert figure.count("the caller hung up") == 2


async def test_an_agent_whose_device_was_lost_is_told_so(office: Office, door: Open) -> None:
    """And nobody is told that they were not reachable, in mid-talk."""
    await office.take(*facts("refreshed"))
    ava = await door("ava")
    page = await (await ava.get(f"/cases/{await number_of_the_case(ava)}")).text()
    figure = page.split('<figure class="legs">')[1].split("</figure>")[0]
    assert figure.count("connection lost") == 1
    assert "not reachable" not in figure
    assert "ended by the system" not in figure

"""The shipped flow, played as callers would play it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from textwrap import indent
from zoneinfo import ZoneInfo

import pytest

from ivr.desk_port import CallerIdentity
from ivr.flow import Flow
from ivr.loader import load_flows
from ivr.located_yaml import parse_located
from ivr.protocol import HangUp, ToQueue
from ivr.simulate import CannedDesk, Simulated, simulate

ROOT = Path(__file__).parents[2]
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 10, tzinfo=BERLIN)
SUNDAY = datetime(2026, 11, 22, 10, tzinfo=BERLIN)
CHRISTMAS = datetime(2026, 12, 25, 10, tzinfo=BERLIN)
CHEN = CallerIdentity(customer_id=7, language="zh", name="Chen", matches=1)


class Call:
    def __init__(self, *keys: str, at: datetime = MONDAY, **settings: object) -> None:
        self.desk = CannedDesk(cases={"C-2026-004711": "waiting"})
        if isinstance(settings.get("identity"), CallerIdentity):
            self.desk.identity = settings.pop("identity")
        self.desk.full = settings.pop("full", set())
        out = io.StringIO()
        flow: Flow = load_flows([ROOT / "config" / "flows"], ["support", "sales"])["main"]
        self.done: Simulated = simulate(
            flow,
            keys,
            out,
            lambda: at,
            self.desk,
            **settings,
        )
        self.text = out.getvalue()


def test_a_new_caller_chooses_english_and_sales() -> None:
    call = Call("1", "1")
    assert call.done.end == ToQueue(queue="sales")
    assert call.text.index("Welcome to customer service") < call.text.index("欢迎致电")
    assert call.done.state.language == "en"
    # Who it is, the language and the opening hours are labelled "-": no steps for the card.
    assert call.desk.paths == [[("Main menu", "1", "主菜单"), ("Sales", "", "产品与购买")]]


def test_a_known_caller_is_spoken_to_in_their_language_at_once() -> None:
    call = Call("2", identity=CHEN)
    assert call.done.end == ToQueue(queue="support")
    assert "Welcome" not in call.text
    assert "For English" not in call.text


def test_a_choice_of_language_is_remembered() -> None:
    call = Call("2", "0", identity=CallerIdentity(customer_id=7, matches=1))
    assert call.desk.languages == [(7, "zh")]
    assert call.done.end == ToQueue(queue="support", priority=5)


@pytest.mark.parametrize("digits", ["4711#", "004711#", "004711"])
def test_the_status_of_a_case_is_said(digits: str) -> None:
    call = Call("1", "3", digits, "", "")
    assert '"waiting for more information"' in call.text
    assert call.done.end == HangUp()


def test_an_unknown_case_number_may_be_tried_again() -> None:
    call = Call("1", "3", "99#", "1", "4711#", "0")
    assert "could not find a case" in call.text
    assert call.done.end == ToQueue(queue="support")


def test_a_silent_caller_gets_the_operator() -> None:
    call = Call("", "", "", "")
    assert call.done.end == ToQueue(queue="support", priority=5)


def test_wrong_keys_get_the_operator() -> None:
    call = Call("1", "9", "8", "7")
    assert call.text.count("not one of the choices") == 3
    assert call.done.end == ToQueue(queue="support", priority=5)


@pytest.mark.parametrize(
    ("at", "words"), [(SUNDAY, "Our office is closed. We"), (CHRISTMAS, "public holiday")]
)
def test_closed_hours_take_a_message(at: datetime, words: str) -> None:
    call = Call("1", "12.5", at=at)
    assert words in call.text
    assert call.desk.messages == [("messages/simulated.wav", 12.5)]
    assert call.done.end == HangUp()
    assert call.done.state.path[-1] == ("Message", "12 s", "留言")


def test_a_full_queue_takes_a_message() -> None:
    call = Call("1", "2", "5", full={"support"})
    assert "All our lines are busy" in call.text
    assert call.desk.messages == [("messages/simulated.wav", 5.0)]


def test_who_waited_too_long_may_leave_a_message_or_wait_on() -> None:
    assert Call("1", "5", reason="timeout").desk.messages
    waits = Call("2", reason="timeout").done.end
    assert waits == ToQueue(queue="", priority=10)
    assert Call("", "", "3", reason="timeout").desk.messages


@pytest.mark.parametrize("reason", ["full", "closed"])
def test_other_reasons_take_a_message(reason: str) -> None:
    assert Call("4", reason=reason).desk.messages


@pytest.mark.parametrize("keys", [(), ("hangup",), ("1", "hangup", "1")])
def test_hanging_up_ends_it(keys: tuple[str, ...]) -> None:
    call = Call(*keys)
    assert call.done.end is None
    assert "the caller hung up" in call.text


def test_nonsense_seconds_are_no_message() -> None:
    assert Call("1", "abc", at=SUNDAY).desk.messages == []


def test_every_example_of_the_manual_is_right(
    write_flows: Callable[..., Path],
) -> None:
    """Each node of docs/flows.md, with its targets as plain hang-ups, passes the check."""
    text = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    whole = blocks.pop(0)
    assert "main" in load_flows([write_flows(whole)], ["support", "sales"])
    assert len(blocks) == 13
    names = ("menu", "sales", "service", "closed", "holiday", "status", "operator", "more")
    names += ("not_found", "busy", "bye")
    for block in blocks:
        [(own, node)] = parse_located(block.encode(), "manual").data.items()
        ways = [*node.values(), *node.get("options", {}).values()]
        targets = [name for name in names if name in ways and name != own]
        ends = "".join(f"  {name}: {{kind: hangup}}\n" for name in targets)
        after = targets[0] if targets else own
        flow = f"languages: [en, zh]\nstart: {own}\nnodes:\n{indent(block, '  ')}{ends}"
        if "kind: queue" in block:
            flow += f"after: {{full: {after}, timeout: {after}, closed: {after}}}\n"
        sub = "languages: [en, zh]\nstart: r\nnodes:\n  r: {kind: return}\n"
        folder = write_flows(flow, hours=sub)
        assert own in load_flows([folder], ["support", "sales"])["main"].nodes

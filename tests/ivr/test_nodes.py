"""What each node kind does, told by the commands that come out."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ivr.desk_port import CallerIdentity, CaseSaid
from ivr.engine import step
from ivr.flow import Flow
from ivr.nodes import KINDS
from ivr.nodes.hours import days_of, holiday_of, span_of
from ivr.nodes.identify import is_withheld
from ivr.protocol import (
    Ask,
    Began,
    CaseFound,
    Command,
    DeskAway,
    FindCase,
    HangUp,
    Identified,
    Identify,
    Input,
    KeepMessage,
    LookAtQueue,
    Play,
    Pressed,
    QueueLooked,
    Record,
    Recorded,
    RememberLanguage,
    Speak,
    ToQueue,
)
from ivr.turn import State

MakeFlow = Callable[..., Flow]
HEAD = "languages: [en, zh]\nstart: a\nafter: {full: bye, timeout: bye, closed: bye}\nnodes:\n"
BYE = "  bye: {kind: hangup, prompt: {en: Bye, zh: 再见}}\n"
HI = "{en: Hi, zh: 您好}"


class Run:
    """A call in a flow."""

    def __init__(self, flow: Flow, at: datetime, number: str = "+49301", **began: str) -> None:
        self.flow = flow
        self.at = at
        self.state = State()
        self.commands: tuple[Command, ...] = ()
        self.give(Began(at=at, caller_number=number, **began))

    def give(self, said: Input) -> tuple[Command, ...]:
        self.commands, self.state = step(self.flow, self.state, said)
        return self.commands

    def press(self, digits: str, ended: str = "max") -> tuple[Command, ...]:
        return self.give(Pressed(at=self.at, digits=digits, ended=ended))

    def silence(self) -> tuple[Command, ...]:
        return self.press("", "timeout")

    @property
    def last(self) -> Command:
        return self.commands[-1]

    def said(self) -> list[str]:
        return [
            clip.text
            for command in self.commands
            if isinstance(command, Play | Ask | Record)
            for clip in command.speech
        ]


@pytest.fixture
def run(make_flow: MakeFlow, monday: datetime) -> Callable[..., Run]:
    def start(nodes: str, number: str = "+49301", at: datetime | None = None, **began: str) -> Run:
        return Run(make_flow(HEAD + nodes + BYE), at or monday, number, **began)

    return start


def test_say_speaks_the_flows_first_language_and_goes_on(run: Callable[..., Run]) -> None:
    call = run(f"  a: {{kind: say, prompt: {HI}, next: bye}}\n")
    assert call.said() == ["Hi", "Bye"]
    assert call.last == HangUp()
    assert call.state.ended


def test_say_in_every_language_until_one_is_known(run: Callable[..., Run]) -> None:
    nodes = f"  a: {{kind: say, prompt: {HI}, every_language: true, next: bye}}\n"
    assert run(nodes).said() == ["Hi", "您好", "Bye"]


def test_words_before_a_question_can_be_interrupted(run: Callable[..., Run]) -> None:
    menu = "  m: {kind: menu, prompt: {en: Menu, zh: 菜单}, options: {1: bye}, give_up: bye}\n"
    call = run(f"  a: {{kind: say, prompt: {HI}, next: m}}\n" + menu)
    assert [type(command) for command in call.commands] == [Ask]
    assert call.said() == ["Hi", "Menu"]
    call = run(f"  a: {{kind: say, prompt: {HI}, interrupt: false, next: m}}\n" + menu)
    assert [type(command) for command in call.commands] == [Play, Ask]


MENU = (
    f"  a: {{kind: menu, label: Main, prompt: {HI}, options: {{1: bye, '#': q}}, give_up: up,"
    " invalid: {en: Wrong, zh: 错}, silent: {en: Hello, zh: 喂}}\n"
    "  q: {kind: queue, queue: sales}\n  up: {kind: queue, queue: support, priority: 7}\n"
)


def test_menu_takes_a_key(run: Callable[..., Run]) -> None:
    call = run(MENU)
    assert call.last == Ask(
        speech=call.last.speech,
        max_digits=1,
        first_timeout=5,
        digit_timeout=3,
        terminator="",
    )
    assert call.press("1")[-1] == HangUp()
    assert call.state.path == (("Main", "1", ""),)


TWO = (
    f"  a: {{kind: menu, label: {{en: Main, zh: 主菜单}}, prompt: {HI}, options: {{1: b,"
    " 2: q, 3: s},"
    f" give_up: q}}\n  b: {{kind: menu, label: '-', prompt: {HI}, options: {{1: q, 2: bye}},"
    " give_up: q}\n  q: {kind: queue, label: {en: Repair, zh: 维修}, queue: sales}\n"
    "  s: {kind: queue, label: {zh: 销售}, queue: sales}\n"
)


def test_a_step_has_a_label_for_each_language(run: Callable[..., Run]) -> None:
    call = run(TWO)
    call.press("2")
    assert call.state.path == (("Main", "2", "主菜单"), ("Repair", "", "维修"))
    call = run(TWO)
    call.press("3")
    assert call.state.path[1] == ("销售", "", "销售")


def test_what_a_key_led_to_last_is_what_the_call_is_about(run: Callable[..., Run]) -> None:
    """A node that is no step for people is no subject either; giving up is no choice."""
    call = run(TWO)
    call.press("1")
    assert call.state.choice is None
    call.press("2")
    assert call.state.choice == ("bye", "")
    call = run(TWO)
    call.press("2")
    assert call.state.choice == ("Repair", "维修")
    call = run(TWO)
    call.silence()
    call.silence()
    assert call.state.ended
    assert call.state.choice is None


def test_how_to_go_on_waiting_is_not_what_a_call_is_about(
    make_flow: MakeFlow, monday: datetime
) -> None:
    flow = make_flow(HEAD.replace("timeout: bye", "timeout: a") + TWO + BYE)
    call = Run(flow, monday, reason="timeout")
    call.press("2")
    assert call.state.ended
    assert call.state.choice is None


def test_menu_takes_the_hash_key_as_a_choice(run: Callable[..., Run]) -> None:
    assert run(MENU).press("#")[-1] == ToQueue(queue="sales")


def test_menu_is_patient_with_wrong_keys_three_times(run: Callable[..., Run]) -> None:
    call = run(MENU)
    for _ in range(2):
        call.press("9")
        assert call.said() == ["Wrong", "Hi"]
    call.press("8")
    assert call.said() == ["Wrong"]
    assert call.last == ToQueue(queue="support", priority=7)


def test_menu_is_patient_with_silence_twice(run: Callable[..., Run]) -> None:
    call = run(MENU)
    call.silence()
    assert call.said() == ["Hello", "Hi"]
    call.silence()
    assert call.last == ToQueue(queue="support", priority=7)


def test_a_wrong_key_ends_a_silence(run: Callable[..., Run]) -> None:
    call = run(MENU)
    call.silence()
    call.press("9")
    call.silence()
    assert isinstance(call.last, Ask)


def test_flows_own_sorry_is_taken_when_a_menu_has_none(
    make_flow: MakeFlow, monday: datetime
) -> None:
    flow = make_flow(
        "prompts: {invalid: {en: Sorry, zh: 抱歉}}\n"
        + HEAD
        + f"  a: {{kind: menu, prompt: {HI}, options: {{1: bye}}, give_up: bye}}\n"
        + BYE
    )
    call = Run(flow, monday)
    call.press("2")
    assert call.said() == ["Sorry", "Hi"]


LANGUAGE = (
    "  a: {kind: identify, next: l}\n"
    "  l: {kind: language, prompt: {en: Press 1, zh: 请按二}, options: {1: en, 2: zh}, next: bye}\n"
)


def known(at: datetime, language: str | None = None, customer: int | None = 7) -> Identified:
    matches = 1 if customer else 3
    identity = CallerIdentity(customer_id=customer, language=language, matches=matches)
    return Identified(at=at, identity=identity)


def test_language_asks_in_all_and_remembers_the_choice(run: Callable[..., Run]) -> None:
    call = run(LANGUAGE)
    assert call.last == Identify(caller_number="+49301")
    call.give(known(call.at))
    assert call.said() == ["Press 1", "请按二"]
    call.press("2")
    assert Speak(language="zh") in call.commands
    assert RememberLanguage(customer_id=7, language="zh") in call.commands
    assert call.said() == ["再见"]


def test_language_is_not_asked_when_known(run: Callable[..., Run]) -> None:
    call = run(LANGUAGE)
    call.give(known(call.at, "zh"))
    assert Speak(language="zh") in call.commands
    assert call.said() == ["再见"]
    assert call.last == HangUp()


def test_language_of_nobody_in_particular_is_not_remembered(run: Callable[..., Run]) -> None:
    call = run(LANGUAGE)
    call.give(known(call.at, customer=None))
    call.press("2")
    assert not any(isinstance(command, RememberLanguage) for command in call.commands)


def test_silence_at_language_takes_the_first_and_remembers_nothing(
    run: Callable[..., Run],
) -> None:
    call = run(LANGUAGE)
    call.give(known(call.at))
    call.silence()
    call.silence()
    assert Speak(language="en") in call.commands
    assert not any(isinstance(command, RememberLanguage) for command in call.commands)
    assert call.said() == ["Bye"]


def test_a_remembered_language_the_flow_does_not_speak_is_asked(run: Callable[..., Run]) -> None:
    call = run(LANGUAGE)
    call.give(known(call.at, "fr"))
    assert isinstance(call.last, Ask)


IDENTIFY = (
    "  a: {kind: identify, next: bye, known: k, several: s, unknown: u, withheld: w}\n"
    "  k: {kind: queue, queue: sales, priority: 1}\n  s: {kind: queue, queue: sales, priority: 2}\n"
    "  u: {kind: queue, queue: sales, priority: 3}\n  w: {kind: queue, queue: sales, priority: 4}\n"
)


def priority(call: Run) -> int:
    assert isinstance(call.last, ToQueue)
    return call.last.priority


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (CallerIdentity(customer_id=1, matches=1), 1),
        (CallerIdentity(matches=3), 2),
        (CallerIdentity(), 3),
    ],
)
def test_identify_has_a_way_for_each(
    run: Callable[..., Run], identity: CallerIdentity, expected: int
) -> None:
    call = run(IDENTIFY)
    call.give(Identified(at=call.at, identity=identity))
    assert priority(call) == expected


def test_a_desk_that_is_away_knows_nobody(run: Callable[..., Run]) -> None:
    call = run(IDENTIFY)
    call.give(DeskAway(at=call.at))
    assert priority(call) == 3
    assert call.state.path[0] == ("a", "unknown", "")


def test_a_withheld_number_is_not_asked_about(run: Callable[..., Run]) -> None:
    assert priority(run(IDENTIFY, number="anonymous")) == 4


@pytest.mark.parametrize(
    ("number", "withheld"),
    [
        ("", True),
        ("unknown", True),
        ("Anonymous", True),
        ("anonymous0", True),
        ("+", True),
        ("٣٤", True),
        ("+49 30 1", False),
        ("0301", False),
        ('">1', False),
    ],
)
def test_what_counts_as_withheld(number: str, withheld: bool) -> None:
    assert is_withheld(number) is withheld


HOURS = (
    "  a:\n    kind: hours\n"
    "    open: {mon-fri: ['08:00-12:00', '13:00-18:00'], sat: '09:00-24:00'}\n"
    "    holidays: ['2026-12-24..2027-01-01', '05-01', '02-29', '2026-11-30']\n"
    "    when_open: o\n    when_closed: bye\n    when_holiday: h\n"
    "  o: {kind: queue, queue: sales}\n  h: {kind: queue, queue: support}\n"
)


@pytest.mark.parametrize(
    ("at", "where"),
    [
        ("2026-11-23 07:59", "closed"),
        ("2026-11-23 08:00", "open"),
        ("2026-11-23 11:59", "open"),
        ("2026-11-23 12:00", "closed"),
        ("2026-11-23 13:00", "open"),
        ("2026-11-23 18:00", "closed"),
        ("2026-11-28 23:59", "open"),
        ("2026-11-29 10:00", "closed"),
        ("2026-11-30 10:00", "holiday"),
        ("2026-12-24 10:00", "holiday"),
        ("2026-12-28 10:00", "holiday"),
        ("2027-01-01 10:00", "holiday"),
        ("2027-01-04 10:00", "open"),
        ("2029-05-01 10:00", "holiday"),
        ("2028-02-29 10:00", "holiday"),
        ("2027-02-26 10:00", "open"),
    ],
)
def test_hours_by_weekday_and_holiday(run: Callable[..., Run], at: str, where: str) -> None:
    call = run(HOURS, at=datetime.fromisoformat(at + "+01:00"))
    assert call.state.path[0] == ("a", where, "")
    queue = call.last.queue if isinstance(call.last, ToQueue) else ""
    assert queue == {"open": "sales", "holiday": "support", "closed": ""}[where]


def test_days_and_spans_and_holidays_are_read() -> None:
    assert days_of("sat-mon") == (5, 6, 0)
    assert days_of("sun") == (6,)
    assert span_of("00:00 - 24:00") == (0, 1440)
    assert holiday_of("02-29", 2027) is None
    first_last = holiday_of("02-29", 2028)
    assert first_last is not None
    assert first_last[1] - first_last[0] == timedelta(0)


COLLECT = (
    f"  a: {{kind: collect, label: Number, prompt: {HI}, min: 4, max: 6, next: c, give_up: up,"
    " store: case_number, invalid: {en: Wrong, zh: 错}}\n"
    "  up: {kind: queue, queue: support}\n"
    "  c: {kind: case_status, prompt: {en: 'Case {case_number} is {case_status}.',"
    " zh: '{case_number}，{case_status}。'}, next: bye, not_found: nf, away: aw}\n"
    "  nf: {kind: hangup, prompt: {en: None, zh: 无}}\n"
    "  aw: {kind: hangup, prompt: {en: Later, zh: 稍后}}\n"
)


def test_a_case_number_is_collected_and_its_status_said(run: Callable[..., Run]) -> None:
    call = run(COLLECT)
    call.press("4711", "terminator")
    assert call.last == FindCase(digits="4711", caller_number="+49301")
    call.give(CaseFound(at=call.at, said=CaseSaid(number="C-2026-004711", status="open")))
    assert call.said() == ["Case", "four", "seven", "one", "one", "is", "being worked on", "Bye"]
    assert call.state.path == (("Number", "4711", ""), ("c", "open", ""))


def test_a_case_of_somebody_else_is_not_found(run: Callable[..., Run]) -> None:
    call = run(COLLECT)
    call.press("4711")
    call.give(CaseFound(at=call.at, said=None))
    assert call.said() == ["None"]


def test_a_status_without_a_word_is_not_found(run: Callable[..., Run]) -> None:
    call = run(COLLECT)
    call.press("4711")
    call.give(CaseFound(at=call.at, said=CaseSaid(number="1", status="<script>")))
    assert call.said() == ["None"]


def test_a_desk_that_is_away_is_said(run: Callable[..., Run]) -> None:
    call = run(COLLECT)
    call.press("4711")
    call.give(DeskAway(at=call.at))
    assert call.said() == ["Later"]


@pytest.mark.parametrize("digits", ["123", "1234567", "12*4", "１２３４"])
def test_digits_that_do_not_fit_are_invalid(run: Callable[..., Run], digits: str) -> None:
    call = run(COLLECT)
    call.press(digits)
    assert call.said() == ["Wrong", "Hi"]


def test_a_lone_terminator_is_invalid_not_silent(run: Callable[..., Run]) -> None:
    call = run(COLLECT)
    call.press("", "terminator")
    assert call.said() == ["Wrong", "Hi"]
    assert call.state.invalid == 1


def test_sensitive_digits_are_nowhere_afterwards(run: Callable[..., Run]) -> None:
    call = run(
        f"  a: {{kind: collect, prompt: {HI}, max: 16, sensitive: true, next: m, give_up: bye}}\n"
        f"  m: {{kind: menu, prompt: {HI}, options: {{1: bye}}, give_up: bye}}\n"
    )
    assert isinstance(call.last, Ask)
    assert call.last.sensitive
    call.press("4111111111111111")
    assert "4111" not in repr(call.state)
    assert "4111" not in repr(call.commands)
    assert call.state.path == (("a", "", ""),)


def test_case_status_without_a_number_is_not_found(run: Callable[..., Run]) -> None:
    call = run("  a: {kind: case_status, prompt: {en: x, zh: 好}, next: bye, not_found: bye}\n")
    assert call.last == HangUp()


def test_queue_asks_whether_it_is_full(run: Callable[..., Run]) -> None:
    nodes = "  a: {kind: queue, queue: sales, priority: 3, max_wait: 0, full: bye}\n"
    call = run(nodes)
    assert call.last == LookAtQueue(queue="sales")
    assert call.give(QueueLooked(at=call.at, full=True))[-1] == HangUp()
    call = run(nodes)
    assert call.give(QueueLooked(at=call.at, full=False)) == (
        ToQueue(queue="sales", priority=3, max_wait=0),
    )
    call = run(nodes)
    assert isinstance(call.give(DeskAway(at=call.at))[-1], ToQueue)


def test_queue_without_a_name_is_the_one_before(run: Callable[..., Run]) -> None:
    assert run("  a: {kind: queue}\n").last == ToQueue(queue="")


MESSAGE = (
    f"  a: {{kind: message, prompt: {HI}, thanks: {{en: Thanks, zh: 谢谢}}, next: bye, empty: e,"
    " max_seconds: 60, silence_seconds: 4}\n  e: {kind: hangup, prompt: {en: Empty, zh: 空}}\n"
)


def test_a_message_is_kept(run: Callable[..., Run]) -> None:
    call = run(MESSAGE)
    assert isinstance(call.last, Record)
    assert (call.last.max_seconds, call.last.silence_seconds) == (60, 4)
    call.give(Recorded(at=call.at, seconds=12.4))
    assert call.commands[0] == KeepMessage(seconds=12.4)
    assert call.said() == ["Thanks", "Bye"]
    assert call.state.path == (("a", "12 s", ""),)


@pytest.mark.parametrize("said", [0.0, 0.9])
def test_a_click_is_no_message(run: Callable[..., Run], said: float) -> None:
    call = run(MESSAGE)
    call.give(Recorded(at=call.at, seconds=said))
    assert call.said() == ["Empty"]


def test_goto_goes(run: Callable[..., Run]) -> None:
    assert run("  a: {kind: goto, to: bye}\n").last == HangUp()


def test_a_called_flow_comes_back_from_each_place(make_flow: MakeFlow, monday: datetime) -> None:
    flow = make_flow(
        HEAD
        + "  a: {kind: call, flow: sub, next: b}\n  b: {kind: call, flow: sub, next: bye}\n"
        + BYE,
        sub="languages: [en, zh]\nstart: x\nnodes:\n"
        "  x: {kind: say, prompt: {en: Sub, zh: 子}, next: y}\n  y: {kind: return}\n",
    )
    call = Run(flow, monday)
    assert call.said() == ["Sub", "Sub", "Bye"]
    assert call.last == HangUp()


def test_a_return_nobody_called_ends_the_call(make_flow: MakeFlow, monday: datetime) -> None:
    call = Run(make_flow("languages: [en]\nstart: a\nnodes:\n  a: {kind: return}\n"), monday)
    assert call.last == HangUp()


def test_every_kind_has_an_example_in_the_manual() -> None:
    text = (Path(__file__).parents[2] / "docs" / "flows.md").read_text(encoding="utf-8")
    missing = [kind for kind in KINDS if not re.search(rf"kind: {kind}\b", text)]
    assert missing == []


@pytest.mark.parametrize(("night", "queue"), [("open", "sales"), ("closed", "")])
def test_the_night_switch_overrules_hours_and_holidays(
    run: Callable[..., Run], night: str, queue: str
) -> None:
    for at in ("2026-11-23 08:00+01:00", "2026-12-24 10:00+01:00", "2026-11-29 03:00+01:00"):
        call = run(HOURS, at=datetime.fromisoformat(at), night=night)
        assert call.state.path[0] == ("a", night, "")
        assert (call.last.queue if isinstance(call.last, ToQueue) else "") == queue

"""Flows that cannot work are refused, with file, line and node."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ivr.flow import Flow
from ivr.loader import FlowErrors, check_flows, load_flows

MakeFlow = Callable[..., Flow]
Complain = Callable[..., list[str]]

HEAD = "languages: [en, zh]\nstart: a\n"
BYE = "  bye: {kind: hangup}\n"
HI = "{en: Hello, zh: 您好}"


def test_the_shipped_flows_pass() -> None:
    folder = Path(__file__).parents[2] / "config" / "flows"
    assert check_flows([folder], ["support", "sales"]) == []
    assert "main" in load_flows([folder])


def test_an_unknown_kind_is_told_with_file_line_and_node(complain: Complain) -> None:
    said = complain(HEAD + "nodes:\n  a:\n    kind: sy\n")
    assert said[0].startswith('main.yaml:5: node "a": unknown kind "sy" (allowed: say, menu,')


@pytest.mark.parametrize("kind", ["", "kind: [say]", "kind: {a: b}", "kind: 3"])
def test_any_wrong_kind_is_refused(complain: Complain, kind: str) -> None:
    said = complain(HEAD + f"nodes:\n  a:\n    next: a\n    {kind}\n")
    assert 'node "a": ' in said[0]
    assert "kind" in said[0]


@pytest.mark.parametrize(
    ("label", "why"),
    [
        ("{}", "no text in any language"),
        ("{en: ''}", "the label has no text"),
        ("{en: Main, zh: '-'}", "left out"),
        ("{fr: Menu}", "label"),
        ("[Main]", "label"),
    ],
)
def test_a_label_is_a_text_or_one_for_each_language(
    complain: Complain, label: str, why: str
) -> None:
    text = f"nodes:\n  a:\n    kind: hangup\n    label: {label}\n"
    [said] = complain(HEAD + text)
    assert said.startswith('main.yaml:6: node "a": ')
    assert why in said


def test_an_unknown_target_names_its_key(complain: Complain) -> None:
    text = HEAD + f"nodes:\n  a:\n    kind: say\n    prompt: {HI}\n    next: nowhere\n"
    assert complain(text) == ['main.yaml:7: node "a": next: unknown node "nowhere"']


def test_an_unknown_target_of_a_key_in_a_menu(complain: Complain) -> None:
    text = (
        HEAD
        + f"nodes:\n  a:\n    kind: menu\n    prompt: {HI}\n    options:\n"
        + '      "1": bye\n      "2": by\n    give_up: bye\n'
        + BYE
    )
    assert complain(text) == ['main.yaml:9: node "a": options.2: unknown node "by"']


def test_a_key_that_no_telephone_has(complain: Complain) -> None:
    text = (
        HEAD
        + f"nodes:\n  a:\n    kind: menu\n    prompt: {HI}\n    options: {{12: bye}}\n"
        + "    give_up: bye\n"
        + BYE
    )
    assert '"12" is no key of a telephone' in complain(text)[0]


def test_unknown_start_and_after(complain: Complain) -> None:
    said = complain("languages: [en]\nstart: b\nafter: {full: c}\nnodes:\n  a: {kind: hangup}\n")
    assert said[:2] == [
        'main.yaml:2: start: unknown node "b"',
        'main.yaml:3: after.full: unknown node "c"',
    ]


def test_a_node_nobody_comes_to(complain: Complain) -> None:
    said = complain(HEAD + "nodes:\n  a: {kind: hangup}\n  b: {kind: hangup}\n")
    assert said == ['main.yaml:5: node "b": nothing leads to this node']


def test_a_dead_end_of_menus(complain: Complain) -> None:
    text = (
        HEAD
        + f"nodes:\n  a:\n    kind: menu\n    prompt: {HI}\n    options: {{1: a}}\n    give_up: a\n"
    )
    assert 'main.yaml:4: node "a": dead end: no way from here to a queue or a hang-up' in complain(
        text
    )


def test_a_loop_without_input(complain: Complain) -> None:
    text = (
        HEAD
        + "nodes:\n"
        + f"  a: {{kind: say, prompt: {HI}, next: b}}\n"
        + f"  b: {{kind: menu, prompt: {HI}, options: {{1: bye}}, give_up: a}}\n"
        + BYE
    )
    assert complain(text) == [
        'main.yaml:4: node "a": loop without input: a silent caller goes round for ever (a > b > a)'
    ]


def test_a_way_back_by_a_key_is_no_loop(make_flow: MakeFlow) -> None:
    flow = make_flow(
        HEAD
        + f"nodes:\n  a: {{kind: menu, prompt: {HI}, options: {{1: a, 2: bye}}, give_up: bye}}\n"
        + BYE
    )
    assert set(flow.nodes) == {"a", "bye"}


def test_a_prompt_without_a_language(complain: Complain) -> None:
    text = HEAD + "nodes:\n  a:\n    kind: say\n    prompt:\n      en: Hi\n    next: bye\n" + BYE
    assert complain(text) == ['main.yaml:6: node "a": the prompt has no text in "zh"']


def test_a_shared_prompt_without_a_language_is_told_once(complain: Complain) -> None:
    text = (
        HEAD
        + "prompts:\n  hi:\n    en: Hi\nnodes:\n  a: {kind: say, prompt: hi, next: bye}\n"
        + "  bye: {kind: hangup, prompt: hi}\n"
    )
    assert complain(text) == ['main.yaml:4: prompt "hi": the prompt has no text in "zh"']


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("'...'", "nothing to say"),
        ("''", "nothing to say"),
        ("x" * 601, "too long to listen to (601, at most 600 letters;"),
        ("'Hello {name}'", "{name} cannot be said (allowed: {case_number}, {case_status})"),
        ("'Hello {case_number.__class__}'", "cannot be said"),
        ("'Hello {'", "cannot be said"),
        ('"a\\eb"', "control characters"),
    ],
)
def test_texts_that_cannot_be_said(complain: Complain, text: str, why: str) -> None:
    said = complain(
        f"languages: [en]\nstart: a\nnodes:\n  a:\n    kind: hangup\n    prompt: {{en: {text}}}\n"
    )
    assert said[0].startswith('main.yaml:6: node "a": ')
    assert why in said[0]


def test_chinese_is_long_earlier(complain: Complain) -> None:
    head = "languages: [zh]\nstart: a\nnodes:\n"
    assert (
        "too long" in complain(head + f"  a: {{kind: hangup, prompt: {{zh: {'好' * 201}}}}}\n")[0]
    )


def test_a_language_the_flow_does_not_have(complain: Complain) -> None:
    text = "languages: [en]\nstart: a\nnodes:\n  a: {kind: hangup, prompt: {en: x, zh: 好}}\n"
    assert '"zh" is no language of this flow' in complain(text)[0]


def test_a_language_without_a_voice(complain: Complain) -> None:
    said = complain("languages: [xx]\nstart: a\nnodes:\n  a: {kind: hangup}\n")
    assert said == ["main.yaml:1: languages.0: Invalid enum value 'xx'; allowed: en, zh"]


def test_an_unknown_prompt_name(complain: Complain) -> None:
    text = "languages: [en]\nstart: a\nnodes:\n  a:\n    kind: hangup\n    prompt: hi\n"
    assert complain(text) == ['main.yaml:6: node "a": prompt: unknown prompt "hi"']


def test_a_prompt_that_is_no_prompt(complain: Complain) -> None:
    text = "languages: [en]\nstart: a\nnodes:\n  a:\n    kind: hangup\n    prompt: [hi]\n"
    assert "prompt: a text for each language" in complain(text)[0]


def test_two_prompts_of_one_name(complain: Complain) -> None:
    text = (
        "languages: [en]\nstart: a\nprompts: {a: {en: x}}\n"
        "nodes:\n  a: {kind: hangup, prompt: {en: y}}\n"
    )
    assert "also one of the flow's prompts" in complain(text)[0]


def test_an_unknown_queue_and_missing_after(complain: Complain) -> None:
    said = complain("languages: [en]\nstart: a\nnodes:\n  a:\n    kind: queue\n    queue: suport\n")
    assert said == ['main.yaml:6: node "a": unknown queue "suport" (there are: sales, support)']
    said = complain("languages: [en]\nstart: a\nnodes:\n  a: {kind: queue, queue: support}\n")
    assert "must say where to go after: full, timeout, closed" in said[0]


def test_queues_are_unchecked_when_not_known(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "languages: [en]\nstart: a\nafter: {full: b, timeout: b, closed: b}\n"
        "nodes:\n  a: {kind: queue, queue: whatever}\n  b: {kind: hangup}\n"
    )
    assert check_flows([tmp_path]) == []


@pytest.mark.parametrize(
    ("hours", "why"),
    [
        ("open: {mon: '9-17'}", "open.mon"),
        ("open: {mon: '09:00-25:00'}", "a time that does not exist"),
        ("open: {mon: '09:70-10:00'}", "a time that does not exist"),
        ("open: {mon: '18:00-09:00'}", "ends before it starts"),
        ("open: {mon: '09:00-09:00'}", "ends before it starts"),
        ("open: {mo: '09:00-10:00'}", '"mo" is no weekday'),
        ("open: {mon-fr: '09:00-10:00'}", "is no weekday"),
        ("open: {}", "never open"),
        ("open: {mon-fri: '09:00-12:00', wed: '11:00-13:00'}", "overlaps with"),
        ("open: {mon: ['09:00-12:00', '11:59-13:00']}", "overlaps with"),
        ("open: {mon: '09:00-12:00'}, holidays: [christmas]", "is no day"),
        ("open: {mon: '09:00-12:00'}, holidays: ['2026-02-30']", "is no day"),
        ("open: {mon: '09:00-12:00'}, holidays: ['20261224']", "is no day"),
        ("open: {mon: '09:00-12:00'}, holidays: ['13-01']", "is no day"),
        ("open: {mon: '09:00-12:00'}, holidays: ['2027-01-01..2026-12-24']", "ends before"),
        ("open: {mon: '09:00-12:00'}, holidays: ['2020-01-01..2026-12-24']", "longer than"),
    ],
)
def test_wrong_times(complain: Complain, hours: str, why: str) -> None:
    said = complain(
        f"languages: [en]\nstart: a\nnodes:\n"
        f"  a: {{kind: hours, {hours}, when_open: b, when_closed: b}}\n  b: {{kind: hangup}}\n"
    )
    assert said[0].startswith('main.yaml:4: node "a": ')
    assert why in said[0] or why == "open.mon"


def test_a_wrong_type_and_an_unknown_key_have_lines(complain: Complain) -> None:
    text = "languages: [en]\nstart: a\nnodes:\n  a:\n    kind: hangup\n    colour: red\n"
    said = complain(text)[0]
    assert said.startswith('main.yaml:6: node "a": colour: Object contains unknown field')
    text = (
        "languages: [en]\nstart: a\nafter: {full: b, timeout: b, closed: b}\nnodes:\n"
        "  a:\n    kind: queue\n    queue: support\n    max_wait: long\n  b: {kind: hangup}\n"
    )
    assert complain(text)[0].startswith('main.yaml:8: node "a": max_wait: Expected `int | null`')


def test_collect_and_language_mistakes(complain: Complain) -> None:
    ask = "{kind: collect, prompt: {en: x}, next: bye, give_up: bye, %s}\n"
    for keys, why in (
        ("min: 5, max: 4", "min (5) is more than max (4)"),
        ("sensitive: true, store: case_number", "never stored"),
        ("store: card", "Invalid enum value"),
    ):
        said = complain("languages: [en]\nstart: a\nnodes:\n  a: " + ask % keys + BYE)
        assert why in said[0]
    said = complain(
        "languages: [en]\nstart: a\nnodes:\n"
        "  a: {kind: language, prompt: {en: x}, options: {1: fr}, next: bye}\n" + BYE
    )
    assert '"fr" is no language of this flow (allowed: en)' in said[0]


def test_full_needs_a_queue(complain: Complain) -> None:
    said = complain(
        "languages: [en]\nstart: a\nafter: {full: bye, timeout: bye, closed: bye}\n"
        "nodes:\n  a: {kind: queue, full: bye}\n" + BYE
    )
    assert "needs a queue to look at" in said[0]


CALLER = "languages: [en]\nstart: a\nnodes:\n  a: {kind: call, flow: sub, next: bye}\n" + BYE


def test_a_called_flow_is_copied_in(make_flow: MakeFlow) -> None:
    flow = make_flow(CALLER, sub="languages: [en]\nstart: x\nnodes:\n  x: {kind: return}\n")
    assert set(flow.nodes) == {"a", "a/x", "bye"}
    assert flow.nodes["a/x"].back == "bye"


def test_calls_that_cannot_be(complain: Complain) -> None:
    assert 'unknown flow "sub"' in complain(CALLER)[0]
    itself = "languages: [en]\nstart: x\nnodes:\n  x: {kind: call, flow: sub, next: y}\n"
    said = complain(CALLER, sub=itself + "  y: {kind: return}\n")
    assert any("a flow cannot call itself (sub > sub)" in each for each in said)
    said = complain(CALLER, sub="languages: [zh]\nstart: x\nnodes:\n  x: {kind: return}\n")
    assert "does not speak en" in said[0]
    said = complain(CALLER, sub="languages: [en]\nstart: x\nnodes:\n  x: {kind: hangup}\n")
    assert said == ['main.yaml:5: node "bye": nothing leads to this node']


def test_a_growing_tree_of_calls_is_bounded(complain: Complain) -> None:
    """Ten calls in each of five flows would be 100,000 nodes."""

    def calling(flow: str) -> str:
        calls = "".join(
            f"  c{n}: {{kind: call, flow: {flow}, next: {f'c{n + 1}' if n < 9 else 'r'}}}\n"
            for n in range(10)
        )
        return f"languages: [en]\nstart: c0\nnodes:\n{calls}  r: {{kind: return}}\n"

    leaf = "languages: [en]\nstart: r\nnodes:\n  r: {kind: return}\n"
    said = complain(calling("b"), b=calling("c"), c=calling("d"), d=calling("e"), e=leaf)
    assert any("more than 500 nodes" in each for each in said)


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    said = [str(error) for error in check_flows([tmp_path, tmp_path / "no.yaml"])]
    assert said == [
        f"{tmp_path}: no flow (*.yaml) in this folder",
        f"{tmp_path}/no.yaml: No such file or directory",
    ]


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("languages: [en]\nstart: x\nnodes:\n  a: {kind: k}\n")
    (tmp_path / "two.yaml").write_text("nonsense\n")
    with pytest.raises(FlowErrors) as caught:
        load_flows([tmp_path])
    assert len(caught.value.errors) == 3
    assert str(caught.value).count("\n") == 2


def test_a_flow_of_a_later_path_replaces_one_of_the_same_name(tmp_path: Path) -> None:
    for folder, kind in (("shipped", "broken"), ("own", "hangup")):
        (tmp_path / folder).mkdir()
        text = f"languages: [en]\nstart: a\nnodes:\n  a: {{kind: {kind}}}\n"
        (tmp_path / folder / "main.yaml").write_text(text)
    flows = load_flows([tmp_path / "shipped", tmp_path / "own"])
    assert flows["main"].file == str(tmp_path / "own" / "main.yaml")

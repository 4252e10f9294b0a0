"""Whatever is refused is said in the reader's language: the fixed text, the values, the field."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent_console import errors as console
from agent_console.access import NotAllowed
from agent_console.errors import BadRequest, ConsoleError, status_of
from agent_console.i18n import load
from agent_console.live import schemas
from agent_console.refusals import filled, in_words
from cti import commands, switchboard
from cti.wishes import CommandRefused
from service_desk import errors as desk
from service_desk.errors import BadValue, Conflict, DatabaseAway, DeskError, IllegalMove

ROOT = Path(__file__).parents[2]
HOLES = re.compile(r"\{\w+\}")
EN, ZH = load("en"), load("zh")
# Given on as it came, from where it is looked at.
HANDED_ON = {"reply.reason", "error.text", "text"}
# Said in the terminal alone, in English like the program's other words there.
ON_THE_COMMAND_LINE = {"service_desk/copies.py", "service_desk/imports/run.py"}


def every(kind: type[Any]) -> Iterator[type[Any]]:
    yield kind
    for below in kind.__subclasses__():
        yield from every(below)


def refusing() -> set[type[Any]]:
    """All classes that refuse something to a person."""
    kinds = {*every(DeskError), *every(ConsoleError), switchboard.Refused, CommandRefused}
    # What is our fault is said by a page of its own, whatever its text.
    return {kind for kind in kinds if not is_ours(kind)}


def is_ours(kind: type[Any]) -> bool:
    shown = issubclass(kind, (DeskError, ConsoleError)) and kind not in (DeskError, ConsoleError)
    return shown and status_of(kind.__new__(kind))[0] >= 500


def raised() -> list[tuple[str, ast.Call]]:
    """Every refusal in the source, with its place."""
    kinds, found = refusing(), []
    names = {kind.__name__ for kind in kinds}
    for folder in ("cti", "service_desk", "agent_console"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            place = str(file.relative_to(ROOT))
            if "node_modules" in file.parts or place in ON_THE_COMMAND_LINE:
                continue
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and called(node) in names:
                    module = importlib.import_module(place.removesuffix(".py").replace("/", "."))
                    if attrgetter(ast.unparse(node.func))(module) in kinds:
                        found.append((f"{place}:{node.lineno}", node))
    return found


def called(node: ast.Call) -> str:
    name = node.func
    return name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")


CONSTANTS = {
    "GONE": ("cti.commands", "GONE"),
    "NO_TELEPHONE": ("cti.dialling", "NO_TELEPHONE"),
    "NO_BRIDGE": ("cti.bus", "NO_BRIDGE"),
    "NO_ANSWER": ("cti.bus", "NO_ANSWER"),
    "FAILED": ("cti.bus", "FAILED"),
}


def texts(node: ast.Call) -> list[str]:
    """What this refusal says; nothing where the class alone says it."""
    given = {each.arg: each.value for each in node.keywords}
    at = 1 if called(node) == "BadValue" else 0
    said = given.get("reason") or (node.args[at] if len(node.args) > at else None)
    if isinstance(said, ast.Call) and called(said) == "N_":
        said = said.args[0]
    if said is None or ast.unparse(said) in HANDED_ON:
        return []
    if isinstance(said, ast.Call) and ast.unparse(said).startswith("WORDS.get("):
        return [*commands.WORDS.values(), commands.OTHERWISE]
    if isinstance(said, ast.Subscript) and ast.unparse(said).startswith("MEANINGS["):
        return list(commands.MEANINGS.values())
    if isinstance(said, ast.Name):
        module, name = CONSTANTS[said.id]
        return [getattr(importlib.import_module(module), name)]
    assert isinstance(said, ast.Constant), f"not a fixed text: {ast.unparse(said)}"
    return [str(said.value)]


def is_of_the_settings(node: ast.Call) -> bool:
    """Said at the start, to whoever wrote the settings file, in English like the program."""
    field = node.args[0] if node.args else None
    return isinstance(field, ast.Constant) and str(field.value).startswith("database.")


def test_every_refusal_has_its_words_in_chinese() -> None:
    found = raised()
    assert len(found) > 70
    said = {text for _, node in found if not is_of_the_settings(node) for text in texts(node)}
    assert len(said) > 40
    assert [text for text in sorted(said) if text and ZH.say(text) == text] == []
    for text in said:
        assert sorted(HOLES.findall(ZH.say(text))) == sorted(HOLES.findall(text))


def test_every_hole_is_filled() -> None:
    """A value is given for each hole where the text stands: else saying it would break."""
    for place, node in raised():
        given = {each.arg for each in node.keywords}
        for each in node.keywords:
            if each.arg == "values" and isinstance(each.value, ast.Dict):
                given |= {key.value for key in each.value.keys if isinstance(key, ast.Constant)}
        for text in texts(node):
            assert {hole[1:-1] for hole in HOLES.findall(text)} <= given, place


@pytest.mark.parametrize(
    ("error", "english", "chinese"),
    [
        (
            BadValue(
                "subject", "is too long: {length} characters, at most {most}", length=9, most=8
            ),
            "subject: is too long: 9 characters, at most 8",
            "主题：太长：9 个字符，最多 8 个",
        ),
        (
            IllegalMove(
                "a case that is {before} cannot become {status}",
                before="resolved",
                status="waiting",
            ),
            "a case that is resolved cannot become waiting",
            "“已解决”的工单不能改为“等待中”",
        ),
        (BadRequest("is missing", field="due"), "due: is missing", "期限：缺少内容"),
        (
            Conflict("the name {name} is taken", name="{x}"),
            "the name {x} is taken",
            "名称 {x} 已被使用",
        ),
        (
            console.Refused("The settings keep you in {queue} for good.", queue="Sales"),
            "The settings keep you in Sales for good.",
            "根据设置，您始终属于队列“Sales”，无法退出。",
        ),
        (NotAllowed("board.see"), "This needs the right board.see.", "需要权限 board.see。"),
        (DatabaseAway("the database does not answer: {oh"), "", ""),
        (ZeroDivisionError("ours"), "", ""),
    ],
)
def test_a_refusal_is_said_with_its_values(error: Exception, english: str, chinese: str) -> None:
    assert in_words(error, EN) == english
    assert in_words(error, ZH) == chinese


def test_a_reply_of_the_bridge_is_a_line_and_can_be_said_otherwise() -> None:
    """Also the reply of another version, whose reason is a finished sentence."""
    refused = CommandRefused(
        reason="There is no agent {agent} in the settings.", values={"agent": "x"}
    )
    assert str(refused) == "There is no agent x in the settings."
    assert filled(refused.reason, refused.values, ZH) == "设置中没有坐席 x。"
    old = msgspec.json.decode(
        b'{"reply": "CommandRefused", "reason": "No {x}."}', type=CommandRefused
    )
    assert str(old) == filled(old.reason, old.values, EN) == "No {x}."


def test_what_does_not_fit_a_command_is_told_by_its_field() -> None:
    with pytest.raises(msgspec.ValidationError) as raised_by:
        msgspec.json.decode(b'{"case_id": 1, "subject": ""}', type=schemas.Subject)
    assert in_words(raised_by.value, ZH) == "主题：内容不符合要求"
    assert "subject" in in_words(raised_by.value, EN)
    with pytest.raises(msgspec.DecodeError) as broken:
        msgspec.json.decode(b"{", type=schemas.Subject)
    assert in_words(broken.value, ZH) == ""  # then the title says it


def test_every_class_that_is_shown_is_looked_at() -> None:
    """The walk above stands on these."""
    assert {BadValue, IllegalMove, desk.CaseNotFound, BadRequest, switchboard.Refused} <= refusing()
    assert {DatabaseAway, desk.SchemaTooOld}.isdisjoint(refusing())

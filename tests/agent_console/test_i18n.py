"""Two languages, one catalogue: complete, with the same holes, and chosen as people expect."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from agent_console.i18n import LOCALE, SCRIPTS, choose, load
from service_desk.queries import words as story

HOLES = re.compile(r"%\(\w+\)s|%%|\{\w+\}")
ROOT = Path(__file__).parents[2]


def used() -> set[str]:
    """Every text the code and the templates say."""
    with (LOCALE / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
    found = set()
    for folder in ("agent_console",):
        inside = [(pattern.removeprefix(f"{folder}/"), way) for pattern, way in methods]
        renamed = {pattern.removeprefix(f"{folder}/"): value for pattern, value in options.items()}
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, inside, renamed, keywords=keywords, directory_filter=of_ours
        ):
            found.add(one(message))
    return found


def of_ours(folder: object) -> bool:
    return "node_modules" not in str(folder)


def one(text: str | tuple[str, ...] | list[str]) -> str:
    """The first form of a text that may have several."""
    return text if isinstance(text, str) else text[0]


def written() -> dict[str, str]:
    """The server's own file: text -> Chinese, the first form where there are several."""
    with (LOCALE / "zh_CN/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    return {one(m.id): one(m.string) for m in catalogue if m.id}


def test_a_text_has_its_chinese_in_one_place() -> None:
    """What scripts and pages both say stands in the scripts' file; so no word is said two ways."""
    scripts = json.loads((SCRIPTS / "messages.zh.json").read_text())
    assert len(scripts) > 200
    assert [text for text, chinese in written().items() if chinese and text in scripts] == []
    assert load("zh").say("On hold") == scripts["On hold"]


def test_a_text_and_the_same_in_small_letters_are_one_in_chinese() -> None:
    said: dict[str, set[str]] = {}
    for english, chinese in load("zh").catalogue.items():
        said.setdefault(english.lower(), set()).add(chinese)
    assert {english: both for english, both in said.items() if len(both) > 1} == {}


def test_a_line_of_a_story_says_a_code_as_the_pages_do() -> None:
    pages = {english.lower(): said for english, said in load("zh").catalogue.items()}
    for code, chinese in story._CODES_ZH.items():
        english = story._CODES_EN.get(code, code.replace("_", " ")).lower()
        assert pages.get(english, chinese) == chinese, code


def test_everything_that_is_said_is_said_in_chinese_too() -> None:
    known = written() | load("zh").catalogue
    texts = used()
    assert len(texts) > 150
    assert texts - set(known) == set()
    assert [text for text in texts if not known[text]] == []


def test_translations_have_the_same_holes() -> None:
    for english, chinese in load("zh").catalogue.items():
        ours, theirs = sorted(HOLES.findall(english)), sorted(HOLES.findall(chinese))
        # "One person", "{n} people": Chinese has one form, kept under the first, with the number.
        assert theirs in (ours, sorted([*ours, "{n}"])), english


def test_what_has_no_translation_is_said_in_english() -> None:
    assert load("zh").say("no such text") == "no such text"
    assert load("en").say("Cases") == "Cases"
    assert load("zh").say("Cases") == "工单"


@pytest.mark.parametrize(
    ("wanted", "accept", "chosen"),
    [
        ("zh", "en", "zh"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "fr,en-GB;q=0.5", "en"),
        ("fr", "", "en"),
        (None, ",;q=", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_browsers(
    wanted: str | None, accept: str, chosen: str
) -> None:
    assert choose(wanted, accept, ("en", "zh")) == chosen

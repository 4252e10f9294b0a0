"""Two languages, one catalogue: complete, with the same holes, and chosen as people expect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from agent_console.i18n import LOCALE, choose, load

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
        keep = lambda name: "node_modules" not in str(name)  # noqa: E731
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, inside, renamed, keywords=keywords, directory_filter=keep
        ):
            found.add(message if isinstance(message, str) else message[0])
    return found


def test_everything_that_is_said_is_said_in_chinese_too() -> None:
    with (LOCALE / "zh_CN/LC_MESSAGES/messages.po").open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    known = {m.id if isinstance(m.id, str) else m.id[0]: m.string for m in catalogue if m.id}
    texts = used()
    assert len(texts) > 150
    assert texts - set(known) == set()
    assert [text for text in texts if not known[text]] == []


def test_translations_have_the_same_holes() -> None:
    for english, chinese in load("zh").catalogue.items():
        assert sorted(HOLES.findall(english)) == sorted(HOLES.findall(chinese)), english


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

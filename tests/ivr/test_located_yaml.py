"""Mistakes in a YAML file are told with file and line; what could hurt is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.located_convert import convert_located, msgspec_error_line
from ivr.located_yaml import (
    MAX_BYTES,
    MAX_DEPTH,
    Located,
    LocatedError,
    load_located,
    parse_located,
    paths_below,
)


def parse(text: str) -> Located:
    return parse_located(text.encode(), "f.yaml")


def refusal(text: str | bytes) -> str:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(LocatedError) as caught:
        parse_located(raw, "f.yaml")
    said = str(caught.value)
    assert "\n" not in said
    return said


def test_every_key_and_item_has_its_line() -> None:
    found = parse("a: 1\nb:\n  c:\n    - x\n    - {y: 2}\n")
    assert found.data == {"a": 1, "b": {"c": ["x", {"y": 2}]}}
    assert found.line(("a",)) == 1
    assert found.line(("b", "c")) == 3
    assert found.line(("b", "c", 1)) == 5
    assert found.line(("b", "c", 1, "y")) == 5
    assert list(paths_below(found, ())) == [("a",), ("b",)]


def test_a_missing_path_has_the_line_of_its_nearest_parent() -> None:
    assert parse("a: 1\nb:\n  c: 2\n").line(("b", "nothing", 7)) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("18:00", "18:00"),
        ("08:30", "08:30"),
        ("no", "no"),
        ("2026-12-24", "2026-12-24"),
        ("0800", "0800"),
        ("true", True),
        ("-12", -12),
        ("1.5", 1.5),
        ("~", None),
        ("'true'", "true"),
    ],
)
def test_plain_words_mean_what_they_look_like(text: str, value: object) -> None:
    found = parse(f"key: {text}").data["key"]
    assert found == value
    assert type(found) is type(value)


def test_keys_are_text_as_written() -> None:
    assert parse("1: a\n2000: b\nno: c\n").data == {"1": "a", "2000": "b", "no": "c"}


def test_a_duplicate_key_is_refused_with_both_lines() -> None:
    said = refusal("a:\n  x: 1\n  y: 2\n  x: 3\n")
    assert said == "f.yaml:4: a.x: said twice (first on line 2)"


@pytest.mark.parametrize("text", ["a: &x 1\n", "a: 1\nb: *x\n", "a: &x [1]\nb: [*x, *x]\n"])
def test_anchors_and_aliases_are_refused(text: str) -> None:
    assert "anchors and aliases" in refusal(text)


@pytest.mark.parametrize(
    "text", ["a: !!python/object:os.system x", "a: !x {b: 1}", "a: !y [1]", "a: !!int x", "a: !x y"]
)
def test_tags_are_refused(text: str) -> None:
    assert refusal(text).startswith("f.yaml:1: ")


def test_bombs_are_refused_quickly() -> None:
    assert "larger than" in refusal(b"a" * (MAX_BYTES + 1))
    assert "nested deeper" in refusal("[" * (MAX_DEPTH + 1))
    assert "nested deeper" in refusal("[" * 400_000)
    assert "more than" in refusal("[" + "a," * 150_000 + "]")


def test_bad_bytes_and_bad_yaml_name_their_line() -> None:
    assert refusal(b"a: 1\nb: \xff\n") == "f.yaml:2: not UTF-8"
    assert refusal(b"a: 1\nb: \x07\n") == "f.yaml:2: a character that YAML does not allow"
    assert refusal("a: 1\nb: [1, 2\nc: 3\n").startswith("f.yaml:3: not YAML")
    assert refusal("? [a]\n: 1\n") == "f.yaml:1: a key must be plain text"
    assert refusal("a: 1\n---\nb: 2\n").startswith("f.yaml:2: not YAML")


def test_an_empty_file_is_none() -> None:
    assert parse("").data is None
    assert parse("").line(("x",)) == 1


def test_a_missing_file_is_one_line_without_a_number(tmp_path: Path) -> None:
    with pytest.raises(LocatedError) as caught:
        load_located(tmp_path / "no.yaml")
    assert str(caught.value) == f"{tmp_path / 'no.yaml'}: No such file or directory"


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("company: 公司\n", encoding="utf-8")
    assert load_located(tmp_path / "f.yaml").data == {"company": "公司"}


@given(st.binary(max_size=300))
def test_any_bytes_load_or_are_refused_in_one_line(raw: bytes) -> None:
    said = "f.yaml"
    try:
        parse_located(raw, "f.yaml")
    except LocatedError as error:
        said = str(error)
    assert said.startswith("f.yaml")
    assert "\n" not in said


class Queue(msgspec.Struct, forbid_unknown_fields=True):
    strategy: Literal["ringall", "rrmemory"] = "ringall"
    threshold: int = 20


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    queues: dict[str, Queue]
    names: list[str] = []


def complaint(text: str) -> str:
    with pytest.raises(LocatedError) as caught:
        convert_located(parse(text), Settings)
    return str(caught.value)


def test_the_key_that_msgspec_leaves_out_is_found() -> None:
    text = "queues:\n  sales:\n    threshold: 10\n  support:\n    strategy: random\n"
    assert complaint(text) == (
        "f.yaml:5: queues.support.strategy: Invalid enum value 'random'; allowed: ringall, rrmemory"
    )


def test_an_unknown_key_is_named_with_what_is_allowed() -> None:
    text = "queues:\n  sales:\n    threshold: 10\n    treshold: 11\n"
    assert complaint(text) == (
        "f.yaml:4: queues.sales.treshold: Object contains unknown field `treshold`;"
        " allowed: strategy, threshold"
    )


def test_a_list_item_and_a_missing_key_have_lines() -> None:
    assert complaint("queues: {}\nnames:\n  - a\n  - 2\n") == (
        "f.yaml:4: names.1: Expected `str`, got `int`"
    )
    assert complaint("names: [a]\n") == "f.yaml:1: Object missing required field `queues`"


def test_two_wrong_keys_name_the_first() -> None:
    text = "queues:\n  a: {threshold: x}\n  b: {threshold: y}\n"
    assert complaint(text) == "f.yaml:2: queues.a.threshold: Expected `int`, got `str`"


def test_an_error_line_is_given_by_itself() -> None:
    located = parse("queues:\n  a: {}\n  b:\n    threshold: y\n")
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(located.data, Settings)
    assert msgspec_error_line(located, Settings, caught.value) == (
        ("queues", "b", "threshold"),
        4,
    )


def test_good_data_is_converted() -> None:
    good = convert_located(parse("queues: {support: {strategy: rrmemory}}\n"), Settings)
    assert good.queues["support"].strategy == "rrmemory"

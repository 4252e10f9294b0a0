"""YAML that remembers where each key stands, so that a mistake is told with file and line.

Strict on purpose: files are written by people, and every silent guess becomes a support call.
Refused: duplicate keys, anchors and aliases (and with them alias bombs), explicit tags, files that
are too large, too deep or no UTF-8. Values follow YAML 1.2's core schema, not 1.1: `18:00`, `no`
and `2026-12-24` stay text, and so do numbers with a leading zero (`0800`). Keys are always text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct

MAX_BYTES: Final = 1_000_000
MAX_DEPTH: Final = 40
MAX_NODES: Final = 100_000

PathKey = str | int
PathTuple = tuple[PathKey, ...]


class LocatedError(Exception):
    """One mistake in one file. `line` counts from 1; 0 when no line can be named."""

    def __init__(self, file: str, line: int, where: str, message: str) -> None:
        super().__init__(file, line, where, message)
        self.file = file
        self.line = line
        self.where = where
        self.message = message

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        parts = [place, self.where, self.message] if self.where else [place, self.message]
        return " ".join(": ".join(parts).split())  # one line, whatever came in


class Located(Struct, frozen=True, kw_only=True):
    """What a file said (`data`: dicts, lists and scalars) and the line of every part of it."""

    file: str
    data: Any
    lines: dict[PathTuple, int]

    def line(self, path: PathTuple = ()) -> int:
        """The line of a key or list item; of its nearest parent that exists otherwise."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, path: PathTuple, message: str, where: str | None = None) -> LocatedError:
        """An error at `path`; `where` is the dotted path unless said otherwise."""
        dotted = ".".join(str(part) for part in path)
        return LocatedError(self.file, self.line(path), dotted if where is None else where, message)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's idea of what a plain word means."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", ["t", "f"]),
    ("int", r"^[-+]?(?:0|[1-9][0-9]{0,18})$", list("-+0123456789")),
    ("float", r"^[-+]?(?:0|[1-9][0-9]*)\.[0-9]+$", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)

_SCALARS: Final = {
    f"tag:yaml.org,2002:{name}": convert
    for name, convert in (
        ("null", lambda _: None),
        ("bool", lambda text: text == "true"),
        ("int", int),
        ("float", float),
        ("str", str),
    )
}


def load_located(path: str | Path) -> Located:
    """Read one file. Raises LocatedError for a file that is missing, unreadable or no good YAML."""
    file = str(path)
    try:
        with Path(path).open("rb") as handle:
            raw = handle.read(MAX_BYTES + 1)
    except OSError as why:
        raise LocatedError(file, 0, "", why.strerror or "cannot be read") from None
    return parse_located(raw, file)


def parse_located(raw: bytes, file: str) -> Located:
    """The same for bytes that are already here; `file` is only for messages."""
    if len(raw) > MAX_BYTES:
        raise LocatedError(file, 0, "", f"larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        line = raw.count(b"\n", 0, why.start) + 1
        raise LocatedError(file, line, "", "not UTF-8") from None
    try:
        _check_events(text, file)
        root = yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as why:
        mark = why.problem_mark or why.context_mark
        line = mark.line + 1 if mark else 0
        raise LocatedError(file, line, "", f"not YAML: {why.problem or why.context}") from None
    except yaml.reader.ReaderError as why:
        line = text.count("\n", 0, why.position) + 1
        raise LocatedError(file, line, "", "a character that YAML does not allow") from None
    lines: dict[PathTuple, int] = {(): root.start_mark.line + 1 if root else 1}
    data = None if root is None else _build(root, (), lines, file)
    return Located(file=file, data=data, lines=lines)


def _check_events(text: str, file: str) -> None:
    """Refuse what would hurt before a tree is built: aliases, depth, number of nodes."""
    depth = nodes = 0
    for event in yaml.parse(text, _Loader):
        mark = event.start_mark
        line = mark.line + 1 if mark else 0
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise LocatedError(file, line, "", "anchors and aliases (& and *) are not allowed")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH:
            raise LocatedError(file, line, "", f"nested deeper than {MAX_DEPTH} levels")
        if nodes > MAX_NODES:
            raise LocatedError(file, line, "", f"more than {MAX_NODES} values")


def _build(node: yaml.Node, path: PathTuple, lines: dict[PathTuple, int], file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        _core_tag(node, "map", file)
        return _build_mapping(node, path, lines, file)
    if isinstance(node, yaml.SequenceNode):
        _core_tag(node, "seq", file)
        items = []
        for index, item in enumerate(node.value):
            lines[(*path, index)] = item.start_mark.line + 1
            items.append(_build(item, (*path, index), lines, file))
        return items
    convert = _SCALARS.get(node.tag)
    if convert is None:
        raise LocatedError(file, node.start_mark.line + 1, "", f"tags ({node.tag}) are not allowed")
    try:
        return convert(node.value)
    except ValueError:  # an explicit tag that does not fit, such as `!!int x`
        line = node.start_mark.line + 1
        raise LocatedError(file, line, "", f"not a value of {node.tag}") from None


def _build_mapping(
    node: yaml.MappingNode, path: PathTuple, lines: dict[PathTuple, int], file: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise LocatedError(file, line, _dotted(path), "a key must be plain text")
        key = key_node.value
        below = (*path, key)
        if key in found:
            first = lines[below]
            raise LocatedError(file, line, _dotted(below), f"said twice (first on line {first})")
        lines[below] = line
        found[key] = _build(value_node, below, lines, file)
    return found


def _core_tag(node: yaml.CollectionNode, kind: str, file: str) -> None:
    if node.tag != f"tag:yaml.org,2002:{kind}":
        line = node.start_mark.line + 1
        raise LocatedError(file, line, "", f"tags ({node.tag}) are not allowed")


def _dotted(path: PathTuple) -> str:
    return ".".join(str(part) for part in path)


def paths_below(located: Located, path: PathTuple) -> Iterator[PathTuple]:
    """Every path one level below `path`, in the order of the file."""
    deep = len(path) + 1
    return (each for each in located.lines if len(each) == deep and each[:-1] == path)

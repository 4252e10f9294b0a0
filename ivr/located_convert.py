"""msgspec's validation with our lines: which key of which file is wrong, and what is allowed.

msgspec names the place as `$.queues[...].strategy`: it does not say *which* key of a dict. The key
is found by validating again with one key of that dict at a time.
"""

from __future__ import annotations

import copy
import re
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from ivr.located_yaml import Located, LocatedError, PathTuple

T = TypeVar("T")

_PLACE: Final = re.compile(
    r"^(?P<what>.*?)(?: - at (?:`key` in )?`\$(?P<path>[^`]*)`)?$", re.DOTALL
)
_STEP: Final = re.compile(r"\.(?P<name>[^.\[]+)|\[(?P<index>[0-9]+)\]|\[\.\.\.\]")
_FIELD: Final = re.compile(r"(?:unknown|required) field `(?P<name>[^`]*)`")
ANY_KEY: Final = "..."


def convert_located(located: Located, kind: type[T], *, strict: bool = True) -> T:
    """`located.data` as `kind`. Raises LocatedError with file, line, key and what is allowed."""
    try:
        return msgspec.convert(located.data, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise msgspec_error(located, kind, error, strict=strict) from None


def msgspec_error_line(
    located: Located, kind: Any, error: msgspec.ValidationError, *, strict: bool = True
) -> tuple[PathTuple, int]:
    """The path that a validation error means (dict keys filled in) and its line."""
    path = _exact_path(located, kind, str(error), strict=strict)
    field = _FIELD.search(str(error))
    if field and "unknown" in field[0]:
        path = (*path, field["name"])
    return path, located.line(path)


def msgspec_error(
    located: Located, kind: Any, error: msgspec.ValidationError, *, strict: bool = True
) -> LocatedError:
    """A validation error as one line a person can act on."""
    what = _split(str(error))[0]
    exact = _exact_path(located, kind, str(error), strict=strict)
    path, line = msgspec_error_line(located, kind, error, strict=strict)
    allowed = _allowed(kind, exact, what)
    message = f"{what}; allowed: {allowed}" if allowed else what
    return LocatedError(located.file, line, ".".join(str(part) for part in path), message)


def _split(text: str) -> tuple[str, PathTuple]:
    match = _PLACE.match(text)
    if match is None:  # cannot be: the pattern takes anything
        return text, ()
    steps: list[str | int] = []
    for step in _STEP.finditer(match["path"] or ""):
        if step["name"] is not None:
            steps.append(step["name"])
        else:
            steps.append(ANY_KEY if step["index"] is None else int(step["index"]))
    return match["what"], tuple(steps)


def _exact_path(located: Located, kind: Any, text: str, *, strict: bool) -> PathTuple:
    """Fill in the keys that msgspec left out, one dict after the other."""
    path: list[str | int] = []
    data = located.data
    for step in _split(text)[1]:
        if step != ANY_KEY:
            path.append(step)
            continue
        data = copy.deepcopy(data)
        holder = _dig(data, tuple(path))
        if not isinstance(holder, dict):
            return tuple(path)
        everything = dict(holder)
        for key, value in everything.items():
            holder.clear()
            holder[key] = value
            if _complaint(data, kind, strict=strict) == text:
                path.append(key)
                break
        else:  # only wrong together, or a mistake that hides another: the dict itself is named
            return tuple(path)
    return tuple(path)


def _complaint(data: Any, kind: Any, *, strict: bool) -> str:
    try:
        msgspec.convert(data, kind, strict=strict)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _dig(data: Any, path: PathTuple) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _allowed(kind: Any, path: PathTuple, what: str) -> str:
    """What may stand at `path`: the choices, or the keys of an object; '' if nothing to add."""
    found = _type_at(inspect.type_info(kind), path)
    if "enum value" in what:
        choices = [choice for each in found for choice in _choices(each)]
        return ", ".join(str(choice) for choice in choices)
    if "unknown field" in what:
        return ", ".join(field.encode_name for each in found for field in _fields(each))
    return ""


def _choices(kind: inspect.Type) -> list[Any]:
    if isinstance(kind, inspect.LiteralType):
        return list(kind.values)
    if isinstance(kind, inspect.EnumType):
        return [member.value for member in kind.cls]
    return []


def _fields(kind: inspect.Type) -> tuple[inspect.Field, ...]:
    return tuple(kind.fields) if isinstance(kind, inspect.StructType) else ()


def _type_at(kind: inspect.Type, path: PathTuple) -> list[inspect.Type]:
    """Every type that may stand at `path`, unions opened."""
    if isinstance(kind, inspect.UnionType):
        return [found for each in kind.types for found in _type_at(each, path)]
    if isinstance(kind, inspect.Metadata):
        return _type_at(kind.type, path)
    if not path:
        return [kind]
    below: list[inspect.Type] = []
    if isinstance(kind, inspect.StructType):
        below = [field.type for field in kind.fields if field.encode_name == path[0]]
    elif isinstance(kind, inspect.DictType):
        below = [kind.value_type]
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType | inspect.SetType):
        below = [kind.item_type]
    return [found for each in below for found in _type_at(each, path[1:])]

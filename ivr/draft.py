"""One flow file, read and checked by itself; `ivr/loader.py` puts the files together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from ivr.flow import Reason
from ivr.located_convert import convert_located
from ivr.located_yaml import Located, LocatedError, PathTuple, load_located
from ivr.nodes import KINDS
from ivr.nodes.base import About, Name, Node
from ivr.spoken import DIGITS, PLACEHOLDERS, STATUSES, strange_places, weight
from ivr.turn import UNSAID

MAX_WEIGHT: Final = 600  # of a prompt's text, see ivr.spoken.weight: some 40 seconds
LANGUAGES: Final = ("en", "zh")  # for which there are voices


class _FlowFile(Struct, forbid_unknown_fields=True):
    """The keys of a flow file."""

    start: Name
    languages: Annotated[list[Literal["en", "zh"]], Meta(min_length=1)]
    nodes: Annotated[dict[Name, dict[str, Any]], Meta(min_length=1, max_length=300)]
    prompts: dict[Name, dict[str, str]] = field(default_factory=dict)
    after: dict[Reason, Name] = field(default_factory=dict)
    description: str = ""


class Draft(Struct, frozen=True, kw_only=True):
    """A flow file that may still be wrong: see `errors`."""

    name: str
    located: Located
    start: str
    languages: tuple[str, ...]
    after: dict[str, str]
    nodes: dict[str, Node]
    errors: list[LocatedError]

    def error(self, node: str, place: PathTuple, message: str) -> LocatedError:
        """An error of one node."""
        path = ("nodes", node, *place)
        return self.located.error(path, message, f'node "{node}"')


def read_draft(path: Path, queues: frozenset[str] | None) -> Draft:
    """Read and check one file. Raises LocatedError when it cannot be read as a flow at all."""
    located = load_located(path)
    top = convert_located(located, _FlowFile)
    errors = list(_flow_name(path))
    about = About(languages=tuple(top.languages), queues=queues)
    for name, texts in top.prompts.items():
        errors += _text_errors(located, ("prompts", name), f'prompt "{name}"', texts, about)
    nodes: dict[str, Node] = {}
    for name, data in top.nodes.items():
        try:
            nodes[name] = _read_node(located, path.stem, name, data, top.prompts)
        except LocatedError as error:
            errors.append(error)
    draft = Draft(
        name=path.stem,
        located=located,
        start=top.start,
        languages=tuple(top.languages),
        after={str(reason): target for reason, target in top.after.items()},
        nodes=nodes,
        errors=errors,
    )
    errors += _node_errors(draft, about, set(top.nodes), set(top.prompts))
    for place, target in (("start", top.start), *((f"after.{r}", t) for r, t in top.after.items())):
        if target not in top.nodes:
            errors.append(located.error(tuple(place.split(".")), f'unknown node "{target}"', place))
    return draft


def _flow_name(path: Path) -> Iterator[LocatedError]:
    stem = path.stem
    if not (stem.isascii() and stem.replace("-", "").replace("_", "").isalnum()):
        yield LocatedError(str(path), 0, "", "a flow's file name is made of a-z, 0-9, - and _")


def _read_node(
    located: Located, flow: str, name: str, data: dict[str, Any], shared: dict[str, dict[str, str]]
) -> Node:
    where, path = f'node "{name}"', ("nodes", name)
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        said = f'unknown kind "{data["kind"]}"' if "kind" in data else "no kind"
        message = f"{said} (allowed: {', '.join(KINDS)})"
        raise located.error((*path, "kind"), message, where)
    whole = dict(data)
    for key in kind.spoken_by_default:
        if key not in whole and key in shared:
            whole[key] = key
    for key in kind.prompts:
        if key in whole:
            prompt = _prompt(located, (name, key), whole[key], shared)
            whole[key] = {"flow": flow, **prompt}
    below = {p[2:]: line for p, line in located.lines.items() if p[:2] == path}
    try:
        return convert_located(Located(file=located.file, data=whole, lines=below), kind)
    except LocatedError as error:
        message = f"{error.where}: {error.message}" if error.where else error.message
        raise LocatedError(error.file, error.line, where, message) from None


def _prompt(
    located: Located, at: tuple[str, str], said: Any, shared: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """A prompt's name and texts, whether it stands in the node itself or is named there."""
    node, key = at
    path, where = ("nodes", node, key), f'node "{node}"'
    if isinstance(said, str):
        if said not in shared:
            raise located.error(path, f'{key}: unknown prompt "{said}"', where)
        return {"name": said, "texts": shared[said]}
    if not isinstance(said, dict) or not all(isinstance(text, str) for text in said.values()):
        message = f"{key}: a text for each language, or the name of a prompt"
        raise located.error(path, message, where)
    own = node if key == "prompt" else f"{node}-{key}"
    if own in shared:
        message = f'{key}: would be recorded as "{own}", which is also one of the flow\'s prompts'
        raise located.error(path, message, where)
    return {"name": own, "texts": said}


def _node_errors(
    draft: Draft, about: About, names: set[str], shared: set[str]
) -> Iterator[LocatedError]:
    for name, node in draft.nodes.items():
        for key, prompt in node.all_prompts():
            if prompt.name in shared:
                continue  # checked once, where it stands
            path: PathTuple = ("nodes", name, *key)
            yield from _text_errors(draft.located, path, f'node "{name}"', prompt.texts, about)
        yield from _label_errors(draft, name, node)
        for place, message in node.mistakes(about):
            yield draft.error(name, place, message)
        for way in node.exits():
            if way.target not in names:
                yield draft.error(
                    name, way.key, f'{".".join(way.key)}: unknown node "{way.target}"'
                )
        after_call = getattr(node, "next", None)
        if node.kind == "call" and after_call not in names:
            yield draft.error(name, ("next",), f'next: unknown node "{after_call}"')


def _label_errors(draft: Draft, name: str, node: Node) -> Iterator[LocatedError]:
    if isinstance(node.label, str):
        return
    if not node.label:
        yield draft.error(name, ("label",), "no text in any language")
    for language, text in node.label.items():
        if not text.strip():
            yield draft.error(name, ("label", language), "the label has no text")
        elif text == UNSAID:
            message = f'a step that nobody needs is left out by `label: "{UNSAID}"` alone'
            yield draft.error(name, ("label", language), message)


def _text_errors(
    located: Located, path: PathTuple, where: str, texts: dict[str, str], about: About
) -> Iterator[LocatedError]:
    for language in about.languages:
        if language not in texts:
            yield located.error(path, f'the prompt has no text in "{language}"', where)
    for language, text in texts.items():
        place = (*path, language)
        if language not in about.languages:
            yield located.error(place, f'"{language}" is no language of this flow', where)
        elif not any(letter.isalnum() for letter in text):
            yield located.error(place, "nothing to say", where)
        elif weight(text) > MAX_WEIGHT:
            message = f"too long to listen to ({weight(text)}, at most {MAX_WEIGHT} letters;"
            yield located.error(place, f"{message} a Chinese character counts 3)", where)
        elif any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
            yield located.error(place, "control characters cannot be spoken", where)
        elif strange := strange_places(text):
            allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            yield located.error(place, f"{strange} cannot be said (allowed: {allowed})", where)
        elif "{" in text and not (DIGITS.get(language) and STATUSES.get(language)):
            yield located.error(place, f'no words for numbers in "{language}"', where)

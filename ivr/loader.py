"""Flow files to checked flows: `load_flows` for the menu, `check_flows` for the person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from ivr.checks import graph_errors
from ivr.draft import Draft, read_draft
from ivr.flow import Flow, Placed
from ivr.located_yaml import LocatedError
from ivr.nodes.base import Node
from ivr.nodes.call import Call
from ivr.nodes.goto import Goto

MAX_NODES: Final = 500  # after copying in what is called
MAX_CALLS_DEEP: Final = 5
MAX_FLOWS: Final = 200


class FlowErrors(Exception):
    """Flows that were refused; one line for each mistake."""

    def __init__(self, errors: Sequence[LocatedError]) -> None:
        super().__init__(errors)
        self.errors = list(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def load_flows(paths: Iterable[str | Path], queues: Iterable[str] | None = None) -> dict[str, Flow]:
    """Every flow of these files (or folders of `*.yaml`) by name. `queues`: those that exist, None
    to leave that unchecked. A flow replaces one of the same name in an earlier path, so that a
    company's own menu takes the place of a shipped one. Raises FlowErrors with everything."""
    flows, errors = _load(paths, queues)
    if errors:
        raise FlowErrors(errors)
    return flows


def check_flows(
    paths: Iterable[str | Path], queues: Iterable[str] | None = None
) -> list[LocatedError]:
    """Everything that is wrong with these flows, in the order of files and lines."""
    return _load(paths, queues)[1]


def _load(
    paths: Iterable[str | Path], queues: Iterable[str] | None
) -> tuple[dict[str, Flow], list[LocatedError]]:
    known = None if queues is None else frozenset(queues)
    drafts: dict[str, Draft] = {}
    errors: list[LocatedError] = []
    files = _files(paths, errors)
    for file in files:
        try:
            draft = read_draft(file, known)
        except LocatedError as error:
            errors.append(error)
            continue
        errors += draft.errors
        drafts[draft.name] = draft
    flows: dict[str, Flow] = {}
    for draft in drafts.values():
        if not draft.errors:
            try:
                flows[draft.name] = _link(draft, drafts, errors)
            except LocatedError as error:
                errors.append(error)
    unique = {str(error): error for error in errors}.values()
    return flows, sorted(unique, key=lambda error: (error.file, error.line))


def _files(paths: Iterable[str | Path], errors: list[LocatedError]) -> list[Path]:
    found: dict[str, Path] = {}
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(path.glob("*.yaml"))
            if not inside:
                errors.append(LocatedError(str(path), 0, "", "no flow (*.yaml) in this folder"))
        else:
            inside = [path]
        found |= {file.stem: file for file in inside}
    files = list(found.values())
    if len(files) > MAX_FLOWS:
        errors.append(LocatedError(str(files[MAX_FLOWS]), 0, "", f"more than {MAX_FLOWS} flows"))
    return files[:MAX_FLOWS]


def _link(draft: Draft, drafts: dict[str, Draft], errors: list[LocatedError]) -> Flow:
    nodes: dict[str, Placed] = {}
    origins: dict[str, tuple[Draft, str]] = {}
    _place(draft, drafts, nodes, origins, prefix="", back=None, above=())
    flow = Flow(
        name=draft.name,
        file=draft.located.file,
        start=draft.start,
        languages=draft.languages,
        nodes=nodes,
        after=draft.after,
    )
    errors += graph_errors(flow, draft, origins)
    return flow


def _place(
    draft: Draft,
    drafts: dict[str, Draft],
    nodes: dict[str, Placed],
    origins: dict[str, tuple[Draft, str]],
    *,
    prefix: str,
    back: str | None,
    above: tuple[str, ...],
) -> None:
    """Put a flow's nodes in, and those of the flows it calls. Raises LocatedError."""
    for name, node in draft.nodes.items():
        full = prefix + name
        label, label_zh = _label(name, node)
        origins[full] = (draft, name)
        if not isinstance(node, Call):
            nodes[full] = Placed(
                node=node, label=label, label_zh=label_zh, prefix=prefix, back=back
            )
        else:
            called = _called(draft, drafts, name, node, (*above, draft.name))
            enter = Goto(kind="goto", to=f"{name}/{called.start}")
            nodes[full] = Placed(
                node=enter, label=label, label_zh=label_zh, prefix=prefix, back=back
            )
            _place(
                called,
                drafts,
                nodes,
                origins,
                prefix=f"{full}/",
                back=prefix + node.next,
                above=(*above, draft.name),
            )
        if len(nodes) > MAX_NODES:
            raise draft.error(name, (), f"more than {MAX_NODES} nodes with all called flows")


def _label(name: str, node: Node) -> tuple[str, str]:
    """What a step is called, and in Chinese where that is another word."""
    if isinstance(node.label, str):
        return node.label or name.replace("_", " ").replace("-", " "), ""
    en, zh = node.label.get("en", ""), node.label.get("zh", "")
    return en or zh, zh


def _called(
    draft: Draft, drafts: dict[str, Draft], name: str, node: Call, above: tuple[str, ...]
) -> Draft:
    called = drafts.get(node.flow)
    if called is None:
        known = ", ".join(sorted(drafts))
        raise draft.error(name, ("flow",), f'unknown flow "{node.flow}" (there are: {known})')
    if node.flow in above:
        way = " > ".join((*above, node.flow))
        raise draft.error(name, ("flow",), f"a flow cannot call itself ({way})")
    if len(above) > MAX_CALLS_DEEP:
        raise draft.error(name, ("flow",), f"calls deeper than {MAX_CALLS_DEEP} flows")
    if called.errors:
        raise draft.error(name, ("flow",), f'flow "{node.flow}" has errors of its own')
    missing = [each for each in draft.languages if each not in called.languages]
    if missing:
        raise draft.error(name, ("flow",), f'flow "{node.flow}" does not speak {missing[0]}')
    return called

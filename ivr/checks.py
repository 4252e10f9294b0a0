"""What can only be seen on the whole graph: circles, dead ends, nodes nobody comes to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ivr.flow import REASONS, Flow
from ivr.located_yaml import LocatedError
from ivr.nodes.back import Return
from ivr.nodes.hangup import Hangup
from ivr.nodes.queue import Queue

if TYPE_CHECKING:
    from ivr.draft import Draft

Origins = dict[str, "tuple[Draft, str]"]
Edges = dict[str, list[tuple[str, bool]]]


def graph_errors(flow: Flow, draft: Draft, origins: Origins) -> Iterator[LocatedError]:
    """Everything wrong with a linked flow whose single nodes are all right."""
    edges = _edges(flow)
    starts = [flow.start, *flow.after.values()]
    reached = _reach(edges, starts)
    for name in draft.nodes:
        if name not in reached:
            yield draft.error(name, (), "nothing leads to this node")
    ends = [name for name, placed in flow.nodes.items() if _ends(flow, name, placed.back)]
    ending = _reach(_reverse(edges), ends)
    for name in sorted(reached - ending):
        owner, own = origins[name]
        yield owner.error(own, (), "dead end: no way from here to a queue or a hang-up")
    circle = _silent_circle(edges)
    if circle:
        owner, own = origins[circle[0]]
        way = " > ".join(circle)
        yield owner.error(
            own, (), f"loop without input: a silent caller goes round for ever ({way})"
        )
    queues = [name for name, placed in flow.nodes.items() if isinstance(placed.node, Queue)]
    missing = [reason for reason in REASONS if reason not in flow.after]
    if queues and missing:
        owner, own = origins[queues[0]]
        message = f"the flow has a queue, so it must say where to go after: {', '.join(missing)}"
        yield owner.error(own, (), message)


def _ends(flow: Flow, name: str, back: str | None) -> bool:
    node = flow.nodes[name].node
    return isinstance(node, Queue | Hangup) or (isinstance(node, Return) and back is None)


def _edges(flow: Flow) -> Edges:
    """From each node to (next node, whether a silent caller may be sent there)."""
    edges: Edges = {}
    for name, placed in flow.nodes.items():
        ways = [(placed.full(way.target), way.silent) for way in placed.node.exits()]
        if isinstance(placed.node, Return) and placed.back is not None:
            ways.append((placed.back, True))
        edges[name] = ways
    return edges


def _reverse(edges: Edges) -> Edges:
    turned: Edges = {name: [] for name in edges}
    for name, ways in edges.items():
        for target, silent in ways:
            turned[target].append((name, silent))
    return turned


def _reach(edges: Edges, starts: list[str]) -> set[str]:
    seen = set(starts)
    todo = list(starts)
    while todo:
        for target, _ in edges[todo.pop()]:
            if target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


def _silent_circle(edges: Edges) -> list[str]:
    """The names along a circle that needs no key, or []. Depth first, without recursion."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        way: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                way.pop()
                done.add(name)
                continue
            if name in done:
                continue
            if name in way:
                return [*way[way.index(name) :], name]
            way.append(name)
            stack.append((name, True))
            stack.extend((target, False) for target, silent in edges[name] if silent)
    return []

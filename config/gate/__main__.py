"""`python -m config.gate FOLDER`: the gate of our own Asterisk, started by whoever owns that.

FOLDER holds its plan, and its process id while it listens (config/own_gate.py).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from config.cli import run
from config.gate.plan import PID, PLAN, Plan
from config.gate.run import run_gate
from config.health import PORT
from config.problems import one_line


def main(folder: Path) -> int:
    """Until a signal; 2 if it cannot listen."""
    plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    # The variable is meant for the process that started us.
    environment = {name: value for name, value in os.environ.items() if name != PORT}
    try:
        run(run_gate(plan, say=print, pid_file=folder / PID, environment=environment))
    except OSError as why:
        sys.stderr.write(f"ringdesk: the gate: {one_line(why)}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

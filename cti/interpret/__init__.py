"""AMI messages become facts: `Interpreter.feed`. `WANTED_EVENTS` is all it needs to see."""

from cti.interpret.interpreter import Interpreter
from cti.interpret.table import TABLE

# What is told about members and devices is for the bridge (cti/roster.py); it is rare.
WANTED_EVENTS = frozenset(TABLE) | {
    "PeerStatus",
    "QueueMemberAdded",
    "QueueMemberPause",
    "QueueMemberRemoved",
}

__all__ = ["WANTED_EVENTS", "Interpreter"]

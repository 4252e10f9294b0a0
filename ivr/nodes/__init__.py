"""The node kinds: one file each, and this table.

To add a kind: a file beside the others with a `Node` subclass, a line here, a test in
`tests/ivr/test_nodes.py`, and an example in `docs/flows.md` (a test checks that it is there).
"""

from __future__ import annotations

from typing import Final

from ivr.nodes.back import Return
from ivr.nodes.base import Node
from ivr.nodes.call import Call
from ivr.nodes.case_status import CaseStatus
from ivr.nodes.collect import Collect
from ivr.nodes.goto import Goto
from ivr.nodes.hangup import Hangup
from ivr.nodes.hours import Hours
from ivr.nodes.identify import IdentifyCaller
from ivr.nodes.language import Language
from ivr.nodes.menu import Menu
from ivr.nodes.message import Message
from ivr.nodes.queue import Queue
from ivr.nodes.say import Say

KINDS: Final[dict[str, type[Node]]] = {
    "say": Say,
    "menu": Menu,
    "language": Language,
    "hours": Hours,
    "identify": IdentifyCaller,
    "collect": Collect,
    "case_status": CaseStatus,
    "queue": Queue,
    "message": Message,
    "hangup": Hangup,
    "goto": Goto,
    "call": Call,
    "return": Return,
}

"""What both witnesses can know of a call, what was heard live (AMI) and what Asterisk wrote (CEL).

Whoever compares the two compares this: the one place that names what no record tells. It is stored
all the same, from whoever told it. (A queue that follows another with nothing between them is in
no record either; our dialplan always has something between.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Values = dict[str, Any]
# The manager's commands end a channel in the system's name; only live knows who asked for it.
BY_COMMAND = {"agent": "house", "system": "house"}
GAP = 0.1  # seconds between two parts of a leg's time that nobody sees


def shared(table: str, row: Values) -> Values:
    """A row of `table` by column name, without what no record tells."""
    leave_out = _LEAVE_OUT.get(table)
    return row if leave_out is None else leave_out(dict(row))


def _conversation(row: Values) -> Values:
    _hold_is_talk(row)
    row["ended_by"] = BY_COMMAND.get(row["ended_by"], row["ended_by"])
    return row


def _leg(row: Values) -> Values:
    _hold_is_talk(row)
    del row["wrapped_up"]  # our own, as the pause it is made of
    if row["party"] == "external":
        del row["address"]  # what was dialled to reach it
    if row["answered_at"] is None:
        del row["ended_by"]  # whether it rang until its caller gave up
    else:
        row["ended_by"] = BY_COMMAND.get(row["ended_by"], row["ended_by"])
    row["spans"] = _spans(row["spans"])
    return row


def _entry(row: Values) -> Values:
    data = dict(row["data"])
    if row["kind"] == "queued":
        del data["position"]
    if row["kind"] == "ended":
        del data["talked"]  # the conversation has it
        data["by"] = BY_COMMAND.get(data["by"], data["by"])
    row["data"] = data
    return row


def _hold_is_talk(row: Values) -> None:
    held = row.pop("held")
    if row["talked"] is not None:
        row["talked"] = round(row["talked"] + (held or 0.0), 3)


def _spans(spans: list[Any]) -> list[Any]:
    told: list[Any] = []
    for kind, begin, end in spans:
        if kind == "wrap_up":
            continue
        known = "talk" if kind == "hold" else kind
        if told and told[-1][0] == known and begin - told[-1][2] <= GAP:
            told[-1] = [known, told[-1][1], end]
        else:
            told.append([known, begin, end])
    return told


_LEAVE_OUT: dict[str, Callable[[Values], Values]] = {
    "conversation": _conversation,
    "leg": _leg,
    "case_entry": _entry,
}

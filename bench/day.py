"""A day's calls as both witnesses tell them: Asterisk's records (CEL) and its events (AMI).

Each is what Asterisk writes of a queued call that an agent answers (tests/recordings, `answered`):
16 records, two legs; as many calls go on at once as in a centre of a hundred agents. What both tell
of has one time in both, so that what is made of them can be compared to the last digit.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cti.ami.wire import Message, message
from cti.journal_records import VALUES

SYSTEM = "bench"
AGENTS = 100
EVERY = 0.864  # seconds between two calls: 100,000 a day
BEGIN = 1_795_000_000.0
EXTENSIONS = {f"agent{each}": str(1000 + each) for each in range(AGENTS)}

# Seconds after a call's beginning: the menu, eight seconds in the queue, a minute of talk.
ANSWERED, QUEUED, RINGS, TAKEN, OVER = 0.1, 10.0, 16.0, 18.0, 78.0


class Call:
    """Who is in the call of this number (counted from 0)."""

    def __init__(self, number: int) -> None:
        self.begin = BEGIN + number * EVERY
        self.agent = f"agent{number % AGENTS}"
        self.caller, self.answerer = f"{SYSTEM}-{number}.0", f"{SYSTEM}-{number}.1"
        self.names = {
            self.caller: f"PJSIP/carrier-{number:08x}",
            self.answerer: f"PJSIP/{self.agent}-{number:08x}",
        }
        self.numbers = {
            self.caller: f"+4930{20_000_000 + number % 50_000}",
            self.answerer: EXTENSIONS[self.agent],
        }
        self.bridge = f"b-{number}"
        day = datetime.fromtimestamp(self.begin + QUEUED, UTC)
        self.file = f"{day:%Y/%m/%d}/{self.caller}.wav"


def write(file: Path, calls: int) -> int:
    """The records of so many calls, in the order Asterisk would write them; how many lines."""
    lines = 0
    with file.open("wb") as out:
        for _, line in in_order(records(Call(number)) for number in range(calls)):
            out.write(line)
            lines += 1
    return lines


def events(calls: int) -> Iterator[Message]:
    """The events of so many calls, in the order Asterisk would send them."""
    return (each for _, each in in_order(told(Call(number)) for number in range(calls)))


def in_order(calls: Iterable[Iterator[tuple[float, Any]]]) -> Iterator[tuple[float, Any]]:
    """By time; each call begins later than the one before it."""
    waiting: list[tuple[float, int, Any]] = []
    place = 0
    for call in calls:
        each = list(call)
        while waiting and waiting[0][0] <= each[0][0]:
            at, _, what = heapq.heappop(waiting)
            yield at, what
        for at, what in each:
            heapq.heappush(waiting, (at, place, what))
            place += 1
    while waiting:
        at, _, what = heapq.heappop(waiting)
        yield at, what


def records(call: Call) -> Iterator[tuple[float, bytes]]:
    """What Asterisk writes down of one call."""
    caller, answerer = call.caller, call.answerer
    bridge = json.dumps({"bridge_id": call.bridge, "bridge_technology": "simple_bridge"})
    source = call.names[caller]
    end = json.dumps({"hangupcause": 16, "hangupsource": source, "dialstatus": "ANSWER"})
    queue = {"appname": "Queue", "appdata": "support,,,,600", "exten": "support"}
    recording = {
        "userdeftype": "ringdesk-recording",
        "eventextra": json.dumps({"extra": call.file}),
    }
    agents = {"appname": "AppQueue", "context": "ringdesk-agents"}
    story: list[tuple[float, str, str, dict[str, Any]]] = [
        (0.0, "CHAN_START", caller, {"exten": "1000", "context": "ringdesk-inbound"}),
        (ANSWERED, "ANSWER", caller, {"appname": "AGI", "exten": "s"}),
        (QUEUED, "ringdesk-recording", caller, recording),
        (QUEUED, "APP_START", caller, queue),
        (RINGS, "CHAN_START", answerer, {"exten": "s", "context": "ringdesk-agents"}),
        (TAKEN, "ANSWER", answerer, agents),
        (TAKEN, "BRIDGE_ENTER", answerer, agents | {"eventextra": bridge}),
        (TAKEN, "BRIDGE_ENTER", caller, queue | {"eventextra": bridge}),
        (OVER, "BRIDGE_EXIT", caller, queue | {"eventextra": bridge}),
        (OVER, "BRIDGE_EXIT", answerer, agents | {"eventextra": bridge}),
        (OVER, "HANGUP", answerer, agents | {"eventextra": end}),
        (OVER, "CHAN_END", answerer, agents),
        (OVER, "APP_END", caller, queue),
        (OVER, "HANGUP", caller, {"eventextra": end}),
        (OVER, "CHAN_END", caller, {}),
        (OVER, "LINKEDID_END", caller, {}),
    ]
    for after, kind, leg, more in story:
        record = {
            "system": SYSTEM,
            "eventtype": kind,
            "eventtime": f"{call.begin + after:.6f}",
            "uniqueid": leg,
            "linkedid": caller,
            "channame": call.names[leg],
            "context": "ringdesk-queue",
            "num": call.numbers[leg],
            "dnid": "1000",
        } | more
        values = (str(record.get(name, "")).replace('"', '""') for name in VALUES)
        yield call.begin + after, ('"' + '","'.join(values) + '"\n').encode()


def told(call: Call) -> Iterator[tuple[float, Message]]:
    """What Asterisk tells live of one call: the events that mean anything."""
    caller, answerer = call.caller, call.answerer
    queue = {"Queue": "support", "Position": "1"}
    rung = {
        f"Dest{name}": value
        for name, value in _channel(call, answerer, "ringdesk-agents", "s").items()
    }
    offer = queue | rung | {"MemberName": call.agent, "Interface": f"PJSIP/{call.agent}"}
    bridge = {"BridgeUniqueid": call.bridge, "BridgeTechnology": "simple_bridge"}
    cause = {"Cause": "16", "Cause-txt": "Normal Clearing"}
    story: list[tuple[float, str, str, dict[str, str]]] = [
        (0.0, "Newchannel", caller, {"Context": "ringdesk-inbound", "Exten": "1000"}),
        (QUEUED, "MixMonitorStart", caller, {}),
        (QUEUED, "QueueCallerJoin", caller, queue),
        (RINGS, "Newchannel", answerer, {"Context": "ringdesk-agents", "Exten": "s"}),
        (RINGS, "AgentCalled", caller, offer),
        (RINGS, "DialBegin", caller, rung),
        (TAKEN, "DialEnd", caller, rung | {"DialStatus": "ANSWER"}),
        (TAKEN, "QueueCallerLeave", caller, queue),
        (TAKEN, "AgentConnect", caller, offer),
        (TAKEN, "BridgeEnter", answerer, bridge),
        (TAKEN, "BridgeEnter", caller, bridge),
        (OVER, "HangupRequest", caller, {}),
        (OVER, "BridgeLeave", caller, bridge),
        (OVER, "SoftHangupRequest", caller, {"Cause": "16"}),
        (OVER, "BridgeLeave", answerer, bridge),
        (OVER, "Hangup", answerer, cause),
        (OVER, "Hangup", caller, cause),
    ]
    for after, name, leg, more in story:
        headers = {
            "Event": name,
            "Timestamp": f"{call.begin + after:.6f}",
            "SystemName": SYSTEM,
            **_channel(call, leg, "ringdesk-queue", "support"),
            **more,
        }
        yield call.begin + after, message(*headers.items())


def _channel(call: Call, leg: str, context: str, exten: str) -> dict[str, str]:
    return {
        "Channel": call.names[leg],
        "CallerIDNum": call.numbers[leg],
        "CallerIDName": "<unknown>",
        "Context": context,
        "Exten": exten,
        "Uniqueid": leg,
        "Linkedid": call.caller,
    }

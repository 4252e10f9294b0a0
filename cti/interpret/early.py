"""Channels that were told of before the first channel of their call: they wait for it a moment.

Asterisk itself tells of a call's first channel first. What lies between it and us may not (a proxy,
a queue of messages), and whoever is told of first would be taken for the caller.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cti.ami.wire import Message
from cti.conversation import Conversations

WAIT = timedelta(seconds=2)
NAMES = (("Uniqueid", "Linkedid"), ("DestUniqueid", "DestLinkedid"))
MOST = 2_000  # messages; more wait for nobody


class Early:
    """The messages of such channels, in the order in which they came."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}  # linkedid that is not known -> since when
        self._of: dict[str, str] = {}  # channel -> that linkedid
        self._messages: list[Message] = []

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._messages)

    def keeps(self, ids: Conversations, message: Message, now: datetime) -> bool:
        """Whether a message has to wait; then it is kept here. `now`: Asterisk's time of it."""
        waits = False
        for name, linked in NAMES:
            channel = message.get(name)
            if channel in self._of:
                waits = True
            elif channel and ids.find(channel) is None and len(self._messages) < MOST:
                linkedid = message.get(linked)
                if linkedid not in {"", channel} and ids.find(linkedid) is None:
                    self._of[channel] = linkedid
                    self._since.setdefault(linkedid, now)
                    waits = True
        if waits:
            self._messages.append(message)
        return waits

    def due(self, ids: Conversations, now: datetime) -> list[Message]:
        """Those whose first channel is known by now, or that have waited for long enough."""
        ready = {
            linkedid
            for linkedid, since in self._since.items()
            if ids.find(linkedid) is not None or abs(now - since) >= WAIT
        }
        if not ready:
            return []
        found, left = list[Message](), list[Message]()
        for message in self._messages:
            waits_for = {self._of.get(message.get(name)) for name, _ in NAMES} - {None}
            (found if waits_for <= ready else left).append(message)
        self._messages = left
        self._of = {channel: each for channel, each in self._of.items() if each not in ready}
        self._since = {each: at for each, at in self._since.items() if each not in ready}
        return found

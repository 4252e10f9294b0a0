"""A stand-in for the AMI link that behaves: members pause, join and leave as Asterisk tells it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from cti.ami.errors import AmiDown, AmiError, AmiRefused
from cti.ami.wire import Message, message


class FakeLink:
    """Give `up()` and `down()` yourself; `said` holds the actions in order."""

    def __init__(
        self,
        *,
        wanted: frozenset[str],
        on_event: Callable[[Message], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None],
    ) -> None:
        self.wanted = wanted
        self.tell = on_event
        self._on_up = on_up
        self._on_down = on_down
        self.boot = "2026-11-21 08:00:00"
        self.mark = "5eed00-ringdesk-1"
        self.refused = 0
        self.connected = False
        self.has_devices = True
        self.said: list[tuple[str, dict[str, str]]] = []
        self.headers: list[tuple[str, str]] = []  # of all actions, repeated ones too
        self.spoken = asyncio.Event()
        self.members: dict[tuple[str, str], dict[str, str]] = {}
        self.lists: dict[str, list[Message]] = {}
        self.meanwhile: list[Message] = []  # events that come during the lists
        self.slow: list[Message] | None = None  # a list: events gather there until `arrive()`
        self.fail: list[AmiError] = []  # what the next actions raise

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def up(self) -> None:
        self.connected = True
        await self._on_up()

    def down(self, why: str = "gone") -> None:
        self.connected = False
        self._on_down(why)

    async def listing(
        self,
        name: str,
        /,
        *,
        headers: Sequence[tuple[str, str]] = (),
        timeout: float = 15.0,
        **fields: str,
    ) -> list[Message]:
        for m in self.meanwhile:
            self.tell(m)
        self.meanwhile = []
        await asyncio.sleep(0)
        items = list(self.lists.get(name, []))
        if name == "QueueStatus":
            items += [message(("Event", "QueueMember"), *m.items()) for m in self.members.values()]
        return items

    async def action(
        self,
        name: str,
        /,
        *,
        headers: Sequence[tuple[str, str]] = (),
        timeout: float = 5.0,
        **fields: str,
    ) -> Message:
        self.headers += headers
        fields.update(headers)
        if not self.connected:
            raise AmiDown("not connected to Asterisk")
        self.said.append((name, fields))
        self.spoken.set()
        if self.fail:
            raise self.fail.pop(0)
        behaviour = getattr(self, f"_{name.lower()}", None)
        if behaviour is not None:
            behaviour(fields)
        return message(("Response", "Success"))

    def actions(self, name: str) -> list[dict[str, str]]:
        return [fields for said, fields in self.said if said == name]

    async def until_said(self, count: int) -> None:
        """Wait until that many actions were sent."""
        async with asyncio.timeout(5):
            while len(self.said) < count:
                self.spoken.clear()
                await self.spoken.wait()

    def _originate(self, f: dict[str, str]) -> None:
        """The device is rung, if there is one."""
        if self.has_devices:
            channel = f"{f['Channel']}-00000009"
            new = {"Uniqueid": f["ChannelId"], "Linkedid": f["ChannelId"], "Channel": channel}
            self.tell(message(("Event", "Newchannel"), *new.items(), ("Exten", "s")))

    def _queueadd(self, f: dict[str, str]) -> None:
        key = (f["Queue"], f["Interface"])
        if key in self.members:
            raise refused("Unable to add interface: Already there")
        self.members[key] = {
            "Queue": f["Queue"],
            "Name": f["MemberName"],
            "Location": f["Interface"],
            "Status": "1",
            "Paused": "1" if f.get("Paused") == "true" else "0",
            "PausedReason": f.get("Reason", ""),
            "LastPause": "0",
            "Penalty": f.get("Penalty", "0"),
        }
        self._told("QueueMemberAdded", key)

    def _queueremove(self, f: dict[str, str]) -> None:
        key = (f["Queue"], f["Interface"])
        if key not in self.members:
            raise refused("Unable to remove interface: Not there")
        self._told("QueueMemberRemoved", key)
        del self.members[key]

    def _queuepause(self, f: dict[str, str]) -> None:
        keys = [key for key in self.members if key[1] == f["Interface"]]
        if not keys:
            raise refused("Interface not found")
        for key in keys:
            self.members[key]["Paused"] = "1" if f["Paused"] == "true" else "0"
            self.members[key]["PausedReason"] = f.get("Reason", "")
            self._told("QueueMemberPause", key)

    def _queuepenalty(self, f: dict[str, str]) -> None:
        key = (f["Queue"], f["Interface"])
        if key not in self.members:
            raise refused("Invalid interface, queuename or penalty")
        self.members[key]["Penalty"] = f["Penalty"]

    def _told(self, event: str, key: tuple[str, str]) -> None:
        member = self.members[key]
        news = message(("Event", event), ("MemberName", member["Name"]), *member.items())
        if self.slow is None:
            self.tell(news)
        else:
            self.slow.append(news)

    def arrive(self) -> None:
        """The events that were on their way are here."""
        on_their_way, self.slow = self.slow or [], None
        for news in on_their_way:
            self.tell(news)


def refused(text: str) -> AmiRefused:
    return AmiRefused(message(("Response", "Error"), ("Message", text)))

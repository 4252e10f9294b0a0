"""The link as the bridge needs it, and what Asterisk lists over it of everything that is there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from msgspec import Struct

from cti.ami.errors import AmiRefused
from cti.ami.wire import Message
from cti.interpret.trace import VARIABLES, Trace, traces
from cti.switchboard import Ami

log = structlog.get_logger(__name__)

SECONDS = 15.0  # that Asterisk has for one list


class Link(Ami, Protocol):
    """What the bridge needs of `cti.ami.link.AmiLink`."""

    boot: str
    logins: int

    @property
    def refused(self) -> int:
        """Events so far that Asterisk did not write."""
        ...

    async def run(self) -> None:
        """Stay connected until cancelled."""
        ...

    async def listing(
        self,
        name: str,
        /,
        *,
        headers: Sequence[tuple[str, str]] = (),
        timeout: float = SECONDS,
        **fields: str,
    ) -> list[Message]:
        """The items of a list."""
        ...


class OpenLink(Protocol):
    """Makes the link with the bridge's callbacks; nothing happens before its `run()`."""

    def __call__(
        self,
        *,
        wanted: frozenset[str],
        on_event: Callable[[Message], None],
        on_up: Callable[[], Awaitable[None]],
        on_down: Callable[[str], None],
    ) -> Link:
        """Make it."""
        ...


class Listed(Struct, frozen=True):
    """All of one Asterisk. `rooms`: bridges in which nobody talks (parking, holding)."""

    channels: list[Message]
    traces: dict[str, Trace]
    rooms: frozenset[str]
    entries: list[Message]  # callers in queues
    members: list[Message]  # agents in queues


async def everything(link: Link) -> Listed:
    """Ask for all lists. Raises an AmiError."""
    channels = await link.listing("CoreShowChannels")
    carried = await _traces(link) if channels else {}
    bridges = await _bridges(link)
    queues = await link.listing("QueueStatus")
    return Listed(
        channels=channels,
        traces=carried,
        rooms=frozenset(
            m.get("BridgeUniqueid")
            for m in bridges
            if m.get("BridgeTechnology") == "holding_bridge"
        ),
        entries=[m for m in queues if m.name == "QueueEntry"],
        members=[m for m in queues if m.name == "QueueMember"],
    )


async def _traces(link: Link) -> dict[str, Trace]:
    try:
        return traces(await link.listing("Status", Variables=VARIABLES))
    except AmiRefused:  # an account that may not ask: then nobody knows when they were taken
        log.warning("bridge.no_status")
        return {}


async def _bridges(link: Link) -> list[Message]:
    try:
        return await link.listing("BridgeList")
    except AmiRefused:  # an account that may not ask: parked calls then look as if they talk
        log.warning("bridge.no_bridge_list")
        return []

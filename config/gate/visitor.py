"""One connection through the gate: a browser on this side, Asterisk on the other, bytes between.

First a head comes, whole and in time; it is judged, and Asterisk is asked. Once Asterisk has said
101 both are joined; who takes nothing in stops the other, and is cut after a while.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from config.gate.request import END, MOST_HEAD, Refused, answer_of, is_whole, judge
from cti.bounds import let_in

if TYPE_CHECKING:
    from config.gate.server import Gate

BUFFER: Final = 64 * 1024  # bytes on their way to one side, before the other is stopped
SWITCHED: Final = b"HTTP/1.1 101 "


class Side(asyncio.Protocol):
    """What both sides have: when it was last heard, and since when it takes nothing in."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self.heard_at = _now()
        self.stuck_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=BUFFER)
        self.heard_at = _now()

    def pause_writing(self) -> None:
        """It does not read: nothing more is taken from the other."""
        self.stuck_since = _now()
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        self.stuck_since = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Pass on."""
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """Say what is to be said yet, and go."""
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """Go, at once."""
        if self.transport is not None:
            self.transport.abort()


class Behind(Side):
    """Asterisk's side. It is passed on once it has agreed to speak as a websocket."""

    def __init__(self, visitor: Visitor, onward: bytes) -> None:
        super().__init__()
        self.visitor = visitor
        self.other = visitor
        self._onward = onward
        self._head = b""
        self.agreed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        super().connection_made(transport)
        cast(asyncio.Transport, transport).write(self._onward)

    def data_received(self, data: bytes) -> None:
        """Its answer first: what is none is not passed on, nor what the browser would say to it."""
        self.heard_at = _now()
        if self.agreed:
            self.visitor.write(data)
            return
        self._head += data
        whole = END in self._head[:MOST_HEAD]
        too_long = not whole and len(self._head) > MOST_HEAD
        if too_long or not self._head.startswith(SWITCHED[: len(self._head)]):
            self.visitor.refuse(Refused(HTTPStatus.BAD_GATEWAY, "asterisk"))
        elif whole:
            self.agreed = True
            self.visitor.write(self._head)
            self._head = b""

    def connection_lost(self, _exc: Exception | None) -> None:
        """Asterisk went: the browser comes back by itself."""
        if self.agreed:
            self.visitor.close()
        else:
            self.visitor.refuse(Refused(HTTPStatus.BAD_GATEWAY, "asterisk"))


class Visitor(Side):
    """A browser's side, from its first byte on."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate
        self._address: str | None = None
        self._head = b""
        self.came_at = self.heard_at
        self.name = ""  # whose telephone, once that is known
        self.behind_address: str | None = None  # who speaks through a proxy of ours, once counted
        self.closing_since: float | None = None

    @property
    def joined(self) -> bool:
        """Whether both sides speak."""
        return isinstance(self.other, Behind) and self.other.agreed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Counted, or closed without a word."""
        super().connection_made(transport)
        self._address = let_in(self._gate.bounds, transport)
        if self._address is not None:
            self._gate.enter(self)

    def data_received(self, data: bytes) -> None:
        """A head, then whatever it is."""
        self.heard_at = _now()
        if self._address is None or self.closing_since is not None:
            return
        if self.other is not None and self.joined:
            self.other.write(data)
        elif self.name:
            self.refuse(Refused(HTTPStatus.BAD_REQUEST, "request"))  # nobody speaks before 101
        else:
            self._head += data
            self._look_at_head()

    def _look_at_head(self) -> None:
        try:
            if not is_whole(self._head):
                return
            plan = self._gate.plan
            admitted = judge(
                self._head, key=self._gate.key, origins=plan.origins, now=self._gate.clock()
            )
            self._head = b""
            self._gate.admit(self, admitted, self._address or "")
        except Refused as why:
            self.refuse(why)

    def refuse(self, why: Refused) -> None:
        """Say no in a line, and close."""
        if self.closing_since is not None or self.transport is None:
            return
        self._gate.refused(why.why)
        if not self.joined and not self.transport.is_closing():
            self.transport.write(answer_of(why.status))
        self.close()

    def close(self) -> None:
        """Both sides, once what is on its way has gone."""
        if self.closing_since is None:
            self.closing_since = _now()
        super().close()

    def connection_lost(self, _exc: Exception | None) -> None:
        """Gone: so is the other side."""
        if self._address is not None:
            self._gate.bounds.leave(self._address)
            self._gate.leave(self)
        if self.other is not None:
            self.other.close()


def _now() -> float:
    return asyncio.get_running_loop().time()

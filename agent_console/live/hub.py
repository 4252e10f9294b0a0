"""Who listens to what, and how a message reaches them without anyone being waited for.

Every socket has a bounded queue. A client that does not read fills it and is cut; it comes back by
itself and gets a fresh snapshot. Nothing here awaits: publishing to a thousand sockets costs a
thousand `put_nowait` of the same bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import structlog

from agent_console.access import Viewer
from agent_console.live.state import Sections, Stream

log = structlog.get_logger(__name__)

QUEUE = 256
TOO_SLOW = "too slow"


class Key(NamedTuple):
    """A stream: a topic, and whose it is (empty: everybody's)."""

    topic: str
    owner: str = ""


class Client:
    """One socket's side of the hub. `cut` is set, with a reason, when it must be closed."""

    def __init__(self, viewer: Viewer, language: str, depth: int = QUEUE) -> None:
        self.viewer = viewer
        self.language = language
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(depth)
        self.cut = asyncio.Event()
        self.reason = ""
        self.keys: set[Key] = set()

    def send(self, frame: bytes) -> bool:
        """Queue a frame; False (and the client is cut) if it is too far behind."""
        if self.cut.is_set():
            return False
        try:
            self.queue.put_nowait(frame)
        except asyncio.QueueFull:
            self.close(TOO_SLOW)
            return False
        return True

    def close(self, reason: str) -> None:
        """Have the socket closed; what it has not read yet is not sent any more."""
        if not self.cut.is_set():
            self.reason = reason
            self.cut.set()


class Hub:
    """All streams that somebody listens to, and their listeners."""

    def __init__(self) -> None:
        self._streams: dict[Key, Stream] = {}
        self._clients: dict[Key, set[Client]] = {}
        self.cuts = 0

    def subscribe(
        self, client: Client, key: Key, now: Callable[[], Sections], extra: Sections | None = None
    ) -> None:
        """Send `client` the snapshot of `key`, then every delta. Again: a fresh snapshot.

        `extra` are sections for this snapshot alone, which no delta ever touches.
        """
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream(key.topic)
        self.publish(key, now())
        self._clients.setdefault(key, set()).add(client)
        client.keys.add(key)
        self._send(client, stream.snapshot(extra))

    def unsubscribe(self, client: Client, key: Key) -> None:
        """No more of `key`; a stream nobody listens to is forgotten."""
        client.keys.discard(key)
        clients = self._clients.get(key)
        if clients is None:
            return
        clients.discard(client)
        if not clients:
            del self._clients[key]
            self._streams.pop(key, None)

    def leave(self, client: Client) -> None:
        """The socket is gone."""
        for key in tuple(client.keys):
            self.unsubscribe(client, key)

    def listened(self, key: Key) -> bool:
        """Whether anybody would see a change of `key`."""
        return key in self._clients

    def owners(self, topic: str) -> list[str]:
        """Whose streams of `topic` are listened to."""
        return [key.owner for key in self._clients if key.topic == topic]

    def publish(self, key: Key, now: Sections) -> None:
        """Bring all listeners of `key` to `now`."""
        stream = self._streams.get(key)
        if stream is None:
            return
        frame = stream.advance(now)
        if frame is None:
            return
        for client in tuple(self._clients.get(key, ())):
            self._send(client, frame)

    def _send(self, client: Client, frame: bytes) -> None:
        if not client.send(frame):
            self.cuts += 1
            self.leave(client)
            log.info("live.client_cut", user=client.viewer.user, reason=client.reason)

"""The bus across processes, over Redis. The same face as `InProcessBus`, which works inside.

- Every event is handled in this process at once; Redis carries it to the others by
  publish/subscribe.
- A group (`once=`) with a member in the publishing process is served there. The other processes'
  groups read a stream through a consumer group, so that one member of each takes an event.
- A wish goes by publish/subscribe, never into a list: a wish nobody hears now must not be carried
  out minutes later.

Redis may be away, restarted or emptied: this reconnects for ever, tells `BusRestored` to its own
process, and nothing that matters was only there.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import structlog
from msgspec import Struct
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from cti.about import about
from cti.bus import (
    DEPTH,
    NO_ANSWER,
    NO_BRIDGE,
    BusRestored,
    E,
    Handler,
    InProcessBus,
    Subscription,
    Undo,
    WishHandler,
    answer,
)
from cti.envelope import Envelope, Post
from cti.where import where
from cti.wishes import CommandRefused, Reply, Wish

log = structlog.get_logger(__name__)

BACKOFF = (0.5, 15.0)  # seconds, the first and the longest wait
OUTGOING = 20_000  # events kept while Redis is away; the oldest are dropped
BATCH = 500  # events in one round trip
STREAM_LENGTH = 100_000  # entries, about
BLOCK = 1_000  # milliseconds a group's read waits
CANCELS = 10
LONGEST_WISH = 10.0  # seconds
WISHES_AT_ONCE = 32
ABANDONED = 30_000  # milliseconds after which a dead member's entry is taken over
TROUBLE = (RedisError, OSError, TimeoutError)


class RedisBus:
    """`events`: base classes of what may travel, such as `Fact` (and the desk's own).

    `async with RedisBus(url, events=[...]) as bus` or `close()` at the end. `namespace` keeps two
    installations on one Redis apart.
    """

    def __init__(
        self, url: str, *, events: Iterable[type[Struct]], namespace: str = "ringdesk"
    ) -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=5, health_check_interval=10)
        self._origin = uuid4().hex
        self._post = Post(self._origin, events)
        self._local = InProcessBus()
        self._events_at = f"{namespace}:event:"
        self._wishes_at = f"{namespace}:wishes"
        self._replies_at = f"{namespace}:replies:{self._origin}"
        self._stream = f"{namespace}:once"
        self._outgoing: deque[Struct] = deque(maxlen=OUTGOING)
        self._overflown = 0
        self._waiting = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._asked: dict[str, asyncio.Future[Reply]] = {}
        self._groups: dict[str, list[Subscription]] = {}
        self._server: WishHandler | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False
        self._closed = False
        self.ready = asyncio.Event()  # the listener is connected
        self.serving = asyncio.Event()  # wishes can reach us

    async def __aenter__(self) -> Self:
        """Start; Redis may still be away."""
        self._start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End every task."""
        await self.close()

    @property
    def waiting(self) -> int:
        """See `Bus.waiting`."""
        return self._local.waiting

    @property
    def unsent(self) -> int:
        """See `Bus.unsent`."""
        return len(self._outgoing)

    @property
    def dropped(self) -> int:
        """See `Bus.dropped`."""
        return self._local.dropped + self._overflown

    def publish(self, event: Struct) -> None:
        """See `Bus.publish`. Raises ValueError for an event that was not registered."""
        if self._post.kind(type(event).__name__) is not type(event):
            raise ValueError(f"{type(event).__name__} is not registered with the bus")
        self._start()
        self._local.publish(event)
        self._overflown += len(self._outgoing) == OUTGOING  # the oldest goes
        self._outgoing.append(event)
        self._all_sent.clear()
        self._waiting.set()

    def subscribe(
        self, kind: type[E], handler: Handler[E], *, once: str | None = None, depth: int = DEPTH
    ) -> Undo:
        """See `Bus.subscribe`."""
        self._start()
        undo_local = self._local.subscribe(kind, handler, once=once, depth=depth)
        if once is None:
            return undo_local
        subscription = Subscription(kind, handler, once, depth)
        members = self._groups.setdefault(once, [])
        members.append(subscription)
        if len(members) == 1:
            self._own(self._for_ever(f"bus-group-{once}", lambda: self._read_group(once)))

        def undo() -> None:
            undo_local()
            if subscription in members:
                members.remove(subscription)

        return undo

    async def request(self, wish: Wish, timeout: float = 5.0) -> Reply:
        """See `Bus.request`."""
        if self._server is not None:
            return await answer(self._server, wish, timeout)
        self._start()
        wish_id = uuid4().hex
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[wish_id] = future
        try:
            async with asyncio.timeout(timeout):
                await self.ready.wait()  # the answer must find us listening
                heard = await self._redis.publish(self._wishes_at, self._post.pack(wish, wish_id))
                if not heard:
                    return CommandRefused(reason=NO_BRIDGE)
                return await future
        except TimeoutError:
            return CommandRefused(reason=NO_ANSWER)
        except TROUBLE:
            return CommandRefused(reason=NO_BRIDGE)
        finally:
            del self._asked[wish_id]

    def serve(self, handler: WishHandler) -> Undo:
        """See `Bus.serve`."""
        if self._server is not None:
            raise RuntimeError("this bus already has a bridge that serves wishes")
        self._start()
        self._server = handler
        task = self._own(self._for_ever("bus-wishes", lambda: self._listen_to_wishes(handler)))

        def undo() -> None:
            if self._server is handler:
                self._server = None
                task.cancel()

        return undo

    async def drained(self) -> None:
        """Wait until this process' handlers have handled what was published so far."""
        await self._local.drained()

    async def close(self) -> None:
        """See `Bus.close`. What was published is still sent, if Redis takes it within a second."""
        if self._outgoing and self.ready.is_set():
            try:
                async with asyncio.timeout(1.0):
                    await self._all_sent.wait()
            except TimeoutError:
                log.warning("bus.not_all_sent", left=len(self._outgoing))
        self._closed = True
        # A cancellation that meets a reconnect inside the client is swallowed there: say it again.
        for _ in range(CANCELS):
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=0.2)
        await self._local.close()
        await self._redis.aclose()

    # -- tasks -----------------------------------------------------------------------------

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._own(self._for_ever("bus-sender", self._send))
            self._own(self._for_ever("bus-listener", self._listen))

    def _own(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _for_ever(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, which only ends by trouble, again and again."""
        wait = BACKOFF[0]
        while not self._closed:
            began = asyncio.get_running_loop().time()
            try:
                await work()
            except TROUBLE as error:
                if asyncio.get_running_loop().time() - began > BACKOFF[1]:
                    wait = BACKOFF[0]
                log.warning("bus.down", task=name, error=type(error).__name__, retry_in=wait)
            except Exception as error:  # noqa: BLE001 - a task's edge: the bus must come back
                log.error("bus.task_failed", task=name, error=where(error))
            await asyncio.sleep(wait * (0.5 + 0.5 * random.random()))  # noqa: S311 - jitter
            wait = min(wait * 2, BACKOFF[1])

    async def _send(self) -> None:
        while True:
            await self._waiting.wait()
            while self._outgoing:
                batch = [self._outgoing[i] for i in range(min(BATCH, len(self._outgoing)))]
                async with self._redis.pipeline(transaction=False) as pipe:
                    for event in batch:
                        name, packed = type(event).__name__, self._post.pack(event)
                        pipe.publish(self._events_at + name, packed)
                        fields = {"t": name, "e": packed, "g": ",".join(self._groups)}
                        pipe.xadd(self._stream, fields, maxlen=STREAM_LENGTH, approximate=True)  # type: ignore[arg-type] # redis' dict is invariant
                    await pipe.execute()
                for event in batch:
                    # Full meanwhile: the deque has dropped its oldest by itself.
                    if self._outgoing and self._outgoing[0] is event:
                        self._outgoing.popleft()
            self._waiting.clear()
            self._all_sent.set()

    async def _listen(self) -> None:
        """Others' events, and the answers to our wishes."""
        self.ready.clear()
        async with self._redis.pubsub() as listener:
            await listener.psubscribe(self._events_at + "*")
            await listener.subscribe(self._replies_at)
            again = False
            try:
                async for message in listener.listen():
                    kind = message["type"]
                    if kind == "subscribe":
                        again = True
                        self.ready.set()
                        self._local.publish(BusRestored(why="connected"))
                    elif kind in {"message", "pmessage"}:
                        self._heard(message["channel"].decode(), message["data"])
            finally:
                self.ready.clear()
                if again:
                    log.warning("bus.cut_off")

    def _heard(self, channel: str, packed: bytes) -> None:
        try:
            envelope = self._post.unpack(packed)
            if channel == self._replies_at:
                future = self._asked.get(envelope.id)
                if future is not None and not future.done():
                    future.set_result(self._post.reply(envelope))
                return
            name = channel.removeprefix(self._events_at)
            kind = self._post.kind(name)
            if envelope.origin == self._origin or kind is None:
                return
            wanted = [s for s in self._local.subscribers(kind) if s.once is None]
            if wanted:
                event = self._post.event(name, envelope)
                for subscription in wanted:
                    subscription.deliver(event)
        except ValueError as error:  # garbage, or another version's event
            log.warning("bus.not_understood", channel=channel, error=type(error).__name__)

    async def _listen_to_wishes(self, handler: WishHandler) -> None:
        places = asyncio.Semaphore(WISHES_AT_ONCE)
        async with self._redis.pubsub() as listener:
            await listener.subscribe(self._wishes_at)
            async for message in listener.listen():
                if message["type"] != "message":
                    self.serving.set()
                    continue
                if self._server is not handler:
                    raise asyncio.CancelledError  # undone, and the cancellation was swallowed
                try:
                    envelope = self._post.unpack(message["data"])
                    wish = self._post.wish(envelope)
                except ValueError as error:
                    log.warning("bus.wish_not_understood", error=type(error).__name__)
                    continue
                await places.acquire()
                self._own(self._reply(handler, wish, envelope, places))

    async def _reply(
        self, handler: WishHandler, wish: Wish, to: Envelope, places: asyncio.Semaphore
    ) -> None:
        try:
            reply = await answer(handler, wish, LONGEST_WISH)
            at = self._replies_at.removesuffix(self._origin) + to.origin
            await self._redis.publish(at, self._post.pack(reply, to.id))
        except TROUBLE as error:
            what, kind = type(wish).__name__, type(error).__name__
            log.warning("bus.reply_lost", wish=what, error=kind, **about(wish))
        finally:
            places.release()

    async def _read_group(self, group: str) -> None:
        """Take this process' share of a group's events, and what a dead member left."""
        try:
            await self._redis.xgroup_create(self._stream, group, id="$", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        while True:
            left: Any = await self._redis.xautoclaim(
                self._stream, group, self._origin, min_idle_time=ABANDONED, count=BATCH
            )
            await self._take_all(group, left[1])
            # A stream that was deleted (Redis emptied) raises NOGROUP: made anew by the next round.
            read: Any = await self._redis.xreadgroup(
                group, self._origin, {self._stream: ">"}, count=BATCH, block=BLOCK
            )
            for _, entries in read:
                await self._take_all(group, entries)

    async def _take_all(self, group: str, entries: Iterable[Any]) -> None:
        done = []
        for entry_id, fields in entries:
            done.append(entry_id)
            # The publisher's own process has a member of this group: handled there.
            if not fields or group in fields[b"g"].decode().split(","):
                continue
            await self._take_once(group, fields[b"t"].decode(), fields[b"e"])
        if done:
            await self._redis.xack(self._stream, group, *done)

    async def _take_once(self, group: str, name: str, packed: bytes) -> None:
        kind = self._post.kind(name)
        members = self._groups.get(group, [])
        member = next((s for s in members if kind and issubclass(kind, s.kind)), None)
        if member is None:
            return
        try:
            envelope = self._post.unpack(packed)
            event = self._post.event(name, envelope)
        except ValueError as error:
            log.warning("bus.not_understood", event_type=name, error=type(error).__name__)
            return
        await member.deliver_and_wait(event)

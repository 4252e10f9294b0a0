"""Publish and subscribe by event class, and one wish answered by one bridge.

An event is a frozen msgspec struct: a `cti.events.Fact`, or whatever the layers above publish. Who
subscribes to a class also gets its subclasses. `InProcessBus` serves one process; `RedisBus`
(`cti/redis_bus.py`) has the same face and crosses processes. The bus is a convenience for screens,
never the only place of something that matters.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import msgspec
import structlog
from msgspec import Struct

from cti.about import about
from cti.where import where
from cti.wishes import CommandRefused, Reply, Wish

log = structlog.get_logger(__name__)

E = TypeVar("E", bound=Struct)
Handler = Callable[[E], None] | Callable[[E], Awaitable[None]]
WishHandler = Callable[[Wish], Awaitable[Reply]]
Undo = Callable[[], None]

DEPTH = 10_000
NO_BRIDGE = "The telephone system is not connected right now."
NO_ANSWER = "The telephone system did not answer in time."
FAILED = "The telephone system could not do this."


class BusRestored(Struct, frozen=True, kw_only=True):
    """This process was cut off from the others and may have missed events: fetch state anew.

    Only ever published locally, by `RedisBus` after a reconnect.
    """

    why: str = ""


class Bus(Protocol):
    """What everyone may ask of the bus; none of it blocks the caller but `request`."""

    @property
    def waiting(self) -> int:
        """Events that wait for the async subscribers of this process."""
        ...

    @property
    def unsent(self) -> int:
        """Events that wait to be sent to other processes."""
        ...

    @property
    def dropped(self) -> int:
        """Events that were dropped because a subscriber was too far behind, or Redis away."""
        ...

    def publish(self, event: Struct) -> None:
        """Tell every subscriber of the event's class or of a base class of it."""
        ...

    def subscribe(
        self, kind: type[E], handler: Handler[E], *, once: str | None = None, depth: int = DEPTH
    ) -> Undo:
        """Call `handler` for every event that is a `kind`; returns what undoes it.

        A sync handler runs inside `publish`. An async one runs in a task of its own, in order, at
        most `depth` events behind; what comes when it is further behind is dropped and logged.
        With `once`, each event goes to one subscriber only of all that name the same group, in
        all processes.
        """
        ...

    async def request(self, wish: Wish, timeout: float = 5.0) -> Reply:
        """Send a wish to the bridge; within `timeout` seconds always an answer, never an error."""
        ...

    def serve(self, handler: WishHandler) -> Undo:
        """Answer wishes with `handler`, several at once, until undone. One server per process."""
        ...

    async def close(self) -> None:
        """End every task of this bus."""
        ...


class Subscription:
    """One subscriber; owns a task when its handler is async."""

    def __init__(
        self, kind: type[Struct], handler: Callable[[Any], Any], once: str | None, depth: int
    ) -> None:
        self.kind = kind
        self.once = once
        self._handler = handler
        self._is_async = _is_async(handler)
        self._queue: asyncio.Queue[Struct] = asyncio.Queue(depth)
        self._task: asyncio.Task[None] | None = None
        self._behind = False
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Events that are not handled yet."""
        return self._queue.qsize()

    def deliver(self, event: Struct) -> None:
        """Hand the event over; whatever the handler does, this returns."""
        if not self._is_async:
            try:
                self._handler(event)
            except Exception as error:  # noqa: BLE001 - a subscriber's edge: it stops nobody
                _failed(event, error)
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            if not self._behind:  # once per burst: a log line per event would make it worse
                log.warning("bus.subscriber_behind", handler=_name(self._handler))
            self._behind = True
            self.dropped += 1
            return
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def deliver_and_wait(self, event: Struct) -> None:
        """As `deliver`, but return only when the handler is through (Redis' groups need that)."""
        try:
            result = self._handler(event)
            if self._is_async:
                await result
        except Exception as error:  # noqa: BLE001 - a subscriber's edge: it stops nobody
            _failed(event, error)

    async def _work(self) -> None:
        while True:
            event = await self._queue.get()
            await self.deliver_and_wait(event)
            self._queue.task_done()
            if self._queue.empty():
                self._behind = False

    async def drained(self) -> None:
        """Wait until everything handed over has been handled."""
        if self._is_async:
            await self._queue.join()

    def stop(self) -> asyncio.Task[None] | None:
        """Stop the task; what waits is not handled any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        return task


class InProcessBus:
    """The bus of one process: `publish` calls the subscribers, in the order they came."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []
        self._routes: dict[type[Struct], tuple[Subscription, ...]] = {}
        self._server: WishHandler | None = None

    async def __aenter__(self) -> Self:
        """Ready at once."""
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
        return sum(each.waiting for each in self._subscriptions)

    @property
    def unsent(self) -> int:
        """See `Bus.unsent`: there is nobody else."""
        return 0

    @property
    def dropped(self) -> int:
        """See `Bus.dropped`."""
        return sum(each.dropped for each in self._subscriptions)

    def publish(self, event: Struct) -> None:
        """See `Bus.publish`."""
        for subscription in self.subscribers(type(event)):
            subscription.deliver(event)

    def subscribe(
        self, kind: type[E], handler: Handler[E], *, once: str | None = None, depth: int = DEPTH
    ) -> Undo:
        """See `Bus.subscribe`."""
        subscription = Subscription(kind, handler, once, depth)
        self._subscriptions.append(subscription)
        self._routes.clear()

        def undo() -> None:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
                self._routes.clear()
                subscription.stop()

        return undo

    def subscribers(self, kind: type[Struct]) -> tuple[Subscription, ...]:
        """Who gets events of exactly this class: of each `once` group only the first."""
        found = self._routes.get(kind)
        if found is None:
            groups: set[str] = set()
            chosen: list[Subscription] = []
            for subscription in self._subscriptions:
                if not issubclass(kind, subscription.kind) or subscription.once in groups:
                    continue
                if subscription.once is not None:
                    groups.add(subscription.once)
                chosen.append(subscription)
            found = self._routes[kind] = tuple(chosen)
        return found

    async def request(self, wish: Wish, timeout: float = 5.0) -> Reply:
        """See `Bus.request`."""
        server = self._server
        if server is None:
            return CommandRefused(reason=NO_BRIDGE)
        return await answer(server, wish, timeout)

    def serve(self, handler: WishHandler) -> Undo:
        """See `Bus.serve`. A second server in one process is a bug, and says so."""
        if self._server is not None:
            raise RuntimeError("this bus already has a bridge that serves wishes")
        self._server = handler

        def undo() -> None:
            if self._server is handler:
                self._server = None

        return undo

    async def drained(self) -> None:
        """Wait until every async handler has handled what was published so far."""
        for subscription in tuple(self._subscriptions):
            await subscription.drained()

    async def close(self) -> None:
        """See `Bus.close`."""
        tasks = [task for s in self._subscriptions if (task := s.stop()) is not None]
        self._subscriptions.clear()
        self._routes.clear()
        self._server = None
        await asyncio.gather(*tasks, return_exceptions=True)


async def answer(server: WishHandler, wish: Wish, seconds: float) -> Reply:
    """Let `server` answer within `seconds`; a failure is a refusal in words for a person."""
    try:
        async with asyncio.timeout(seconds):
            return await server(wish)
    except TimeoutError:
        return CommandRefused(reason=NO_ANSWER)
    except Exception as error:  # noqa: BLE001 - the asker gets words, the log the place
        log.error("bus.wish_failed", wish=type(wish).__name__, error=where(error), **about(wish))
        return CommandRefused(reason=FAILED)


class EventCodec:
    """Events to JSON and back, by the name of their class.

    `bases` are base classes such as `Fact`; every subclass that exists now may travel.
    """

    def __init__(self, bases: Iterable[type[Struct]]) -> None:
        self._encoder = msgspec.json.Encoder()
        self._types: dict[str, type[Struct]] = {}
        self._decoders: dict[str, msgspec.json.Decoder[Struct]] = {}
        for kind in _with_subclasses(bases):
            if self._types.setdefault(kind.__name__, kind) is not kind:
                raise ValueError(f"two event classes are called {kind.__name__}")

    def kind(self, name: str) -> type[Struct] | None:
        """The class of that name, None if it is not ours."""
        return self._types.get(name)

    def encode(self, event: Struct) -> bytes:
        """One event as JSON. Raises ValueError for a class that was not registered."""
        name = type(event).__name__
        if self._types.get(name) is not type(event):
            raise ValueError(f"{name} is not registered with the bus")
        return self._encoder.encode(event)

    def decode(self, name: str, data: bytes) -> Struct:
        """Raises msgspec.DecodeError (ValueError) for what is no such event."""
        decoder = self._decoders.get(name)
        if decoder is None:
            decoder = self._decoders[name] = msgspec.json.Decoder(self._types[name])
        return decoder.decode(data)


def _with_subclasses(bases: Iterable[type[Struct]]) -> Iterable[type[Struct]]:
    for base in bases:
        yield base
        yield from _with_subclasses(base.__subclasses__())


def _failed(event: Struct, error: BaseException) -> None:
    # Where it failed, and no values: what callers say or dial is in them.
    what, error_at = type(event).__name__, where(error)
    log.error("bus.handler_failed", event_type=what, error=error_at, **about(event))


def _is_async(handler: Callable[..., Any]) -> bool:
    # Also an object whose __call__ is async.
    return any(map(inspect.iscoroutinefunction, (handler, type(handler).__call__)))


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", type(handler).__name__)

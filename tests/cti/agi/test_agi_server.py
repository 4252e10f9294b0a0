"""The FastAGI server against an Asterisk with behaviour, over real sockets."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

import pytest
import structlog
import uvloop

from cti.agi.channel import Channel
from cti.agi.errors import AgiClosed, AgiDead, AgiEnded, AgiGarbled, AgiHangup, AgiTimeout
from cti.agi.server import AgiServer
from cti.agi.wire import encode_command

ENVIRONMENT = b"agi_network: yes\nagi_network_script: flow/1000\nagi_uniqueid: u-1\n\n"
SOON = 5.0


class Asterisk:
    """One call's end of a FastAGI connection."""

    made: ClassVar[list[Asterisk]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.made.append(self)

    @classmethod
    async def all_gone(cls) -> None:
        while cls.made:
            writer = cls.made.pop()._writer
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    @classmethod
    async def calls(cls, server: AgiServer, environment: bytes = ENVIRONMENT) -> Asterisk:
        call = cls(*await asyncio.open_connection("127.0.0.1", server.port))
        call.says(environment)
        return call

    def says(self, data: bytes) -> None:
        self._writer.write(data)

    async def hears(self) -> bytes:
        async with asyncio.timeout(SOON):
            return await self._reader.readline()

    async def is_let_go(self) -> bool:
        async with asyncio.timeout(SOON):
            try:
                return await self._reader.read() == b""
            except ConnectionError:
                return True

    def hangs_up(self) -> None:
        self._writer.close()


class Ends:
    """A handler that runs a step and keeps how it ended."""

    def __init__(self, step: Callable[[Channel], Awaitable[object]]) -> None:
        self._step = step
        self._ends: asyncio.Queue[object] = asyncio.Queue()

    async def __call__(self, channel: Channel) -> None:
        try:
            self._ends.put_nowait(await self._step(channel))
        except BaseException as error:
            self._ends.put_nowait(error)
            raise

    async def next(self) -> object:
        async with asyncio.timeout(SOON):
            return await self._ends.get()


@asynccontextmanager
async def server_of(
    handler: Callable[[Channel], Awaitable[None]], **bounds: float
) -> AsyncIterator[AgiServer]:
    server = AgiServer("127.0.0.1", 0, handler, **bounds)  # int or float
    try:
        async with server:
            yield server
    finally:
        await Asterisk.all_gone()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not true():  # noqa: ASYNC110 - counters have no event; one turn of the loop each
            await asyncio.sleep(0)


async def test_a_call_is_handled_and_let_go() -> None:
    ends = Ends(lambda channel: channel.get_variable("X"))
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        assert await call.hears() == b'GET FULL VARIABLE "${URIENCODE(${X})}"\n'
        call.says(b"200 result=1 (")
        call.says(b"4%312)\n")
        assert await ends.next() == "412"
        assert await call.is_let_go()
        await until(lambda: server.sessions == 0)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (b"HANGUP\n", AgiHangup),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", AgiDead),
        (None, AgiClosed),
        (b"what?\n", AgiGarbled),
        (b"x" * 70_000, AgiGarbled),
    ],
)
async def test_each_end_of_a_session_is_told_apart(said: bytes | None, kind: type) -> None:
    """pyst2: EOF is a ValueError, HANGUP desynchronises, 511 is unknown."""
    ends = Ends(lambda channel: channel.answer())
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        await call.hears()
        if said is None:
            call.hangs_up()
        else:
            call.says(said)
        assert type(await ends.next()) is kind
        await until(lambda: server.sessions == 0)
        assert server.ended_early == 1
        assert server.failed == 0


async def test_a_hang_up_after_a_reply_does_not_take_the_reply() -> None:
    async def twice(channel: Channel) -> object:
        recorded = await channel.record("m", max_seconds=5, silence_seconds=2)
        with pytest.raises(AgiHangup):
            await channel.answer()
        return recorded.ended_by

    ends = Ends(twice)
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        await call.hears()
        # As Asterisk 22.10.1 says it, in one packet.
        call.says(b"200 result=-1 (hangup) endpos=0\nHANGUP\nHANGUP\n")
        call.hangs_up()
        assert await ends.next() == "hangup"


async def test_a_forged_second_reply_ends_the_session() -> None:
    """A reply out of step must never answer the next command."""

    async def twice(channel: Channel) -> object:
        await channel.answer()
        await channel.get_variable("X")
        return "answered by a forged reply"

    ends = Ends(twice)
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        await call.hears()
        call.says(b"200 result=0\n200 result=1 (forged)\n")
        assert type(await ends.next()) is AgiGarbled
        assert await call.is_let_go()


async def test_no_reply_in_time_ends_the_session() -> None:
    async def wait(channel: Channel) -> object:
        return await channel._peer.ask(encode_command("NOOP"), 0.01)

    ends = Ends(wait)
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        assert type(await ends.next()) is AgiTimeout
        assert await call.hears() == b"NOOP\n"
        assert await call.is_let_go()


async def test_connect_and_drop_costs_the_others_nothing() -> None:
    """It freezes panoramisk's whole loop."""
    ends = Ends(lambda channel: channel.answer())
    async with server_of(ends) as server:
        for said in (b"", b"agi_network: y", b"\n\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 70_000):
            bad = await Asterisk.calls(server, said)
            bad.hangs_up()
        call = await Asterisk.calls(server)
        assert await call.hears() == b"ANSWER\n"
        call.says(b"200 result=0\n")
        assert await ends.next() is None
        await until(lambda: server.sessions == 0)
        assert server.garbled == 5


async def test_a_client_without_environment_is_let_go() -> None:
    async with server_of(Ends(lambda channel: channel.answer()), env_timeout=0.01) as server:
        call = await Asterisk.calls(server, b"agi_network: yes\n")
        assert await call.is_let_go()
        await until(lambda: server.garbled == 1)


async def test_over_the_bound_is_refused_at_once_and_room_is_given_back() -> None:
    ends = Ends(lambda channel: channel.answer())
    async with server_of(ends, max_sessions=1) as server:
        first = await Asterisk.calls(server)
        await first.hears()
        second = await Asterisk.calls(server)
        assert await second.is_let_go()
        assert server.refused == 1
        first.says(b"200 result=0\n")
        await ends.next()
        await until(lambda: server.sessions == 0)
        third = await Asterisk.calls(server)
        assert await third.hears() == b"ANSWER\n"


async def test_one_address_does_not_take_the_whole_menu() -> None:
    """Half of it by silent sockets, three quarters by whole ones: the rest is for another."""
    ends = Ends(lambda channel: channel.answer())
    async with server_of(ends, max_sessions=8) as server:
        silent = [await Asterisk.calls(server, b"agi_network: yes\n") for _ in range(4)]
        assert await (await Asterisk.calls(server, b"")).is_let_go()
        elsewhere = await asyncio.open_connection(
            "127.0.0.1", server.port, local_addr=("127.0.0.2", 0)
        )
        call = Asterisk(*elsewhere)
        call.says(ENVIRONMENT)
        assert await call.hears() == b"ANSWER\n"
        for each in silent:
            each.says(b"agi_uniqueid: u-2\n\n")
            assert await each.hears() == b"ANSWER\n"
        more = [await Asterisk.calls(server) for _ in range(3)]
        assert [await each.hears() for each in more[:2]] == [b"ANSWER\n"] * 2
        assert await more[2].is_let_go()
        assert server.refused == 2


async def test_a_handlers_bug_is_its_calls_alone_and_says_no_values() -> None:
    async def buggy(_channel: Channel) -> None:
        raise RuntimeError("card 4111")

    with structlog.testing.capture_logs() as logged:
        async with server_of(buggy) as server:
            call = await Asterisk.calls(server)
            assert await call.is_let_go()
            await until(lambda: server.failed == 1)
    (entry,) = [each for each in logged if each["event"] == "agi.handler_failed"]
    assert "RuntimeError at test_agi_server.py" in entry["error"]
    assert "4111" not in str(entry)


async def test_a_session_has_a_longest_time() -> None:
    ends = Ends(lambda channel: channel.answer())
    async with server_of(ends, session_timeout=0.01) as server:
        call = await Asterisk.calls(server)
        assert isinstance(await ends.next(), asyncio.CancelledError)
        await call.hears()
        assert await call.is_let_go()
        assert server.failed == 1


async def test_closing_ends_every_session_and_listens_no_more() -> None:
    ends = Ends(lambda channel: channel.answer())
    server = AgiServer("127.0.0.1", 0, ends)
    await server.start()
    calls = [await Asterisk.calls(server) for _ in range(5)]
    for call in calls:
        await call.hears()
    silent = await Asterisk.calls(server, b"agi_network: yes\n")
    await until(lambda: server.sessions == 6)
    await server.close()
    for call in (*calls, silent):
        assert await call.is_let_go()
    for _ in calls:
        assert isinstance(await ends.next(), asyncio.CancelledError | AgiEnded)
    with pytest.raises(ConnectionError):
        await Asterisk.calls(server)
    await server.close()
    await Asterisk.all_gone()


async def test_one_command_at_a_time() -> None:
    async def two(channel: Channel) -> object:
        first = asyncio.create_task(channel.answer())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await channel.answer()
        await first
        return "in step"

    ends = Ends(two)
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        await call.hears()
        call.says(b"200 result=0\n")
        assert await ends.next() == "in step"


async def test_a_command_given_up_half_way_ends_the_session() -> None:
    async def impatient(channel: Channel) -> object:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await channel.answer()
        with pytest.raises(AgiClosed):
            await channel.get_variable("X")
        return "ended"

    ends = Ends(impatient)
    async with server_of(ends) as server:
        call = await Asterisk.calls(server)
        assert await ends.next() == "ended"
        assert await call.hears() == b"ANSWER\n"
        assert await call.is_let_go()


async def test_many_calls_at_once_each_get_their_own_replies() -> None:
    seen: list[str | None] = []

    async def ask(channel: Channel) -> None:
        seen.append(await channel.get_variable("X"))

    async with server_of(ask) as server:
        calls = [await Asterisk.calls(server) for _ in range(50)]
        for number, call in enumerate(calls):
            await call.hears()
            call.says(f"200 result=1 ({number})\n".encode())
        for call in calls:
            assert await call.is_let_go()
    assert sorted(map(str, seen), key=int) == [str(number) for number in range(50)]


def test_it_lives_on_uvloop_as_well() -> None:
    """What runs in production: its transports are no `asyncio.Transport`."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(test_a_call_is_handled_and_let_go())
        runner.run(test_closing_ends_every_session_and_listens_no_more())


def test_it_needs_no_main_thread_and_no_signal_handler() -> None:
    """pyst2's AGI installs a process-wide SIGHUP handler and starts in the main thread only."""
    before = signal.getsignal(signal.SIGHUP)
    errors: list[Exception] = []

    def serve() -> None:
        try:
            asyncio.run(test_a_call_is_handled_and_let_go())
        except Exception as error:  # noqa: BLE001 - told to the main thread
            errors.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive()
    assert not errors
    assert signal.getsignal(signal.SIGHUP) is before

"""How many connections one listener, and one address, may hold."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress

import pytest
from structlog.testing import capture_logs

from cti.bounds import Bounds, Guarded, place_of


async def test_one_address_leaves_room_for_the_others_and_gets_it_back() -> None:
    bounds = Bounds("pages", 10, 3)
    assert [bounds.enter("10.0.0.1") for _ in range(4)] == [True, True, True, False]
    assert bounds.enter("10.0.0.2")
    assert (bounds.held, bounds.refused) == (4, 1)
    bounds.leave("10.0.0.1")
    assert bounds.enter("10.0.0.1")


async def test_all_together_are_bounded_and_the_log_is_not_flooded() -> None:
    bounds = Bounds("pages", 4, 3)
    with capture_logs() as lines:
        entered = sum(bounds.enter(f"10.0.0.{number}") for number in range(50))
    assert (entered, bounds.refused) == (4, 46)
    assert [line["event"] for line in lines] == ["listener.refused"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("", "", True),
    ],
)
def test_an_address_is_counted_as_whom_it_stands_for(one: str, other: str, same: bool) -> None:
    assert (place_of(one) == place_of(other)) is same


async def test_a_proxy_of_ours_speaks_for_many() -> None:
    """For it only the whole counts; who is behind it is counted elsewhere."""
    bounds = Bounds("pages", 10, 2, trusted=("10.9.0.0/16",))
    assert all(bounds.enter("10.9.0.1") for _ in range(10))
    assert not bounds.enter("10.9.0.1")


class Echo(asyncio.Protocol):
    """Says back what it hears."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self.transport, asyncio.Transport)
        self.transport.write(data)


async def test_a_refused_connection_is_closed_and_makes_no_protocol() -> None:
    bounds = Bounds("echo", 5, 1)
    made: list[Echo] = []

    def make() -> Echo:
        made.append(Echo())
        return made[-1]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Guarded(bounds, make), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"
        other, refused = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):  # closed is closed
            assert await other.read() == b""
        writer.close()
        with closing(refused):
            assert await reader.read() == b""
        async with asyncio.timeout(5):
            while bounds.held:  # noqa: ASYNC110 - one turn of the loop each
                await asyncio.sleep(0)
    assert len(made) == 1

"""The gate of the browser phones: who gets through, who does not, and who holds nobody up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http import HTTPStatus

import pytest
from structlog.testing import capture_logs
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

from config import descriptors
from config.gate import server
from config.gate.request import MOST_HEAD, answer_of
from tests.config.gate.conftest import KEY, OURS, Door, FakeAsterisk, Opens, Quick
from tests.ports import free_port

HOSTILE = "127.0.0.2"
SILENT = 500
RIGHT = (
    "GET /ws?ticket={ticket} HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: " + OURS + "\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sip\r\n{more}\r\n"
)


async def said_to(door: Door, data: bytes) -> bytes:
    """Everything that the gate answers to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.gate.port)
    try:
        writer.write(data)
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def turned_away(door: Door, **how: object) -> int:
    """With which status; nothing of it reached Asterisk."""
    with pytest.raises(InvalidStatus) as refused:
        async with door.connect(**how):
            pass
    await door.until_held(0)
    return refused.value.response.status_code


async def test_a_telephone_speaks_with_asterisk(door: Door, fake_asterisk: FakeAsterisk) -> None:
    """What Asterisk is asked holds nothing of the browser's: no ticket, cookie or origin."""
    headers = {"Cookie": "ringdesk_session=secret", "X-Strange": "1"}
    async with door.connect(additional_headers=headers) as phone:
        assert phone.subprotocol == "sip"
        for size in (1, 1_000, 200_000):
            await phone.send("x" * size)
            assert await phone.recv() == "x" * size
        (request,) = fake_asterisk.asked
        assert request.path == "/ws"
        assert dict(request.headers.raw_items()).keys() == {
            "Host", "Connection", "Upgrade", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
            "Sec-WebSocket-Protocol",
        }  # fmt: skip
    await door.until_held(0)
    assert not door.gate.refusals


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "http://127.0.0.1:8081", "null", "https://127.0.0.1:8080"]
)
async def test_other_pages_are_turned_away(door: Door, origin: str) -> None:
    assert await turned_away(door, origin=origin) == 403


async def test_without_a_ticket_of_ours_nobody_gets_in(
    door: Door, fake_asterisk: FakeAsterisk
) -> None:
    good = door.ticket()
    assert await turned_away(door, path="/ws") == 403
    assert await turned_away(door, path="/ws?ticket=") == 403
    assert await turned_away(door, path=f"/ws?ticket={good}&ticket={good}") == 403
    assert await turned_away(door, ticket=door.ticket(hours=-0.01)) == 403
    assert await turned_away(door, ticket=door.ticket(key=b"o" * 32)) == 403
    assert await turned_away(door, ticket=good.replace("ava", "ben")) == 403
    assert door.gate.refusals == {"ticket": 6}
    assert fake_asterisk.asked == []


@pytest.mark.parametrize("path", ["/", "/ws/", "/httpstatus", "//ws", "/ws%2f", "/live"])
async def test_nothing_else_is_there(door: Door, path: str) -> None:
    assert await turned_away(door, path=f"{path}?ticket={door.ticket()}") == 404


async def test_only_sip_is_spoken(door: Door) -> None:
    assert await turned_away(door, subprotocols=[Subprotocol("chat")]) == 400
    assert await turned_away(door, subprotocols=None) == 400


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        (("GET /ws", "POST /ws"), b"400"),
        (("Upgrade: websocket", "Upgrade: h2c"), b"400"),
        (("Version: 13", "Version: 8"), b"400"),
        (("AAAAAAAAAAAAAAAAAAAAAA==", "short"), b"400"),
        (("{more}", "Content-Length: 4\r\n{more}"), b"400"),
        (("{more}", "Transfer-Encoding: chunked\r\n{more}"), b"400"),
        (("HTTP/1.1", "HTTP/1.0"), b"400"),
        (("{more}", "Origin: " + OURS + "\r\n{more}"), b"403"),
        (("Host: 127.0.0.1\r\n", ""), b"403"),
        (("GET", "\x00\xff"), b"400"),
    ],
)
async def test_what_is_no_such_request_is_answered_in_a_line(
    door: Door, fake_asterisk: FakeAsterisk, wrong: tuple[str, str], status: bytes
) -> None:
    text = RIGHT.replace(*wrong, 1)
    answer = await said_to(door, text.format(ticket=door.ticket(), more="").encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    assert b"\r\nConnection: close\r\n" in answer
    assert len(answer) < 400
    assert fake_asterisk.asked == []


async def test_nothing_is_smuggled_behind_the_head(door: Door, fake_asterisk: FakeAsterisk) -> None:
    """A second request would reach Asterisk's HTTP server unseen."""
    text = RIGHT.format(ticket=door.ticket(), more="") + "GET /httpstatus HTTP/1.1\r\n\r\n"
    assert (await said_to(door, text.encode())).startswith(b"HTTP/1.1 400 ")
    assert fake_asterisk.asked == []


async def test_a_head_has_an_end_and_a_time(door: Door) -> None:
    huge = RIGHT.format(ticket=door.ticket(), more=f"X-Much: {'x' * MOST_HEAD}\r\n")
    assert (await said_to(door, huge.encode())).startswith(b"HTTP/1.1 431 ")
    reader, writer = await asyncio.open_connection("127.0.0.1", door.gate.port)
    began = asyncio.get_running_loop().time()
    answer = asyncio.create_task(reader.read())
    for letter in RIGHT.format(ticket=door.ticket(), more=""):
        writer.write(letter.encode())
        await asyncio.wait([answer], timeout=0.1)
        if answer.done():
            break
    assert asyncio.get_running_loop().time() - began < Quick.head + 1.0
    await asyncio.gather(answer, return_exceptions=True)  # 408, or a reset: we were speaking
    writer.close()
    assert door.gate.refusals == {"request": 1, "slow": 1}


@pytest.fixture
def silent() -> Iterator[list[socket.socket]]:
    held: list[socket.socket] = []
    assert descriptors.raise_limit() > 4 * SILENT
    yield held
    for each in held:
        each.close()


async def test_who_is_silent_locks_nobody_out(opens: Opens, silent: list[socket.socket]) -> None:
    """500 from one address hold a quarter of the gate for the length of a head, no more."""
    async with opens(most=400, each=100, deadlines=server.Deadlines()) as door:
        for _ in range(SILENT):
            silent.append(socket.socket())
            silent[-1].setblocking(False)
            silent[-1].bind((HOSTILE, 0))
            await asyncio.get_running_loop().sock_connect(silent[-1], ("127.0.0.1", door.gate.port))
        await door.until_held(100)
        async with door.connect() as phone:
            await phone.send("REGISTER")
            assert await phone.recv() == "REGISTER"
        assert door.gate.bounds.refused == SILENT - 100
        await door.until_held(0)  # the deadline as it is: five seconds


async def test_who_comes_through_a_proxy_is_counted_by_their_own_address(opens: Opens) -> None:
    async with opens(most=8, each=2, proxies=("127.0.0.1/32",)) as door, AsyncExitStack() as stack:
        for number in range(3):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            for name in ("ava", "ben"):
                await stack.enter_async_context(door.connect(name, additional_headers=headers))
        assert await status_of(door, additional_headers={"X-Forwarded-For": "192.0.2.1"}) == 429
    async with opens(most=8, each=2) as door, AsyncExitStack() as stack:
        for number in range(2):  # nobody's proxy: what it says of itself counts for nothing
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            await stack.enter_async_context(door.connect(additional_headers=headers))
        with pytest.raises((InvalidMessage, ConnectionError)):
            await stack.enter_async_context(
                door.connect(additional_headers={"X-Forwarded-For": "192.0.2.7"})
            )


async def status_of(door: Door, **how: object) -> int:
    with pytest.raises(InvalidStatus) as refused:
        async with door.connect(**how):
            pass
    return refused.value.response.status_code


async def test_a_telephone_has_a_few_connections_and_the_newest_ones(door: Door) -> None:
    """What a network lost may still be held: the page that comes back is not locked out by it."""
    async with AsyncExitStack() as stack:
        phones = [
            await stack.enter_async_context(door.connect("ava")) for _ in range(server.EACH_NAME)
        ]
        other = await stack.enter_async_context(door.connect("ben"))
        newest = await stack.enter_async_context(door.connect("ava"))
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(phones[0].recv(), 5)
        for phone in (*phones[1:], other, newest):
            await phone.send("x")
            assert await phone.recv() == "x"
        assert door.gate.bounds.held == server.EACH_NAME + 1


async def test_asterisk_away_is_said_and_the_next_try_gets_through(
    opens: Opens, fake_asterisk: FakeAsterisk
) -> None:
    async with opens(port=free_port()) as door:
        assert await turned_away(door) == 502
        assert await door.gate.trouble() == "its HTTP server does not answer"
        door.gate.plan = type(door.gate.plan)(
            **{name: getattr(door.gate.plan, name) for name in door.gate.plan.__struct_fields__}
            | {"asterisk_port": fake_asterisk.port}
        )
        async with door.connect() as phone:
            await phone.send("x")
            assert await phone.recv() == "x"
        assert await door.gate.trouble() == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nmuch",
        b"",
        b"HTTP/1.1 101 " + b"x" * 20_000,
    ],
)
async def test_nobody_is_joined_with_what_is_no_websocket(opens: Opens, answer: bytes) -> None:
    """Who was joined with Asterisk's HTTP server would ask it for anything next."""
    heard: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        heard.append(await reader.read())  # until the gate closes
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as other:
        async with opens(port=other.sockets[0].getsockname()[1]) as door:
            said = await said_to(door, RIGHT.format(ticket=door.ticket(), more="").encode())
            assert said == answer_of(HTTPStatus.BAD_GATEWAY)
        assert heard[1:] in ([], [b""])


async def test_both_sides_go_together(door: Door) -> None:
    phone = await door.connect().__aenter__()
    await phone.send("x")
    assert await phone.recv() == "x"
    phone.transport.abort()
    await door.until_held(0)


async def test_a_side_that_is_silent_is_cut(door: Door) -> None:
    async with door.connect() as phone:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(phone.recv(), 5)
        assert door.gate.refusals == {"idle": 1}


async def test_who_does_not_read_is_cut(opens: Opens) -> None:
    """And holds no more than two buffers of ours meanwhile."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
        writer.close()

    async with (
        await asyncio.start_server(flood, "127.0.0.1", 0) as other,
        opens(port=other.sockets[0].getsockname()[1]) as door,
    ):
        deaf = socket.socket()
        deaf.setblocking(False)
        await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", door.gate.port))
        text = RIGHT.format(ticket=door.ticket(), more="").encode()
        await asyncio.get_running_loop().sock_sendall(deaf, text)
        await door.until_held(1)
        await door.until_held(0)
        assert door.gate.refusals == {"stuck": 1}
        deaf.close()


async def test_the_log_says_why_and_no_ticket(door: Door) -> None:
    expired = door.ticket(hours=-1)
    with capture_logs() as lines:
        for _ in range(20):
            assert await turned_away(door, ticket=expired) == 403
    assert [(line["event"], line["why"]) for line in lines] == [("gate.refused", "ticket")]
    assert expired not in str(lines)
    assert KEY.hex() not in repr(door.gate)

"""The listeners of the counter: who may come in, for how long, and what is told of us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_console import listening
from agent_console.app import build_app, serve_web
from cti.bounds import Bounds
from tests.agent_console.conftest import context_for

HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@asynccontextmanager
async def pages(folder: Path, bounds: Bounds | None = None, **more: Any) -> AsyncIterator[int]:
    runner = await serve_web(context_for(folder, **more), "127.0.0.1", 0, bounds)
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def said(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("begun", [b"", b"GET / HT", HEAD, HEAD + b"X-Long: "])
async def test_who_does_not_say_what_they_want_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(listening, "IDLE", 0.2)
    async with pages(tmp_path) as port:
        assert await said(port, begun) == b""


async def test_a_body_that_does_not_come_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_console.middleware.SECONDS", 0.2)
    monkeypatch.setattr(listening, "LINGER", 0.1)
    head = b"POST /language HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlang="
    async with pages(tmp_path) as port:
        assert (await said(port, head + kind)).startswith(b"HTTP/1.1 503 ")


@pytest.mark.parametrize(
    "request_",
    [HEAD + b"Connection: close\r\n\r\n", b"\x00garbage\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"],
)
async def test_no_answer_tells_what_runs_here(tmp_path: Path, request_: bytes) -> None:
    """Neither ours nor those that the library gives by itself."""
    async with pages(tmp_path) as port:
        answer = (await said(port, request_)).lower()
    assert b"server: ringdesk\r\n" in answer
    assert b"aiohttp" not in answer
    assert b"python" not in answer


async def test_behind_a_proxy_everybody_is_counted_by_their_own_address(tmp_path: Path) -> None:
    """One who keeps all requests busy does not keep the others out."""
    crowd = Bounds("behind", 10, 1)
    app = build_app(context_for(tmp_path, proxies=("127.0.0.0/8",)), crowd=crowd)
    runner = listening.runner_of(app)
    await runner.setup()
    bounds = Bounds("pages", 10, 10)
    await listening.GuardedSite(runner, "127.0.0.1", 0, bounds).start()
    port = runner.addresses[0][1]

    def by(address: str) -> bytes:
        return HEAD + f"X-Forwarded-For: {address}\r\nConnection: close\r\n\r\n".encode()

    try:
        assert crowd.enter("192.0.2.7")  # a request of theirs is being worked on
        refused = await said(port, by("192.0.2.7"))
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert b"Retry-After: 1\r\n" in refused
        assert (await said(port, by("192.0.2.8"))).startswith(b"HTTP/1.1 200 ")
        crowd.leave("192.0.2.7")
        assert (await said(port, by("192.0.2.7"))).startswith(b"HTTP/1.1 200 ")
    finally:
        await runner.cleanup()


async def test_a_recording_is_not_kept_open_for_who_does_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for and not taken: the kernel gives up, no task of ours watches each transfer."""
    monkeypatch.setattr("cti.bounds.STUCK", 500)
    (tmp_path / "built").mkdir()
    (tmp_path / "built/big.js").write_bytes(bytes(32 * 1024 * 1024))
    bounds = Bounds("pages", 10, 10)
    async with pages(tmp_path, bounds) as port:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.connect(("127.0.0.1", port))
            deaf.sendall(b"GET /static/built/big.js HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(20):
                while not bounds.held:  # noqa: ASYNC110 - a counter has no event
                    await asyncio.sleep(0.01)
                while bounds.held:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

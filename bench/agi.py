"""AGI: commands a second and their round trip, with 100 and 1,000 calls at once.

One process plays Asterisk: it opens every call and answers each command. The contender serves in a
process of its own; its handler sets a variable so many times. Commands a second are counted with
every answer given at once; the round trip, from Asterisk's reply (or the call's environment) to the
next command, with an answer 100 ms after its command, as from calls that do something. (When all
calls ask as fast as they can, a round trip says only how unfairly they are served.) Ours is the
server as it ships (quoting, timeouts, bounds); panoramisk and the generator run on uvloop as well.
pyst2's own FastAGI module is Python 2: its threaded server is rebuilt here around its `AGI`, with
its SIGHUP handler taken out (it refuses to run in a thread).
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import socketserver
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

import asterisk.agi
import panoramisk.fast_agi
import uvloop

from bench.harness import RUN_TIMEOUT, Figure, interleaved, of, run_apart, silence
from cti.agi.channel import Channel
from cti.agi.server import AgiServer

SESSIONS = (100, 1_000)
COMMANDS = 20_000  # of all sessions together, answered at once
PAUSE = 0.1  # seconds before each answer, where the round trip is measured
PACED_COMMANDS = 20  # of each session, then
# The p99 of one run of 1,000 calls lies anywhere from 1 to 9 ms, with ours and with panoramisk.
ROUNDS = 5
VALUE = "ringdesk-1-1795293454.38"


def run() -> list[Figure]:
    """Rounds of each contender, interleaved, for each number of calls."""
    figures = []
    for sessions in SESSIONS:
        results = interleaved(
            ("ours", "panoramisk", "pyst2"), partial(_measure, sessions=sessions), rounds=ROUNDS
        )
        for key, unit, better, target in (
            ("commands_per_second", "commands/s", "higher", 1.0),
            ("p99_ms", "ms", "lower", 1.0),
            ("cpu_us", "us", "lower", 1.0),
        ):
            names = {
                "commands_per_second": "commands",
                "p99_ms": "p99 of a round trip",
                "cpu_us": "processor time a command",
            }
            figures.append(
                Figure(
                    name=f"AGI, {sessions} calls: {names[key]}",
                    unit=unit,
                    better="higher" if better == "higher" else "lower",
                    ours=of(results, "ours", key),
                    peers={peer: of(results, peer, key) for peer in ("panoramisk", "pyst2")},
                    against="panoramisk",
                    target=target,
                )
            )
    return figures


def _measure(name: str, sessions: int) -> dict[str, float]:
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "bench.agi", "serve", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        cpu = _cpu_seconds(server.pid)
        flat_out = run_apart("bench.agi", "load", port, str(sessions), "0")
        spent = _cpu_seconds(server.pid) - cpu
        paced = run_apart("bench.agi", "load", port, str(sessions), str(PAUSE))
        return {
            "commands_per_second": flat_out["commands_per_second"],
            "cpu_us": spent / flat_out["commands"] * 1e6,
            "p99_ms": paced["p99_ms"],
        }
    finally:
        server.kill()
        server.communicate(timeout=RUN_TIMEOUT)


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- Asterisk's side


class Call(asyncio.Protocol):
    """One call of the generator: answers each command, keeps how long each took to come."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._replied = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected; the environment follows when all are."""
        self._transport = cast("asyncio.Transport", transport)

    def begin(self, commands: int) -> None:
        """Send the environment."""
        lines = (
            "agi_network: yes",
            "agi_network_script: bench",
            "agi_request: agi://127.0.0.1/bench",
            "agi_channel: PJSIP/carrier-00000001",
            "agi_language: en",
            "agi_uniqueid: ringdesk-1-1795293454.38",
            "agi_callerid: +493012345678",
            "agi_calleridname: Ann Example",
            "agi_context: ringdesk-inbound",
            "agi_extension: 1000",
            f"agi_arg_1: {commands}",
        )
        self._replied = time.perf_counter()
        self._transport.write("\n".join((*lines, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        """A command (contenders send one at a time, a line each)."""
        if not data.endswith(b"\n"):
            return
        self._load.trips.append(time.perf_counter() - self._replied)
        if self._load.pause:
            asyncio.get_running_loop().call_later(self._load.pause, self._reply)
        else:
            self._reply()

    def _reply(self) -> None:
        self._replied = time.perf_counter()
        self._transport.write(b"200 result=1\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """The handler is through."""
        self._load.one_is_through()


class Load:
    """All calls of one run."""

    def __init__(self, sessions: int, pause: float) -> None:
        self.pause = pause
        self.trips: list[float] = []
        self._left = sessions
        self._sessions = sessions
        self._done = asyncio.Event()

    def one_is_through(self) -> None:
        """A call ended."""
        self._left -= 1
        if not self._left:
            self._done.set()

    async def run(self, port: int) -> dict[str, float]:
        """Open every call, then let them all begin."""
        loop = asyncio.get_running_loop()
        calls = []
        for _ in range(self._sessions):
            _, call = await loop.create_connection(lambda: Call(self), "127.0.0.1", port)
            calls.append(call)
        started = time.perf_counter()
        commands = PACED_COMMANDS if self.pause else COMMANDS // self._sessions
        for number, call in enumerate(calls):
            # Paced calls begin spread over one pause.
            loop.call_later(self.pause * number / self._sessions, call.begin, commands)
        await self._done.wait()
        seconds = time.perf_counter() - started
        trips = sorted(self.trips)
        return {
            "commands": len(trips),
            "commands_per_second": len(trips) / seconds,
            "p99_ms": trips[len(trips) * 99 // 100] * 1000,
            "median_ms": trips[len(trips) // 2] * 1000,
        }


# --- the contenders


async def _ours(channel: Channel) -> None:
    for _ in range(int(channel.env["agi_arg_1"])):
        await channel.set_variable("RINGDESK_X", VALUE)


async def _serve_ours() -> None:
    async with AgiServer("127.0.0.1", 0, _ours, env_timeout=30.0) as server:
        _ready(server.port)
        await asyncio.Event().wait()


async def _panoramisk(request: panoramisk.fast_agi.Request) -> None:
    for _ in range(int(request.headers["agi_arg_1"])):
        await request.send_command(f'SET VARIABLE "RINGDESK_X" "{VALUE}"')


async def _serve_panoramisk() -> None:
    application = panoramisk.fast_agi.Application(loop=asyncio.get_running_loop())
    application.add_route("bench", _panoramisk)
    server = await asyncio.start_server(application.handler, "127.0.0.1", 0, backlog=1_024)
    _ready(server.sockets[0].getsockname()[1])
    await server.serve_forever()


class _Pyst2(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        # pyst2 writes text.
        out = io.TextIOWrapper(cast("BinaryIO", self.wfile), write_through=True)
        with Path(os.devnull).open("w") as nowhere:
            agi = asterisk.agi.AGI(self.rfile, out, nowhere)
            for _ in range(int(agi.env["agi_arg_1"])):
                agi.set_variable("RINGDESK_X", VALUE)
        out.detach()


class _ThreadingServer(socketserver.ThreadingTCPServer):
    request_queue_size = 1_024
    daemon_threads = True
    disable_nagle_algorithm = True


def _serve_pyst2() -> None:
    asterisk.agi.signal.signal = lambda *_: None
    with _ThreadingServer(("127.0.0.1", 0), _Pyst2) as server:
        _ready(server.server_address[1])
        server.serve_forever()


def _ready(port: int) -> None:
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()


def main(role: str, *arguments: str) -> None:
    """`serve NAME`, or `load PORT SESSIONS`."""
    silence()
    if arguments[0] == "pyst2":
        _serve_pyst2()
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if role == "load":
            port, sessions, pause = int(arguments[0]), int(arguments[1]), float(arguments[2])

            async def load() -> dict[str, float]:
                return await Load(sessions, pause).run(port)

            print(json.dumps(runner.run(load())))
        else:
            runner.run(_serve_ours() if arguments[0] == "ours" else _serve_panoramisk())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""AMI: events a second, from the socket to a fact on the bus; ours, pyst2, panoramisk.

One process plays Asterisk: it greets, accepts the login and sends the recorded events of queued
calls (`bench/queued_call.ami`, recorded from Asterisk 22.10.1) as fast as they are read. The
contender runs in its own process and stops the clock at the last call's last hang-up. Ours
interprets what it wants and publishes facts on the in-process bus; the peers hand the same events
to a callback that counts: they do less. Ours and panoramisk run on uvloop.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import asterisk.manager
import panoramisk
import uvloop

from bench.harness import Figure, interleaved, of, run_apart, silence
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.bus import InProcessBus
from cti.events import Fact
from cti.interpret import WANTED_EVENTS, Interpreter

CALL = Path(__file__).with_name("queued_call.ami")
CALLS = {"ours": 4_000, "panoramisk": 1_000, "pyst2": 30}
HANGUPS = 2  # events of one call: the clock stops at the last


def run() -> list[Figure]:
    """Three rounds of each contender, interleaved."""
    results = interleaved(("ours", "panoramisk", "pyst2"), _measure, rounds=3)
    facts = f"{of(results, 'ours', 'facts_per_call') or 0:.0f} facts a call"
    return [
        Figure(
            name=f"AMI, socket to fact on the bus: {what}",
            unit=unit,
            better="higher" if target > 1 else "lower",
            ours=of(results, "ours", key),
            peers={peer: of(results, peer, key) for peer in ("panoramisk", "pyst2")},
            against="panoramisk",
            target=target,
            note=facts,
        )
        for key, what, unit, target in (
            ("events_per_second", "events", "events/s", 3.0),
            # The same by the processor's clock: what the rest of the machine does matters less.
            ("cpu_us", "processor time an event", "us", 1 / 3),
        )
    ]


def _measure(name: str) -> dict[str, float]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    # spawn, not fork: the generator must not share what the contenders imported
    feeder = multiprocessing.get_context("spawn").Process(
        target=_feed, args=(listener, CALLS[name])
    )
    feeder.start()
    listener.close()
    try:
        return run_apart("bench.ami", name, str(port), str(CALLS[name]))
    finally:
        feeder.join(5)
        if feeder.is_alive():
            feeder.kill()
            feeder.join(5)


def events_of(calls: int) -> list[bytes]:
    """The recording once for every call, each with ids of its own."""
    template = CALL.read_bytes().decode()
    made = []
    for number in range(calls):
        text = template
        for mark, value in (
            ("@A@", f"ringdesk-1-1795293454.{number * 2}"),
            ("@B@", f"ringdesk-1-1795293454.{number * 2 + 1}"),
            ("@C@", f"{number * 2:08x}"),
            ("@D@", f"{number * 2 + 1:08x}"),
            ("@G@", f"d3999bb9-5051-460f-a3ac-{number:012x}"),
            ("@T@", f"{1795293454 + number / 40:.6f}"),
        ):
            text = text.replace(mark, value)
        made.append(text.encode())
    return made


def _feed(listener: socket.socket, calls: int) -> None:
    made = events_of(calls)
    listener.settimeout(30)
    connection, _ = listener.accept()
    connection.settimeout(40)
    with connection, suppress(ConnectionError):  # the contender ends as it likes
        connection.sendall(b"Asterisk Call Manager/11.0.0\r\n")
        _answer(connection)  # the login
        if calls == CALLS["ours"]:
            _answer(connection)  # CoreStatus
            _answer(
                connection, "SystemName: ringdesk-1"
            )  # CoreSettings: forged events are told by it
            _answer(connection)  # Events
        for call in made:
            connection.sendall(call)
        while connection.recv(65536):  # the contender closes
            pass


def _answer(connection: socket.socket, *more: str) -> None:
    asked = b""
    while not asked.endswith(b"\r\n\r\n"):
        asked += connection.recv(65536)
    lines = asked.decode().split("\r\n")
    ids = [line for line in lines if line.lower().startswith("actionid:")]
    said = ("Response: Success", *ids, "Message: Authentication accepted", *more, "", "")
    reply = "\r\n".join(said)
    connection.sendall(reply.encode())


class Clock:
    """Counts hang-ups; from the first event seen to the last hang-up."""

    def __init__(self, calls: int, done: Callable[[], None]) -> None:
        self._left = calls * HANGUPS
        self._done = done
        self._calls = calls
        self.started = 0.0
        self.seconds = 0.0
        self._cpu = 0.0

    def event(self, name: str) -> None:
        """One wanted event was delivered."""
        if not self.started:
            self.started, self._cpu = time.perf_counter(), time.process_time()
        if name == "Hangup":
            self._left -= 1
            if not self._left:
                self.seconds = time.perf_counter() - self.started
                self._cpu = time.process_time() - self._cpu
                self._done()

    def result(self, facts: int) -> dict[str, float]:
        """Events a second of all that were sent, wanted or not."""
        events = self._calls * CALL.read_bytes().count(b"Event: ")
        return {
            "events_per_second": events / self.seconds,
            "cpu_us": self._cpu / events * 1e6,
            "facts_per_call": facts / self._calls,
        }


async def _ours(port: int, calls: int) -> dict[str, float]:
    done = asyncio.Event()
    clock = Clock(calls, done.set)
    bus = InProcessBus()
    interpreter = Interpreter("ringdesk-1", {"ava": "101"})
    facts = 0

    def counted(_fact: Fact) -> None:
        nonlocal facts
        facts += 1

    bus.subscribe(Fact, counted)

    def on_event(message: Message) -> None:
        for fact in interpreter.feed(message):
            bus.publish(fact)
        clock.event(message.name)

    async def on_up() -> None:
        return

    link = AmiLink(
        "127.0.0.1",
        port,
        "bench",
        "bench",
        wanted=WANTED_EVENTS,
        on_event=on_event,
        on_up=on_up,
        on_down=lambda _why: None,
    )
    task = asyncio.create_task(link.run())
    await done.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return clock.result(facts)


async def _panoramisk(port: int, calls: int) -> dict[str, float]:
    done = asyncio.Event()
    clock = Clock(calls, done.set)
    manager = panoramisk.Manager(
        host="127.0.0.1", port=port, username="bench", secret="bench", ping_delay=600
    )
    count = 0

    def counted(_manager: object, message: dict[str, str]) -> None:
        nonlocal count
        count += 1
        clock.event(message["event"])

    for name in WANTED_EVENTS:
        manager.register_event(name, counted)
    await manager.connect()
    await done.wait()
    manager.close()
    return clock.result(count)


def _pyst2(port: int, calls: int) -> dict[str, float]:
    done = threading.Event()
    clock = Clock(calls, done.set)
    count = 0

    def counted(event: Any, _manager: object) -> None:
        nonlocal count
        count += 1
        clock.event(event.name)

    manager = asterisk.manager.Manager()
    for name in WANTED_EVENTS:
        manager.register_event(name, counted)
    manager.connect("127.0.0.1", port)
    manager.login("bench", "bench")
    done.wait(40)
    return clock.result(count)


def contend(name: str, port: int, calls: int) -> dict[str, float]:
    """One contender's run, in this process."""
    if name == "pyst2":
        return _pyst2(port, calls)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run((_ours if name == "ours" else _panoramisk)(port, calls))


if __name__ == "__main__":
    silence()
    figures = contend(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write("\n" + json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)  # pyst2's threads know no end

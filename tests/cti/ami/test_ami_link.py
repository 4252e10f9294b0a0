"""The AMI link against a manager interface with behaviour; time is fired, never slept."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import structlog
import uvloop

from cti.ami import session as session_module
from cti.ami.errors import AmiBusy, AmiDown, AmiRefused, AmiTimeout, AmiUnsendable
from cti.ami.link import BACKOFF, PING_EVERY, PONG_WITHIN, AmiLink
from cti.ami.wire import Message

Fields = dict[str, str]
SOON = 5.0  # seconds: a test that waits longer is broken


class Asterisk:
    """A manager interface: logs in, answers what it is taught to, can fall silent or hang up."""

    def __init__(self) -> None:
        self.actions: asyncio.Queue[Fields] = asyncio.Queue()
        self.answers: dict[str, Callable[[Fields], str | None]] = {
            "login": lambda a: (
                "Response: Success\n\n"
                if a["Secret"] == "right"
                else "Response: Error\nMessage: no\n\n"
            ),
            "corestatus": lambda _: (
                "Response: Success\nCoreStartupDate: 2026-11-21\nCoreStartupTime: 20:32:29\n\n"
            ),
            # Without a name: what is told by it is in test_genuine.py.
            "coresettings": lambda _: "Response: Success\nSystemName: \n\n",
            "events": lambda _: "Response: Success\nEvents: On\n\n",
            "ping": lambda _: "Response: Success\nPing: Pong\n\n",
        }
        self.greeting = "Asterisk Call Manager/11.0.0\n"
        self.writer: asyncio.StreamWriter | None = None
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server
        self._server.close()
        self.hang_up()
        await self._server.wait_closed()

    def say(self, text: str) -> None:
        assert self.writer
        self.writer.write(text.replace("\n", "\r\n").encode())

    def hang_up(self) -> None:
        if self.writer:
            self.writer.close()

    def answer(self, action: Fields) -> str | None:
        taught = self.answers.get(action["Action"].lower())
        return taught(action) if taught else None

    async def heard(self, name: str) -> Fields:
        async with asyncio.timeout(SOON):
            while (action := await self.actions.get())["Action"] != name:
                pass
        return action

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.connections += 1
        self.say(self.greeting)
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action: Fields = {}
                for line in block.splitlines()[:-1]:
                    key, _, value = line.partition(": ")
                    action[key] = value if key not in action else f"{action[key]}|{value}"
                self.actions.put_nowait(action)
                answer = self.answer(action)
                if answer:
                    first, rest = answer.split("\n", 1)
                    self.say(f"{first}\nActionID: {action['ActionID']}\n{rest}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Clock:
    """`sleep` waits until the test fires it; `now` is what the test says."""

    def __init__(self) -> None:
        self.now_is = 0.0
        self.asked: asyncio.Queue[tuple[float, asyncio.Future[None]]] = asyncio.Queue()

    def now(self) -> float:
        return self.now_is

    async def sleep(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked.put_nowait((seconds, future))
        await future

    async def fire(self) -> float:
        """Let the next sleeper go; returns how long it wanted to sleep."""
        async with asyncio.timeout(SOON):
            seconds, future = await self.asked.get()
            while future.done():
                seconds, future = await self.asked.get()
        self.now_is += seconds
        future.set_result(None)
        return seconds


class World:
    def __init__(self, wanted: frozenset[str] | None = None) -> None:
        self.asterisk = Asterisk()
        self.clock = Clock()
        self.wanted = wanted
        self.events: list[Message] = []
        self.seen: asyncio.Queue[Message] = asyncio.Queue()
        self.ups: asyncio.Queue[str] = asyncio.Queue()
        self.downs: asyncio.Queue[str] = asyncio.Queue()
        self.on_up: Callable[[], Awaitable[None]] | None = None
        self.link: AmiLink

    def make(self, secret: str) -> AmiLink:
        self.link = AmiLink(
            "127.0.0.1",
            self.asterisk.port,
            "ringdesk",
            secret,
            wanted=self.wanted,
            on_event=self._event,
            on_up=self._up,
            on_down=self.downs.put_nowait,
            sleep=self.clock.sleep,
            now=self.clock.now,
            jitter=lambda: 1.0,
        )
        return self.link

    def _event(self, message: Message) -> None:
        if message.name == "Poison":
            raise RuntimeError("a listener's bug")
        self.events.append(message)
        self.seen.put_nowait(message)

    async def _up(self) -> None:
        self.ups.put_nowait(self.link.boot)
        if self.on_up:
            await self.on_up()

    async def event(self) -> Message:
        async with asyncio.timeout(SOON):
            return await self.seen.get()

    async def up(self) -> str:
        async with asyncio.timeout(SOON):
            return await self.ups.get()

    async def down(self) -> str:
        async with asyncio.timeout(SOON):
            return await self.downs.get()


@asynccontextmanager
async def running(
    wanted: frozenset[str] | None = None, *, key: str = "right", up: bool = True
) -> AsyncIterator[World]:
    world = World(wanted)
    await world.asterisk.start()
    task = asyncio.create_task(world.make(key).run())
    try:
        if up:
            await world.up()
        yield world
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await world.asterisk.stop()


@pytest.fixture
def logged() -> Iterator[list[dict[str, object]]]:
    with structlog.testing.capture_logs() as entries:
        yield entries  # structlog's entries are mutable mappings


async def test_it_logs_in_and_knows_when_asterisk_started() -> None:
    async with running() as world:
        assert world.link.connected
        assert world.link.boot == "2026-11-21 20:32:29"
        assert world.link.logins == 1
    assert await world.down() == "stopped"
    assert world.link.connected is False


async def test_a_late_answer_answers_nobody_else() -> None:
    """One late response shifts all after it in pyst2."""
    async with running() as world:
        with pytest.raises(AmiTimeout):
            await world.link.action("Slow", timeout=0.01)
        slow = await world.asterisk.heard("Slow")
        asking = asyncio.create_task(world.link.action("Quick"))
        quick = await world.asterisk.heard("Quick")
        world.asterisk.say(f"Response: Success\nActionID: {slow['ActionID']}\nFor: slow\n\n")
        world.asterisk.say(f"Response: Success\nActionID: {quick['ActionID']}\nFor: quick\n\n")
        assert (await asking).get("For") == "quick"


async def test_many_at_once_get_their_own_answers_in_any_order() -> None:
    async with running() as world:
        asking = [asyncio.create_task(world.link.action("Do", N=str(n))) for n in range(100)]
        heard = [await world.asterisk.heard("Do") for _ in asking]
        for action in reversed(heard):
            world.asterisk.say(
                f"Response: Success\nActionID: {action['ActionID']}\nN: {action['N']}\n\n"
            )
        assert [(await each).get("N") for each in asking] == [str(n) for n in range(100)]


async def test_a_refusal_carries_asterisks_words() -> None:
    async with running() as world:
        world.asterisk.answers["redirect"] = lambda _: (
            "Response: Error\nMessage: No such channel\n\n"
        )
        with pytest.raises(AmiRefused, match="No such channel") as refused:
            await world.link.action("Redirect", Channel="x")
        assert refused.value.message.name == "Error"


async def test_a_list_is_collected_while_live_events_go_on() -> None:
    """pyst2 swallows live events into list responses."""
    async with running(frozenset({"Hangup", "QueueMember"})) as world:
        asking = asyncio.create_task(world.link.listing("QueueStatus"))
        wanted = (await world.asterisk.heard("QueueStatus"))["ActionID"]
        world.asterisk.say(
            f"Response: Success\nActionID: {wanted}\nEventList: start\n\n"
            f"Event: QueueParams\nActionID: {wanted}\nQueue: a\n\n"
            "Event: Hangup\nUniqueid: 1\n\n"
            "Event: QueueMember\nQueue: live\n\n"
            "Event: OriginateResponse\nActionID: other\n\n"
            f"Event: QueueMember\nQueue: a\nActionID: {wanted}\n\n"
            f"Event: QueueStatusComplete\nActionID: {wanted}\nEventList: Complete\nListItems: 2\n\n"
        )
        assert [each.name for each in await asking] == ["QueueParams", "QueueMember"]
        assert [each.name for each in world.events] == ["Hangup", "QueueMember"]
        assert world.events[1].get("Queue") == "live"


async def test_two_lists_under_way_do_not_mix() -> None:
    async with running(frozenset()) as world:
        asking = [asyncio.create_task(world.link.listing("List", N=str(n))) for n in range(2)]
        heard = [await world.asterisk.heard("List") for _ in asking]
        ids = {action["N"]: action["ActionID"] for action in heard}
        for part in ("Response: Success\nEventList: start", "Event: Item", "Event: Item"):
            for n in "01":
                world.asterisk.say(f"{part}\nN: {n}\nActionID: {ids[n]}\n\n")
        for n in "10":
            world.asterisk.say(f"Event: Done\nEventList: Complete\nActionID: {ids[n]}\n\n")
        for number, each in enumerate(asking):
            assert [item.get("N") for item in await each] == [str(number)] * 2


async def test_a_list_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_ITEMS", 3)
    async with running(frozenset()) as world:
        asking = asyncio.create_task(world.link.listing("List"))
        wanted = (await world.asterisk.heard("List"))["ActionID"]
        world.asterisk.say(f"Response: Success\nActionID: {wanted}\nEventList: start\n\n")
        world.asterisk.say(f"Event: Item\nActionID: {wanted}\n\n" * 4)
        with pytest.raises(AmiBusy):
            await asking


async def test_a_list_that_never_completes_ends_in_time() -> None:
    async with running() as world:
        world.asterisk.answers["list"] = lambda _: "Response: Success\nEventList: start\n\n"
        with pytest.raises(AmiTimeout):
            await world.link.listing("List", timeout=0.01)


async def test_a_listeners_exception_stops_nobody(logged: list[dict[str, object]]) -> None:
    """In pyst2 one callback's exception stops all dispatch."""
    async with running() as world:
        world.asterisk.say("Event: Poison\nCard: 4111\n\nEvent: Hangup\n\n")
        assert (await world.event()).name == "Hangup"
    (entry,) = [each for each in logged if each["event"] == "ami.on_event_failed"]
    assert "RuntimeError" in str(entry)
    assert "4111" not in str(entry)
    assert "a listener's bug" not in str(entry)


async def test_pending_actions_fail_when_the_link_breaks() -> None:
    async with running() as world:
        asking = [asyncio.create_task(world.link.action("Do")) for _ in range(50)]
        asking.append(asyncio.create_task(world.link.listing("List")))
        await world.asterisk.heard("List")
        world.asterisk.hang_up()
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(each) for each in results} == {AmiDown}
        await world.down()
        assert not world.link.connected
        with pytest.raises(AmiDown):
            await world.link.action("Ping")


async def test_it_comes_back_for_ever_with_growing_bounded_waits() -> None:
    async with running(up=False) as world:
        await world.up()
        await world.clock.asked.get()  # the keep-alive's
        await world.asterisk.stop()
        assert "closed" in await world.down()
        waits = [await world.clock.fire() for _ in range(12)]
        assert waits[0] == BACKOFF[0]
        assert waits[1:5] == [1.0, 2.0, 4.0, 8.0]
        assert set(waits[5:]) == {BACKOFF[1]}
        await world.asterisk.start()
        await world.clock.fire()
        assert await world.up() == "2026-11-21 20:32:29"
        assert world.link.logins == 2
        assert world.downs.empty(), "attempts that failed are no new losses"


async def test_a_steady_link_starts_its_waits_anew() -> None:
    async with running() as world:
        for _ in range(3):
            world.clock.now_is += 100.0
            world.asterisk.hang_up()
            await world.down()
            while (wait := await world.clock.fire()) != BACKOFF[0]:
                assert wait == PING_EVERY, "the keep-alive's of the lost link"
            await world.up()


async def test_a_refused_login_is_tried_again_and_the_secret_stays_secret(
    logged: list[dict[str, object]],
) -> None:
    async with running(key="wrong", up=False) as world:
        await world.asterisk.heard("Login")
        assert await world.clock.fire() == BACKOFF[0]
        await world.asterisk.heard("Login")
        await world.clock.fire()
        assert not world.link.connected
        assert world.ups.empty()
        assert world.downs.empty(), "it was never up"
        assert "wrong" not in repr(world.link)
    assert "wrong" not in str(logged)
    assert "login failed" in str(logged)


async def test_no_ping_before_the_login() -> None:
    async with running(up=False) as world:
        await world.up()
        first = [world.asterisk.actions.get_nowait()["Action"] for _ in range(4)]
        assert first == ["Login", "CoreStatus", "CoreSettings", "Events"]
        assert await world.clock.fire() == PING_EVERY
        await world.asterisk.heard("Ping")


async def test_a_silent_peer_is_noticed_within_15_seconds() -> None:
    """A half-open link: our bytes go out, nothing comes back."""
    assert PING_EVERY + PONG_WITHIN < 15
    async with running() as world:
        assert await world.clock.fire() == PING_EVERY
        await world.asterisk.heard("Ping")
        world.asterisk.say("Event: Alive\n\n")
        await world.event()
        assert await world.clock.fire() == PONG_WITHIN
        assert await world.clock.fire() == PING_EVERY - PONG_WITHIN
        world.asterisk.answers.pop("ping")
        await world.asterisk.heard("Ping")
        assert world.link.connected
        assert await world.clock.fire() == PONG_WITHIN
        assert "silent" in await world.down()
        await world.clock.fire()
        await world.up()
        assert world.asterisk.connections == 2


async def test_events_arrive_while_the_resync_still_asks() -> None:
    async with running(up=False) as world:
        answered = asyncio.Event()

        async def resync() -> None:
            await world.link.listing("QueueStatus")
            answered.set()

        world.on_up = resync
        await world.up()
        wanted = (await world.asterisk.heard("QueueStatus"))["ActionID"]
        world.asterisk.say("Event: Hangup\n\n")
        assert (await world.event()).name == "Hangup"
        assert not answered.is_set()
        world.asterisk.say(
            f"Response: Success\nActionID: {wanted}\nEventList: start\n\n"
            f"Event: Done\nActionID: {wanted}\nEventList: Complete\n\n"
        )
        async with asyncio.timeout(SOON):
            await answered.wait()


async def test_a_resync_that_fails_cuts_the_link_and_is_tried_again() -> None:
    async with running(up=False) as world:

        async def broken() -> None:
            world.on_up = None
            raise AmiTimeout("no list")

        world.on_up = broken
        await world.up()
        assert "resync failed" in await world.down()
        while await world.clock.fire() != BACKOFF[0]:
            pass
        await world.up()
        assert world.link.connected


@pytest.mark.parametrize("greeting", ["", "HTTP/1.1 400 Bad Request\n\n"])
async def test_what_does_not_greet_gets_no_secret(
    greeting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.ami.link.CONNECT_TIMEOUT", 0.1)
    async with running(up=False) as world:
        world.asterisk.greeting = greeting
        await world.clock.fire()
        assert world.asterisk.actions.empty()


async def test_an_account_without_core_status_is_up_all_the_same() -> None:
    async with running(up=False) as world:
        world.asterisk.answers["corestatus"] = lambda _: "Response: Error\nMessage: denied\n\n"
        assert await world.up() == ""
        assert world.link.connected


async def test_repeated_headers_travel_in_order() -> None:
    async with running() as world:
        world.asterisk.answers["originate"] = lambda _: "Response: Success\n\n"
        variables = [("Variable", "A=1"), ("Variable", "B=2")]
        await world.link.action("Originate", headers=variables, Channel="PJSIP/ava", Timeout="3000")
        sent = await world.asterisk.heard("Originate")
        assert sent["Variable"] == "A=1|B=2"
        assert sent["Timeout"] == "3000"


@pytest.mark.parametrize("bad", ["\r\nAction: Command", "\n", "\0"])
async def test_what_must_not_travel_is_refused_and_harms_nothing(bad: str) -> None:
    async with running() as world:
        with pytest.raises(AmiUnsendable):
            await world.link.action("QueuePause", Interface=f"PJSIP/ava{bad}")
        with pytest.raises(AmiUnsendable):
            await world.link.pyst.hangup(f"PJSIP/ava{bad}")
        assert (await world.link.action("Ping")).get("Ping") == "Pong"
        await world.asterisk.heard("Ping")


async def test_too_many_under_way_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_PENDING", 2)
    async with running() as world:
        asking = [asyncio.create_task(world.link.action("Do")) for _ in range(2)]
        for _ in asking:
            await world.asterisk.heard("Do")
        with pytest.raises(AmiBusy):
            await world.link.action("Do")
        asking[0].cancel()
        await asyncio.gather(asking[0], return_exceptions=True)
        world.asterisk.answers["ping"] = lambda _: "Response: Success\n\n"
        await world.link.action("Ping")
        asking[1].cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_an_asterisk_that_does_not_read_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_UNSENT", -1)
    async with running(up=False) as world:
        # Even the login is not sent: the link gives up this connection and tries again.
        await world.clock.fire()
        assert world.asterisk.actions.empty()


def test_it_lives_on_uvloop_as_well() -> None:
    """What runs in production: its transports are no `asyncio.Transport`."""

    async def once() -> None:
        async with running() as world:
            assert (await world.link.action("Ping")).get("Ping") == "Pong"
            world.asterisk.say("Event: Hangup\n\n")
            await world.event()
            world.asterisk.hang_up()
            await world.down()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(once())

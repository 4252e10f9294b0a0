"""Every line of the log that belongs to a call names it: bus, bridge, intake, screens."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from agent_console.access import Viewer
from agent_console.i18n import load_all
from agent_console.live import commands
from agent_console.live.hub import Client
from config import logs
from cti.ami.wire import Message
from cti.bridge import AgentPlan, Bridge
from cti.bus import InProcessBus
from cti.conversation import call_id_of
from cti.events import CallArrived, CallFact
from cti.wishes import HangUp, Wish
from service_desk.desk import Desk, connect
from service_desk.intake import Intake
from service_desk.migrations import migrate

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CALL = call_id_of("x", "x-1.1")
SAID = "+4930555019 said this"


def arrived(number: str = "+4930555019") -> CallArrived:
    return CallArrived(
        at=NOW, system="x", call_id=CALL, leg_id="x-1.1", channel="PJSIP/carrier-1",
        direction="inbound", caller_number=number, caller_name="", dialed="2000",
    )  # fmt: skip


async def _fails(*_given: Any, **_more: Any) -> Any:
    raise RuntimeError(SAID)


def only(lines: list[Any], event: str) -> dict[str, Any]:
    """The one line of that event; nothing of what was said is in it."""
    found = [dict(line) for line in lines if line["event"] == event]
    assert len(found) == 1, lines
    assert SAID not in str(found[0])
    return found[0]


async def test_a_subscriber_that_fails() -> None:
    bus = InProcessBus()
    bus.subscribe(CallFact, _fails)
    with capture_logs() as lines:
        bus.publish(arrived())
        await bus.drained()
    assert only(lines, "bus.handler_failed")["call_id"] == CALL
    await bus.close()


async def test_a_wish_that_fails() -> None:
    bus = InProcessBus()

    async def serve(wish: Wish) -> Any:
        return await _fails(wish)

    bus.serve(serve)
    with capture_logs() as lines:
        await bus.request(HangUp(agent="ava", call_id=CALL))
    assert only(lines, "bus.wish_failed")["call_id"] == CALL


async def test_an_event_that_the_bridge_cannot_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the channel's ids, also when the call is none that it knows."""
    plans = {"ava": AgentPlan(name="ava", extension="101", queues={})}
    bridge = Bridge.over_ami(
        "127.0.0.1", 1, "x", "y", InProcessBus(), system="x", agents=plans, queues={}
    )

    def fails(_message: Message) -> Any:
        raise ValueError(SAID)

    monkeypatch.setattr(bridge.interpreter, "feed", fails)
    text = "Event: Hangup\r\nUniqueid: x-1.2\r\nLinkedid: x-1.1"
    with capture_logs() as lines, pytest.raises(ValueError, match="said"):
        bridge._take(Message(text, "Hangup", is_event=True))
    line = only(lines, "bridge.event_failed")
    assert (line["call_id"], line["event_name"]) == (CALL, "Hangup")


async def test_the_intake_names_the_call_of_a_case_and_of_a_fact_it_had_to_drop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"
    await migrate(url)
    desk = Desk(connect(url))
    intake = Intake(desk)
    bus = InProcessBus()
    logs.name_cases(bus)

    def publish(told: Any) -> None:
        bus.publish(told)
        raise RuntimeError(SAID)

    desk.outbox.publish = publish
    with capture_logs() as lines:
        await intake.start()
        intake.take(arrived())
        await intake.settled()
        opened = only(lines, "case.opened")
        assert opened["call_id"] == CALL
        assert opened["case"]
        assert only(lines, "desk.publish_failed")["call_id"] == CALL
        monkeypatch.setattr(desk, "transact", _fails)
        intake.take(arrived("+4930555020"))
        await intake.settled()
        assert only(lines, "intake.fact_refused")["call_id"] == CALL
        assert all(
            line["calls"] == [CALL] for line in lines if line["event"] == "intake.write_failed"
        )
        monkeypatch.undo()
        await intake.stop()
    await desk.close()


async def test_a_command_of_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what is logged below it, by those who know nothing of the call."""

    class Current:
        async def allowed(self, _client: Client) -> None:
            return None

    class Session:
        watch = Current()
        translator = load_all(("en",))["en"]
        viewer = Viewer(staff_id=1, user="ava", name="Ava", role="agent")
        client = Client(viewer, "en")

    async def fails(_session: Any, _command: Any) -> dict[str, Any]:
        commands.log.warning("deep.below")
        raise RuntimeError(SAID)

    table = dict(commands.COMMANDS)
    hang_up = table["hang_up"]
    table["hang_up"] = commands.Command(hang_up.schema, hang_up.permission, fails)
    monkeypatch.setattr(commands, "COMMANDS", table)
    with capture_logs(processors=[merge_contextvars]) as lines:
        await commands.carry_out(Session(), f'{{"id":1,"do":"hang_up","call_id":"{CALL}"}}')
        await commands.carry_out(Session(), '{"id":2,"do":"hang_up"}')
        commands.log.warning("after")
    assert only(lines, "deep.below")["call_id"] == CALL
    assert only(lines, "live.command_failed")["call_id"] == CALL
    assert "call_id" not in only(lines, "after")

"""The rendered files, and what a real Asterisk does with them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from config.own_asterisk import OwnAsterisk
from config.pbx import music_folder, refuse, render, write_sounds
from config.problems import Problem
from config.secrets import open_secrets
from config.settings import load
from cti.ami.link import AmiLink
from cti.ami.wire import Message
from cti.interpret import WANTED_EVENTS
from cti.interpret.kept import LOST_CAUSES
from cti.interpret.world import PARKING
from cti.journal import Journal
from cti.journal_records import VALUES
from ivr.sound import read_wav
from tests.config.lab import Lab, lab_settings, render_own, section
from tests.fakes.sip_client import SipClient, SipMessage
from tests.polling import until


def test_files_are_their_owners_alone_and_rendered_once(tmp_path: Path) -> None:
    settings = lab_settings(tmp_path)
    assert render_own(settings, tmp_path / "etc")
    assert not render_own(settings, tmp_path / "etc"), "nothing changed"
    for file in (tmp_path / "etc").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_a_file_of_ours_that_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    settings = lab_settings(tmp_path)
    render_own(settings, tmp_path)
    (tmp_path / "old.conf").write_text("; Rendered by Ringdesk\n")
    (tmp_path / "mine.conf").write_text("; somebody else's\n")
    assert render_own(settings, tmp_path)
    assert not (tmp_path / "old.conf").exists()
    assert (tmp_path / "mine.conf").exists()


@pytest.mark.parametrize(
    "value", ["a\nb", "a\r\nexten => x", "a;b", "a\0b", "tab\there", "del\x7f"]
)
def test_a_value_that_could_become_a_line_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"control character|semicolon"):
        refuse(value)


def test_a_trunks_password_cannot_write_lines(tmp_path: Path) -> None:
    text = (
        "queues: {support: {}}\nasterisk: {records: /r}\n"
        f"data: {{folder: {tmp_path}}}\n"
        "trunks: {carrier: {dial: 'sip:a.example', user: u, password_env: CARRIER}}\n"
    )
    (tmp_path / "s.yaml").write_text(text)
    settings, secrets = load(tmp_path / "s.yaml", {}), open_secrets(tmp_path, {})
    with pytest.raises(Problem, match="control character"):
        render(settings, tmp_path, secrets=secrets, environment={"CARRIER": "x\ncontext=evil"})
    with pytest.raises(Problem, match="set CARRIER"):
        render(settings, tmp_path, secrets=secrets, environment={})
    render(settings, tmp_path, secrets=secrets, environment={"CARRIER": "semi;colon"})
    assert "password = semi\\;colon" in (tmp_path / "pjsip.conf").read_text()


def test_agents_get_the_device_their_settings_name(files: dict[str, str]) -> None:
    pjsip = files["pjsip.conf"]
    assert "media_encryption = dtls" in section(pjsip, "ava")
    assert "webrtc" not in section(pjsip, "bob")
    assert "username = bob" in section(pjsip, "bob", "auth")
    assert "contact = sip:load2@127.0.0.1:7000" in section(pjsip, "load2", "aor")
    assert "match = 127.0.0.2" in section(pjsip, "carrier", "identify")
    assert "contact = sip:127.0.0.2:7080\\;transport=udp" in section(pjsip, "carrier", "aor")


def test_behind_a_nat_browsers_are_told_the_public_address(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        f"queues: {{support: {{}}}}\ndata: {{folder: {tmp_path / 'd'}}}\n"
        "asterisk: {sip: {public_address: 203.0.113.7, own_address: 10.0.0.7}}\n"
    )
    settings = load(tmp_path / "s.yaml", {})
    render_own(settings, tmp_path)
    assert "10.0.0.7 => 203.0.113.7" in (tmp_path / "rtp.conf").read_text()
    assert "external_media_address = 203.0.113.7" in (tmp_path / "pjsip.conf").read_text()


def test_who_loses_an_agents_device_is_kept_unless_the_settings_say_no(
    tmp_path: Path, files: dict[str, str]
) -> None:
    """By the causes that cti/interpret/kept.py names."""
    kept = section(files["extensions.conf"], "ringdesk-parted")
    causes = re.search(r"=~ \"\^10\*\(([0-9|]+)\)\$\"", kept)
    assert causes is not None
    assert {int(cause) for cause in causes[1].split("|")} == LOST_CAUSES
    handler = "set_var = CHANNEL(hangup_handler_push)=ringdesk-left,"
    assert f"{handler}agent,1" in section(files["pjsip.conf"], "bob")
    assert f"{handler}other,1" in section(files["pjsip.conf"], "carrier")
    render_own(replace(lab_settings(tmp_path), keep_caller=0), tmp_path / "never")
    text = (tmp_path / "never" / "extensions.conf").read_text()
    assert "(kept)" not in section(text, "ringdesk-parted")
    assert handler not in (tmp_path / "never" / "pjsip.conf").read_text()


def test_recorders_work_at_another_rate_than_the_music(tmp_path: Path) -> None:
    """Else a second agent's voice is missing (docs/decisions/017-a-second-voice.md)."""
    settings = lab_settings(tmp_path)
    write_sounds(settings)
    music = music_folder(settings)
    wide = music.with_name("ringdesk-wide")
    render_own(settings, tmp_path / "etc")
    text = (tmp_path / "etc" / "extensions.conf").read_text()
    assert f"Playback({wide})" in section(text, "ringdesk-record")
    assert wide.with_suffix(".sln16").read_bytes() == bytes(640)
    assert all(read_wav(file.read_bytes())[1] == 8_000 for file in music.iterdir())


def test_agents_who_are_signed_in_are_members_from_the_start(files: dict[str, str]) -> None:
    assert "member => PJSIP/load1,2,load1" in section(files["queues.conf"], "sales")
    assert "member" not in section(files["queues.conf"], "support")


def test_the_account_may_no_more_than_it_needs(files: dict[str, str]) -> None:
    manager = files["manager.conf"]
    for powerful in ("command", "config", "all", "dialplan"):
        assert not re.search(rf"^(read|write) = .*\b{powerful}\b", manager, re.MULTILINE)
    assert "read = system,call,agent,user\n" in manager
    assert "write = call,agent,originate,reporting\n" in manager
    assert "live_dangerously = no" in files["asterisk.conf"]
    for powerful in ("app_system", "func_shell", "pbx_spool", "app_originate"):
        assert not re.search(rf"^load = {powerful}", files["modules.conf"], re.MULTILINE)


def test_agents_may_pick_up_each_others_calls_and_park_them_callers_may_not(
    files: dict[str, str],
) -> None:
    assert "pickupexten = *8" in files["features.conf"]
    pjsip, dialplan = files["pjsip.conf"], files["extensions.conf"]
    assert "named_pickup_group = agents" in section(pjsip, "bob")
    assert "pickup_group" not in section(pjsip, "carrier")
    for reached in ("ringdesk-agents", "ringdesk-transfer"):
        lines = section(dialplan, reached)
        # Before the carrier's patterns, which would take any three digits.
        assert lines.index("include => ringdesk-parked") < lines.index("=> ringdesk-outside")
    assert "ringdesk-parked" not in section(dialplan, "ringdesk-inbound")
    lot = section(files["res_parking.conf"], "default")
    first, last = (int(x) for x in re.findall(r"parkpos = (\d+)-(\d+)", lot)[0])
    assert {"700", str(first), str(last)} <= PARKING
    assert len(PARKING) == last - first + 2


# ---- a real Asterisk ---------------------------------------------------------------------------


Menu = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@contextlib.asynccontextmanager
async def menu(lab: Lab, serve: Menu) -> AsyncIterator[None]:
    """A menu that does what `serve` says with each call."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await reader.readuntil(b"\n\n")
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", lab.settings.asterisk.agi.port)
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str) -> None:
    writer.write(line.encode() + b"\n")
    assert (await reader.readline()).startswith(b"200"), line


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _say(reader, writer, "SET VARIABLE RINGDESK_QUEUE sales")


async def _slow_step(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Renews the time for a step of 2 s, as the menu does, and then stays silent."""
    await _say(reader, writer, "SET VARIABLE TIMEOUT(absolute) 5")
    await asyncio.Event().wait()


async def _to_sales(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _say(reader, writer, "SET VARIABLE RINGDESK_QUEUE sales")
    await _say(reader, writer, "SET VARIABLE TIMEOUT(absolute) 0")
    await _say(reader, writer, "SET VARIABLE RINGDESK_NEXT queue")


async def _nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _say(reader, writer, 'SET VARIABLE RINGDESK_QUEUE "no,such(queue)"')
    await _say(reader, writer, "SET VARIABLE RINGDESK_NEXT queue")


@pytest.mark.journey
async def test_a_number_may_go_straight_to_its_queue(lab: Lab) -> None:
    async with lab.call("2000"):
        assert await lab.queued("support", within=5) < 1


@contextlib.asynccontextmanager
async def linked(
    lab: Lab, on_event: Callable[[Message], None] = lambda _: None
) -> AsyncIterator[AmiLink]:
    """Logged in with the account that we render."""
    up = asyncio.Event()

    async def on_up() -> None:
        up.set()

    ami = lab.settings.asterisk.ami
    password = open_secrets(lab.settings.data_folder, {}).ami_password
    link = AmiLink(
        ami.host,
        ami.port,
        ami.user,
        password,
        wanted=None,
        on_event=on_event,
        on_up=on_up,
        on_down=lambda _: None,
    )
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(15):
            await up.wait()
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.journey
async def test_the_account_hears_of_channels_queues_and_recordings_and_may_list_them(
    lab: Lab,
) -> None:
    """With the classes that it is given; it hears nothing of any other."""
    heard: dict[str, str] = {}
    through = asyncio.Event()

    def on_event(event: Message) -> None:
        heard[event.name] = event.get("Privilege")
        if event.name == "Hangup":
            through.set()

    async with asyncio.timeout(20), linked(lab, on_event) as link:
        assert link.boot
        await link.action("QueueAdd", Queue="sales", Interface="PJSIP/ava", MemberName="ava")
        await link.action("QueuePause", Interface="PJSIP/ava", Paused="true")
        assert {m.name for m in await link.listing("QueueStatus")} > {"QueueMember"}
        async with lab.call("2000"):
            await lab.queued("support", within=5)
            channels = await link.listing("CoreShowChannels")
            assert len(channels) == 1
            await link.action("Hangup", Channel=channels[0].get("Channel"))
            await through.wait()
    assert heard.keys() >= {"Newchannel", "MixMonitorStart", "QueueCallerJoin", "QueueMemberPause"}
    assert heard.keys() <= WANTED_EVENTS | {"FullyBooted"}
    assert set(heard.values()) <= {"system,all", "call,all", "agent,all"}


@pytest.mark.journey
async def test_phones_reach_no_number_of_premium_rate_but_always_help(lab: Lab) -> None:
    """Whoever dials one is told so; a caller handed on to one comes back to the default queue."""

    async def carried() -> list[str]:
        starts = [r for r in lab.records() if r["eventtype"] == "CHAN_START"]
        return [r["channame"] for r in starts if r["channame"].startswith("PJSIP/carrier")]

    async with asyncio.timeout(30), linked(lab) as link:
        for channel in (
            "Local/09001234567@ringdesk-agents",
            "Local/+499001234567@ringdesk-agents",
            "Local/00499001234567@ringdesk-transfer",
            "Local/112@ringdesk-agents",
        ):
            await link.action(
                "Originate",
                Channel=channel,
                Context="ringdesk-queue",
                Exten="sales",
                Priority="1",
                Async="true",
            )
            await lab.queued("support" if "transfer" in channel else "sales", within=5)
            if "112" not in channel:
                assert await carried() == []
        assert len(await until(carried, bool)) == 1


@pytest.mark.journey
async def test_whom_nobody_fetches_from_parking_waits_again(lab: Lab) -> None:
    """In their own queue, not at the telephone that parked them: it may ring for nobody."""
    async with linked(lab) as link, lab.call("3000"):
        [lot] = await link.listing("Parkinglots")
        assert (lot.get("StartSpace"), lot.get("StopSpace")) == ("701", "720")
        await lab.queued("sales", within=6)
        names = [each.get("Channel") for each in await link.listing("CoreShowChannels")]
        [caller] = [name for name in names if name.startswith("PJSIP/carrier-")]
        await link.action("Park", Channel=caller, Timeout="1000")

        async def times() -> int:
            queued = (r for r in lab.records() if r["eventtype"] == "APP_START")
            return sum(str(r["appdata"]).startswith("sales,") for r in queued)

        await until(times, lambda number: number == 2)


@pytest.mark.journey
async def test_the_menu_sends_a_caller_to_a_queue(lab: Lab) -> None:
    async with menu(lab, _to_sales), lab.call("1000"):
        assert await lab.queued("sales", within=5) < 1


@pytest.mark.journey
async def test_the_menu_is_told_which_conversation_it_serves(lab: Lab) -> None:
    """By the linkedid, as the live side names a call; it need not be this channel's own id."""
    told: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told.set_result(await reader.readuntil(b"\n\n"))
        writer.close()

    port = lab.settings.asterisk.agi.port
    async with await asyncio.start_server(handle, "127.0.0.1", port), lab.call("1000"):
        environment = (await asyncio.wait_for(told, 5)).decode().splitlines()
        await lab.queued("support", within=5)
    start = next(r for r in lab.records() if r["eventtype"] == "CHAN_START")
    assert f"agi_arg_1: {start['linkedid']}" in environment
    assert "agi_network_script: flow/1000" in environment


@pytest.mark.journey
async def test_a_menu_that_refuses_costs_nothing(lab: Lab) -> None:
    async with lab.call("1000"):
        assert await lab.queued("support", within=5) < 1


@pytest.mark.journey
async def test_a_menu_that_is_silent_costs_three_seconds(lab: Lab) -> None:
    async with menu(lab, _silent), lab.call("1000"):
        assert await lab.queued("support", within=8) < 3.5


@pytest.mark.journey
async def test_a_menu_that_is_stopped_costs_three_seconds(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", lab.settings.asterisk.agi.port)):
        # A stopped process still accepts: the kernel does it, into the backlog.
        async with lab.call("1000"):
            assert await lab.queued("support", within=8) < 3.5


@pytest.mark.journey
async def test_a_menu_that_falls_silent_in_a_step_costs_that_step_and_three_seconds(
    lab: Lab,
) -> None:
    async with menu(lab, _slow_step), lab.call("1000"):
        assert 4.5 < await lab.queued("support", within=10) < 5.8


@pytest.mark.journey
async def test_a_menu_that_is_cut_costs_nothing_and_its_half_wish_does_not_count(lab: Lab) -> None:
    async with menu(lab, _cut), lab.call("1000"):
        assert await lab.queued("support", within=5) < 1


@pytest.mark.journey
async def test_a_queue_that_does_not_exist_is_the_default_queue(lab: Lab) -> None:
    async with menu(lab, _nonsense), lab.call("1000"):
        assert await lab.queued("support", within=5) < 1


@pytest.mark.journey
@pytest.mark.parametrize("number", ["4930555", "support", "+49*7", "t2", "+49" + "5" * 29])
async def test_any_number_reaches_somebody(lab: Lab, number: str) -> None:
    async with lab.call(number):
        assert await lab.queued("support", within=5) < 1


@pytest.mark.journey
async def test_after_the_longest_wait_comes_the_overflow_queue(lab: Lab) -> None:
    async with lab.call("3000"):
        assert 0.9 < await lab.queued("sales", within=6) < 3


@contextlib.asynccontextmanager
async def asked_menu(lab: Lab) -> AsyncIterator[asyncio.Queue[str]]:
    """A menu that hangs up, and what it was asked."""
    asked: asyncio.Queue[str] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\n\n")).decode()
        asked.put_nowait(re.findall(r"^agi_network_script: (.*)$", head, re.MULTILINE)[0])
        await _say(reader, writer, "SET VARIABLE RINGDESK_NEXT hangup")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", lab.settings.asterisk.agi.port)
    try:
        yield asked
    finally:
        server.close()


@pytest.mark.journey
async def test_where_nobody_is_signed_in_the_menu_is_told_closed(lab: Lab) -> None:
    """Where the settings say so; and who waits when the last one goes, waits no longer."""
    async with asked_menu(lab) as asked:
        async with asyncio.timeout(10), lab.call("5000"):
            assert await asked.get() == "after/closed"
        await lab.says("queue add member PJSIP/load1 to strict")
        async with asyncio.timeout(10), lab.call("5000"):
            await lab.queued("strict", within=5)
            await lab.says("queue remove member PJSIP/load1 from strict")
            assert await asked.get() == "after/closed"


@pytest.mark.journey
async def test_whose_time_is_up_while_a_telephone_rings_waits_no_longer(lab: Lab) -> None:
    """The agent would be rung for 20 s."""
    password = open_secrets(lab.settings.data_folder, {}).sip_password("bob")

    def rings(client: SipClient, request: SipMessage) -> None:
        client.reply(request, "180 Ringing" if request.method == "INVITE" else "200 OK")

    async with asked_menu(lab) as asked, SipClient(lab.sip, answer_with=rings) as bob:
        await bob.ask(
            "REGISTER", "sip:127.0.0.1", user="bob", to="sip:bob@127.0.0.1", password=password
        )
        await lab.says("queue add member PJSIP/bob to impatient")
        async with asyncio.timeout(12), lab.call("6000"):
            await bob.until(lambda m: m.method == "INVITE" and not m.status)
            assert await asked.get() == "after/timeout"


@pytest.mark.journey
@pytest.mark.parametrize("number", ["h", "T", "x${SHELL(id)}", "2000%0d%0ax", "2000%09"])
async def test_a_name_with_a_meaning_is_no_number(lab: Lab, number: str) -> None:
    async with lab.call(number):
        with pytest.raises(TimeoutError):
            await lab.queued("support", within=1)


@pytest.mark.journey
async def test_when_queue_and_menu_both_fail_the_caller_goes_to_the_default_queue(lab: Lab) -> None:
    async with lab.call("4000"):
        assert 0.9 < await lab.queued("support", within=6) < 3


@pytest.mark.journey
async def test_after_a_queue_that_gave_up_the_menu_decides(lab: Lab) -> None:
    async with menu(lab, _to_sales), lab.call("4000"):
        assert 0.9 < await lab.queued("sales", within=6) < 3


@pytest.mark.journey
async def test_a_stranger_gets_no_call(lab: Lab) -> None:
    async with lab.call("1000", source="127.0.0.3"):
        with pytest.raises(TimeoutError):
            await lab.queued("support", within=1.5)
    assert not [r for r in lab.records() if r["eventtype"] == "CHAN_START"]


@pytest.mark.journey
async def test_what_asterisk_writes_is_for_its_owner_alone(lab: Lab) -> None:
    """Call records and recordings hold who called and what was said."""
    async with lab.call("2000"):
        await lab.queued("support", within=5)
    modes = {file.name: file.stat().st_mode & 0o077 for file in _files(lab.settings.records_folder)}
    assert modes
    assert not any(modes.values()), modes


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.iterdir() if file.is_file()]


@pytest.mark.journey
async def test_a_running_asterisk_is_taken_over(lab: Lab) -> None:
    second = OwnAsterisk(lab.settings, open_secrets(lab.settings.data_folder, {}))
    await second.start()
    assert second.adopted
    await second.stop()
    await asyncio.wait_for(second.ended(), 5)


@pytest.mark.journey
async def test_a_port_in_use_is_one_clear_line(tmp_path: Path, asterisk: object) -> None:
    settings = lab_settings(tmp_path)
    own = OwnAsterisk(settings, open_secrets(settings.data_folder, {}))
    taken = socket.create_server(("127.0.0.1", settings.asterisk.ami.port))
    with taken, pytest.raises(Problem, match=r"port \d+ .*asterisk\.ami\.port"):
        await own.start()
    assert own.pid is None


@pytest.mark.journey
async def test_records_are_in_the_form_and_order_that_the_journal_reads(lab: Lab) -> None:
    async with lab.call("2000"):
        await lab.queued("support", within=5)
    batch = Journal(lab.settings.records_folder, "lab-1").read({})
    assert batch.rejects == []
    told = [line.record for line in batch.lines]
    record = next(each for each in told if each.eventtype == "CHAN_START")
    assert record.exten == "2000"
    assert "-lab-1-" in record.uniqueid
    assert abs(record.eventtime - time.time()) < 60
    assert record.system == "lab-1"
    said = {each.userdeftype: each.extra() for each in told}
    assert said["ringdesk-recording"]["extra"].endswith(f"{record.uniqueid}.wav")
    # Asterisk may cut a record: what a caller can make long stands last.
    assert VALUES[-4:] == ("exten", "num", "dnid", "name")


@pytest.mark.journey
async def test_the_records_tell_why_a_queue_let_a_caller_go(lab: Lab) -> None:
    """No other record does: a caller who gave up and a time that was up look alike."""
    async with lab.call("4000"):
        told = await until(lambda: _said(lab), lambda said: "ringdesk-queue" in said)
    assert told["ringdesk-queue"] == "TIMEOUT"


async def _said(lab: Lab) -> dict[str, str]:
    """What the dialplan wrote into the records itself."""
    return {
        each["userdeftype"]: json.loads(each["eventextra"])["extra"]
        for each in lab.records()
        if each["userdeftype"]
    }

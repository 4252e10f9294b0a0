"""A call served: real verbs on a peer that answers as Asterisk does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
import structlog
from msgspec import field
from structlog.testing import capture_logs

from cti.agi.channel import Channel
from cti.agi.errors import AgiClosed, AgiDead, AgiEnded, AgiHangup
from cti.agi.wire import Reply
from cti.conversation import call_id_of
from ivr import trail
from ivr.counter import Counter, Routes
from ivr.desk_port import CallerIdentity, CaseSaid, Step, Words
from ivr.flow import Flow
from ivr.prompts import Prompts
from ivr.simulate import CannedDesk
from ivr.sound import write_wav
from ivr.telling import PATIENT_TRIES, TRIES, Wish

CALL_ID = call_id_of("pbx", "pbx-1.1")

FLOW = """\
languages: [en, zh]
start: who
after: {full: message, timeout: message, closed: message}
nodes:
  who: {kind: identify, label: Caller, next: language}
  language: {kind: language, label: Language, prompt: {en: For English 1, zh: 请按二},
             options: {1: en, 2: zh}, next: menu}
  menu: {kind: menu, label: {en: Menu, zh: 菜单}, prompt: {en: Menu, zh: 菜单},
         options: {1: q, 3: card, 4: message}, give_up: q}
  card: {kind: collect, label: Card, prompt: {en: Card, zh: 卡}, max: 16, sensitive: true, next: q,
         give_up: q}
  q: {kind: queue, label: {en: Sales, zh: 销售}, queue: sales, priority: 3,
      max_wait: 120, full: message}
  message: {kind: message, label: Message, prompt: {en: Speak, zh: 请说}, next: bye}
  bye: {kind: hangup}
"""


class Asterisk:
    """A peer with a caller at the other end, who presses `keys` in turn and may hang up."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.typing: list[str] | None = None  # what is left of the answer being typed
        self.verbs: list[tuple[str, ...]] = []
        self.variables: dict[str, str] = {}
        self.spoken_seconds = 0.0  # into a recording
        self.ends: dict[int, AgiEnded] = {}  # at the so-manieth key
        self.asked = 0
        self.hung_up_recording = False
        self.lost_recording = False
        self.silence_ended_it = False
        self.loudness = 5_000

    async def ask(self, line: bytes, within: float) -> Reply:
        words = shlex.split(line.decode())
        name = " ".join(word for word in words[:3] if word.isupper() and word.isalpha())
        arguments = words[len(name.split()) :]
        self.verbs.append((name, *arguments))
        match name:
            case "SET VARIABLE":
                self.variables[arguments[0]] = arguments[1]
            case "GET FULL VARIABLE":
                value = self.variables.get(arguments[0].removeprefix("${URIENCODE(${")[:-3], "")
                return Reply(200, "1", quote(value)) if value else Reply(200, "0")
            case "GET DATA":
                rest, self.typing = "".join(self.typing or ())[: int(arguments[2])], None
                return Reply(200, rest, "timeout")
            case "STREAM FILE":
                self.typing = None
            case "WAIT FOR DIGIT":
                key = self._key()
                return Reply(200, str(ord(key)) if key else "0")
            case "RECORD FILE":
                return self._record(arguments[0])
        return Reply(200, "0")

    def _key(self) -> str:
        if self.typing is None:
            self.asked += 1
            if self.asked in self.ends:
                raise self.ends[self.asked]
            self.typing = list(self.keys.pop(0)) if self.keys else []
        return self.typing.pop(0) if self.typing else ""

    def _record(self, file: str) -> Reply:
        count = int(self.spoken_seconds * 8_000)
        Path(f"{file}.wav").write_bytes(write_wav([self.loudness, 0] * (count // 2)))
        if self.lost_recording:
            raise AgiClosed("gone")
        if self.hung_up_recording:
            self.typing = None
            return Reply(200, "-1", "hangup", count)
        if self.silence_ended_it:
            return Reply(200, "26982", "timeout", count)  # as 22.10.1 says it
        return Reply(200, "35", "dtmf", count)

    def did(self, verb: str) -> list[tuple[str, ...]]:
        return [each[1:] for each in self.verbs if each[0] == verb]


class Desk(CannedDesk):
    """May be slow, failing or silent."""

    slow: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    ids: list[str] = field(default_factory=list)

    async def _mood(self, verb: str) -> None:
        if verb in self.broken:
            raise RuntimeError("the database is away; 4111111111111111")
        if verb in self.slow:
            await asyncio.Event().wait()

    async def identify(self, call_id: str, caller_number: str) -> CallerIdentity:
        self.ids.append(call_id)
        await self._mood("identify")
        return await super().identify(call_id, caller_number)

    async def case_status(self, digits: str, caller_number: str) -> CaseSaid | None:
        await self._mood("case_status")
        return await super().case_status(digits, caller_number)

    async def queue_is_full(self, queue: str) -> bool:
        await self._mood("queue_is_full")
        return await super().queue_is_full(queue)

    async def note_path(
        self, call_id: str, language: str, steps: list[Step], choice: Words | None = None
    ) -> None:
        await self._mood("note_path")
        await super().note_path(call_id, language, steps, choice)


class Humming:
    def identity(self, language: str) -> str:
        return "hum"

    async def speak(self, text: str, language: str) -> bytes:
        return write_wav([9_000, -9_000] * 4_000)


class Table:
    """A counter with its desk."""

    def __init__(self, flow: Flow, folder: Path, **settings: object) -> None:
        self.desk = Desk(identity=CallerIdentity(customer_id=7, matches=1))
        self.prompts = Prompts(folder / "prompts", Humming())
        self.recordings = folder / "recordings"
        self.counter = Counter(
            routes=Routes(
                flows={"main": flow},
                dids={"1000": "main"},
                default_flow="main",
                queues={"2000": "support"},
            ),
            desk=self.desk,
            prompts=self.prompts,
            recordings=self.recordings,
            zone=ZoneInfo("Europe/Berlin"),
            system="pbx",
            now=lambda: datetime(2026, 11, 23, 9, tzinfo=UTC),
            desk_within=0.05,
        )

    async def serve(
        self,
        asterisk: Asterisk,
        script: str = "flow/1000",
        number: str = "+49301",
        uniqueid: str = "pbx-1.1",
    ) -> None:
        environment = {
            "agi_uniqueid": uniqueid,
            "agi_network_script": script,
            "agi_callerid": number,
            "agi_arg_1": "pbx-1.1",
        }
        try:
            await self.counter(Channel(asterisk, environment))
        finally:
            await self.counter.close()


@pytest.fixture
async def table(make_flow: Callable[..., Flow], tmp_path: Path) -> Table:
    flow = make_flow(FLOW)
    found = Table(flow, tmp_path)
    assert await found.prompts.prepare(flow) == []
    return found


async def test_a_call_goes_to_its_queue_with_everything_set(table: Table) -> None:
    asterisk = Asterisk("2", "1")
    await table.serve(asterisk)
    assert asterisk.variables["RINGDESK_QUEUE"] == "sales"
    assert asterisk.variables["QUEUE_PRIO"] == "3"
    assert asterisk.variables["RINGDESK_MAXWAIT"] == "120"
    assert asterisk.variables["CHANNEL(language)"] == "zh"
    assert asterisk.variables["TIMEOUT(absolute)"] == "0"
    assert asterisk.verbs[-1] == ("SET VARIABLE", "RINGDESK_NEXT", "queue")
    assert ("ANSWER",) in asterisk.verbs
    assert table.desk.languages == [(7, "zh")]
    assert table.desk.ids == [CALL_ID]
    assert table.desk.paths == [
        [
            ("Caller", "known", ""),
            ("Language", "2", ""),
            ("Menu", "1", "菜单"),
            ("Sales", "", "销售"),
        ]
    ]


async def test_a_later_channel_of_a_call_speaks_for_the_same_call(table: Table) -> None:
    """Somebody we rang up, handed to a queue that gave up: the message is on that call's case."""
    asterisk = Asterisk("1", "1")
    await table.serve(asterisk, uniqueid="pbx-1.2")
    assert table.desk.ids == [CALL_ID]


async def test_the_dead_mans_switch_is_fed_before_every_step(table: Table) -> None:
    asterisk = Asterisk("2", "3", "4111")
    await table.serve(asterisk)
    allowed = None
    for verb, *arguments in asterisk.verbs:
        if arguments[:1] == ["TIMEOUT(absolute)"]:
            allowed = float(arguments[1])
        elif verb in ("GET DATA", "STREAM FILE", "RECORD FILE", "WAIT FOR DIGIT"):
            assert allowed is not None
            assert allowed > 3
    # 1 s of prompt, 5 s for the first key, 16 digits at 3 s each, 3 s of margin.
    assert "57" in [arguments[1] for arguments in asterisk.did("SET VARIABLE")]
    assert asterisk.verbs[0] == ("SET VARIABLE", "TIMEOUT(absolute)", "8")


async def test_nothing_comes_after_next(table: Table) -> None:
    for keys in (("2", "1"), (), ("1", "4")):
        asterisk = Asterisk(*keys)
        await table.serve(asterisk)
        assert asterisk.verbs[-1][:2] == ("SET VARIABLE", "RINGDESK_NEXT")
        assert asterisk.verbs[-2] == ("SET VARIABLE", "TIMEOUT(absolute)", "0")


async def test_sensitive_digits_reach_neither_log_nor_desk_nor_channel(table: Table) -> None:
    asterisk = Asterisk("2", "3", "4111111111111111")
    table.desk.broken = {"queue_is_full", "note_path"}
    table.counter.telling = type(table.counter.telling)(pauses=(0.0,))
    structlog.reset_defaults()
    with capture_logs() as logs:
        await table.serve(asterisk)
    assert "4111" not in repr((logs, table.desk, asterisk.variables))
    assert any(entry["event"] == "ivr.desk_gave_up" for entry in logs)


@pytest.mark.parametrize("mood", ["slow", "broken"])
async def test_a_desk_that_is_away_never_keeps_a_caller(table: Table, mood: str) -> None:
    setattr(table.desk, mood, {"identify", "case_status", "queue_is_full", "note_path"})
    table.counter.telling = type(table.counter.telling)(pauses=(0.0,), within=0.1)
    asterisk = Asterisk("1", "1")
    async with asyncio.timeout(5):
        await table.serve(asterisk)
    assert asterisk.variables["RINGDESK_NEXT"] == "queue"
    assert asterisk.variables["RINGDESK_QUEUE"] == "sales"


async def test_a_full_queue_leaves_a_message(table: Table) -> None:
    table.desk.full.add("sales")
    asterisk = Asterisk("1", "1")
    asterisk.spoken_seconds = 4
    await table.serve(asterisk)
    assert table.desk.messages == [(f"messages/{CALL_ID}.wav", 4.0)]
    assert (table.recordings / "messages" / f"{CALL_ID}.wav").exists()
    assert asterisk.variables["RINGDESK_NEXT"] == "hangup"
    [arguments] = asterisk.did("RECORD FILE")
    assert arguments[0] == str(table.recordings / "messages" / CALL_ID)
    assert "BEEP" not in arguments


async def test_a_click_is_no_message_and_leaves_no_file(table: Table) -> None:
    asterisk = Asterisk("1", "4")
    asterisk.spoken_seconds = 0.5
    await table.serve(asterisk)
    assert table.desk.messages == []
    assert list((table.recordings / "messages").iterdir()) == []


async def test_silence_is_no_message_although_asterisk_keeps_its_last_second(
    table: Table,
) -> None:
    asterisk = Asterisk("1", "4")
    asterisk.spoken_seconds, asterisk.silence_ended_it = 1.02, True
    await table.serve(asterisk)
    assert table.desk.messages == []


@pytest.mark.parametrize("how", ["hung_up_recording", "lost_recording"])
async def test_a_handset_put_down_without_a_word_is_no_message(table: Table, how: str) -> None:
    asterisk = Asterisk("1", "4")
    asterisk.spoken_seconds, asterisk.loudness = 4, 20
    setattr(asterisk, how, True)
    with contextlib.suppress(AgiClosed):
        await table.serve(asterisk)
    assert table.desk.messages == []


async def test_a_second_message_does_not_overwrite_the_first(table: Table) -> None:
    for _ in range(2):
        asterisk = Asterisk("1", "4")
        asterisk.spoken_seconds = 2
        await table.serve(asterisk)
    files = [file for file, _ in table.desk.messages]
    assert files == [f"messages/{CALL_ID}.wav", f"messages/{CALL_ID}-2.wav"]


@pytest.mark.parametrize("how", ["hung_up_recording", "lost_recording"])
async def test_hanging_up_ends_a_message_and_keeps_it(table: Table, how: str) -> None:
    asterisk = Asterisk("1", "4")
    asterisk.spoken_seconds = 3
    setattr(asterisk, how, True)
    try:
        await table.serve(asterisk)
    except AgiClosed:
        assert how == "lost_recording"
    assert table.desk.messages == [(f"messages/{CALL_ID}.wav", 3.0)]
    assert table.desk.paths[-1][-1] == ("Message", "3 s", "")


async def test_where_a_message_lies_is_told_with_patience(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way through the menu may be lost in an outage, a message may not."""
    patience: dict[str, int] = {}
    tell = table.counter.telling.tell

    def told(what: str, wish: Wish, *, tries: int = TRIES) -> asyncio.Task[None]:
        patience[what] = tries
        return tell(what, wish, tries=tries)

    monkeypatch.setattr(table.counter.telling, "tell", told)
    asterisk = Asterisk("1", "4")
    asterisk.spoken_seconds = 4.0
    await table.serve(asterisk)
    assert patience["message"] == PATIENT_TRIES > patience["path"]


@pytest.mark.parametrize("end", [AgiHangup("x"), AgiDead("x"), AgiClosed("x")])
async def test_each_end_of_a_call_notes_the_way_so_far(table: Table, end: AgiEnded) -> None:
    asterisk = Asterisk("2")
    asterisk.ends[2] = end
    with pytest.raises(type(end)):
        await table.serve(asterisk)
    assert table.desk.paths == [[("Caller", "known", ""), ("Language", "2", "")]]
    assert "RINGDESK_NEXT" not in asterisk.variables


async def test_a_did_may_lead_straight_to_a_queue(table: Table) -> None:
    asterisk = Asterisk()
    await table.serve(asterisk, "flow/2000")
    assert asterisk.variables["RINGDESK_QUEUE"] == "support"
    assert asterisk.variables["RINGDESK_NEXT"] == "queue"
    assert "RINGDESK_MAXWAIT" not in asterisk.variables  # the queue's own
    assert asterisk.did("STREAM FILE") == []


@pytest.mark.parametrize("script", ["flow/9999", "flow/", "", "flow/../../etc", "nonsense/1"])
async def test_any_other_script_gets_the_default_flow(table: Table, script: str) -> None:
    asterisk = Asterisk("1", "1")
    await table.serve(asterisk, script)
    assert asterisk.variables["RINGDESK_QUEUE"] == "sales"


async def test_after_a_queue_gave_up_the_way_goes_on(table: Table) -> None:
    first = Asterisk("2", "1")
    await table.serve(first)
    again = Asterisk()
    again.variables = dict(first.variables)
    again.spoken_seconds = 2
    await table.serve(again, "after/timeout")
    assert again.variables["RINGDESK_NEXT"] == "hangup"
    assert table.desk.paths[-1] == [*table.desk.paths[0], ("Message", "2 s", "")]


@pytest.mark.parametrize("script", ["after/full", "after/closed", "after/", "after/unheard-of"])
async def test_after_any_reason_a_call_without_a_past_leaves_a_message(
    table: Table, script: str
) -> None:
    asterisk = Asterisk()
    asterisk.variables = {trail.PATH: "%%%", trail.FLOW: "nope"}
    asterisk.spoken_seconds = 2
    await table.serve(asterisk, script)
    assert len(table.desk.messages) == 1


async def test_a_menu_with_holes_is_not_played(table: Table) -> None:
    bare = Table(table.counter.routes.flows["main"], table.recordings / "elsewhere")
    asterisk = Asterisk("1")
    await bare.serve(asterisk)
    assert asterisk.verbs[-1] == ("SET VARIABLE", "RINGDESK_NEXT", "queue")
    assert "RINGDESK_QUEUE" not in asterisk.variables


@pytest.mark.parametrize("number", ["", "anonymous", '"><img src=x>', "a\udcffb", "1" * 5_000])
async def test_strange_numbers_are_served(table: Table, number: str) -> None:
    asterisk = Asterisk("1", "1")
    await table.serve(asterisk, number=number)
    assert asterisk.variables["RINGDESK_NEXT"] == "queue"


def test_the_trail_survives_anything() -> None:
    steps = (Step("Menü", "1", "菜单"), Step("号码", "4711"))
    assert trail.read(trail.write(steps)) == steps
    long = tuple(Step(f"step {number}" * 20, "x") for number in range(200))
    kept = trail.read(trail.write(long))
    assert 1 < len(kept) <= 60
    assert kept[-1] == long[-1]
    assert len(trail.write(long)) <= trail.MAX_LENGTH
    for text in (None, "", "x", "é", "AAAA", "W10=", "eyJhIjoxfQ=="):
        assert trail.read(text) == ()


async def test_a_menu_that_starts_tells_what_the_one_before_could_not(
    make_flow: Callable[..., Flow], tmp_path: Path
) -> None:
    table = Table(make_flow(FLOW), tmp_path)
    name = f"messages/{call_id_of('pbx', '1.1')}.wav"
    file = table.recordings / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(write_wav([9_000, 0] * 8_000))
    past = time.time() - 3600
    os.utime(file, (past, past))
    table.counter.tell_leftovers()
    (work,) = [task for task in asyncio.all_tasks() if task.get_name() == "ivr-leftovers"]
    await asyncio.wait_for(work, 5)
    await table.counter.close()
    assert table.desk.messages == [(name, 2.0)]

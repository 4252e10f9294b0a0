"""Callers whose names, numbers and dialled digits may be anything, through a real Asterisk: no
record of theirs is lost, none is forged, and each call is one story."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cti.call_details import CallDetail, parse_detail
from cti.events import CallArrived, CallEnded
from cti.journal import Journal
from cti.journal_reader import JournalReader
from cti.journal_records import Record
from tests.conftest import need
from tests.fakes.ami_recording import EXTENSIONS
from tests.recordings.stage import Stage

CALLS = 160
FEWEST = 60  # of them that Asterisk must have taken: SIP itself refuses some
WAIT = 3.0  # seconds for a message, and for the records of a call
ACCOUNT = "ringdesk-1"
NUMBERS = itertools.count(1)

# What a SIP header can carry: no line end, nor the NUL that no text has.
HEADER = st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"])
NASTY = st.sampled_from(
    ['"', "\\", '","', '\\"', "\t", "%0d%0a", "\x01", "}", "你好", "é", ";", "<"]
)
NAME = st.one_of(st.text(HEADER, max_size=40), st.lists(NASTY, max_size=20).map("".join))
# In an address all of Unicode can stand, escaped: Asterisk decodes it, line ends too.
FORGED = '\n"ringdesk-1","HANGUP","1795353028.5","","{}","{}","PJSIP/carrier-00000000"\n'
USER = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
    st.lists(st.one_of(NASTY, st.sampled_from(["\n", "\r\n"])), max_size=10).map("".join),
    st.just(FORGED),
)


class House:
    """An Asterisk with the product's files on a loop of its own, and a carrier without manners."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.2", 0))  # the carrier's address
        self.socket.settimeout(WAIT)
        self.cursor: dict[str, int] = {}
        self.taken = 0

    def run(self, what: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(what, self._loop)
        return future.result(60)

    def start(self) -> None:
        self.run(self.stage.__aenter__())
        records = self.stage.settings.records_folder
        details = self.stage.settings.data_folder / "asterisk" / "log" / "cdr-csv"
        self.journal = Journal(records, ACCOUNT)
        self.details = Journal(details, ACCOUNT, "Master.csv", parse=parse_detail)
        after = time.time() + 3_600  # when no thread is late any more
        self.reader = JournalReader(Journal(records, ACCOUNT), EXTENSIONS, now=lambda: after)
        self.known: dict[str, int] = {}

    def stop(self) -> None:
        self.socket.close()
        if hasattr(self, "journal"):
            self.run(self.stage.__aexit__())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # One call

    def call(self, name: str, user: str, dialled: str) -> int:
        """Call, and hang up once it is answered; the final status, 0 if there is no answer."""
        number = next(NUMBERS)
        there = ("127.0.0.1", self.stage.settings.asterisk.sip.port)
        own = self.socket.getsockname()
        shown = name.replace("\\", "\\\\").replace('"', '\\"')
        said = f'From: "{shown}" <sip:{escaped(user)}@127.0.0.2>;tag=t{number}\r\n'
        to = f"<sip:{escaped(dialled)}@127.0.0.1:{there[1]}>"

        def send(method: str, cseq: int, to: str, more: str = "", body: str = "") -> None:
            text = (
                f"{method} sip:{escaped(dialled)}@127.0.0.1:{there[1]} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP {own[0]}:{own[1]};branch=z9hG4bK{number}{method};rport\r\n"
                f"Max-Forwards: 70\r\n{said}To: {to}\r\nCall-ID: c{number}\r\n"
                f"CSeq: {cseq} {method}\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
            )
            self.socket.sendto(text.encode(), there)

        sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
        sdp += "m=audio 40000 RTP/AVP 8\r\n"
        contact = f"Contact: <sip:c@{own[0]}:{own[1]}>\r\n"
        send("INVITE", 1, to, contact + "Content-Type: application/sdp\r\n", sdp)
        reply = self._final(number, 1)
        if reply:
            send("ACK", 1, header(reply, "To"))
        status = int(reply.split()[1]) if reply else 0
        if status == 200:
            send("BYE", 2, header(reply, "To"))
            self._final(number, 2)
        return status

    def _final(self, number: int, cseq: int) -> str:
        """The final response to this call's request; empty if Asterisk does not understand it."""
        for _ in range(50):
            try:
                text = self.socket.recv(65_535).decode("utf-8", "replace")
            except TimeoutError:
                return ""
            mine = header(text, "Call-ID") == f"c{number}"
            ours = mine and header(text, "CSeq").startswith(f"{cseq} ")
            if ours and text.startswith("SIP/2.0") and int(text.split()[1]) >= 200:
                return text
        return ""

    # What Asterisk wrote

    def records(self) -> list[Record]:
        """The records since the last time, once the last of a call is there."""
        found: list[Record] = []
        for _ in range(int(WAIT / 0.01)):
            batch = self.journal.read(self.cursor)
            self.cursor = batch.cursor
            assert all(each.used for each in batch.rejects), batch.rejects
            found += [line.record for line in batch.lines]
            if any(record.eventtype == "LINKEDID_END" for record in found):
                return found
            threading.Event().wait(0.01)  # Asterisk writes a moment after it answered
        return found


def escaped(user: str) -> str:
    return quote(user, safe="") or "%20"


def header(text: str, name: str) -> str:
    lines = (line.partition(":") for line in text.split("\r\n"))
    return next((value.strip() for key, _, value in lines if key.lower() == name.lower()), "")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    need("asterisk")
    made = House(tmp_path_factory.mktemp("calls"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@settings(max_examples=CALLS, deadline=None, suppress_health_check=list(HealthCheck))
@given(NAME, USER, st.one_of(st.just("1000"), st.just("1000"), st.just("1000"), USER))
def one_call(house: House, name: str, user: str, dialled: str) -> None:
    """Its records are all there, in order, of one channel, with our mark; and no others."""
    if user == FORGED:  # with ids that are there, though a caller knows none
        known = [*house.known, "b3059b-ringdesk-1-1795353028.0"]
        user = user.format(known[0], known[0])
    if house.call(name, user, dialled) != 200:
        return  # no SIP to Asterisk, or no extension of ours: no call, and below no record
    told = house.records()
    [channel] = {record.uniqueid for record in told}
    assert {record.linkedid for record in told} == {channel}
    assert all(record.system == ACCOUNT for record in told)
    assert channel not in house.known
    house.known[channel] = len(told)
    kinds = [record.eventtype for record in told]
    assert kinds[0] == "CHAN_START"
    assert kinds[-3:] == ["HANGUP", "CHAN_END", "LINKEDID_END"]
    assert {record.channame.partition("-")[0] for record in told} == {"PJSIP/carrier"}
    house.taken += 1


def test_whatever_callers_send_each_call_is_one_story(house: House) -> None:
    one_call(house)
    assert house.taken >= FEWEST, f"only {house.taken} of {CALLS} were calls"
    rejected = 0
    arrived: list[str] = []
    ended: list[str] = []
    while (portion := house.reader.next()) is not None:
        rejected += sum(not each.used for each in portion.rejects)
        arrived += [f.leg_id for f in portion.facts if isinstance(f, CallArrived)]
        ended += [f.call_id for f in portion.facts if isinstance(f, CallEnded)]
        if not portion.records:
            break
    assert rejected == 0
    assert sorted(arrived) == sorted(house.known), "a call lost, or one made up"
    assert len(ended) == len(set(ended)) == len(house.known)
    details = house.details.read({}, 1 << 30)
    assert details.rejects == []
    witnessed = [line.record for line in details.lines]
    assert all(isinstance(each, CallDetail) for each in witnessed)
    assert {each.uniqueid for each in witnessed} == set(house.known)

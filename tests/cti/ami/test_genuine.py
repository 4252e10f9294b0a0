"""Events that a caller had Asterisk write are told from Asterisk's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.genuine import Genuine
from cti.ami.session import AmiSession
from cti.ami.wire import AmiParser, Message

MARK = "905a5c-lab-1"
# Seen: what one INVITE with `%0d%0a` in its user part made of Newchannel.
NEWCHANNEL = (
    "Event: Newchannel\r\nPrivilege: call,all\r\nTimestamp: 1796135618.652782\r\n"
    "SystemName: 905a5c-lab-1\r\nChannel: PJSIP/carrier-00000000\r\nChannelState: 4\r\n"
    "ChannelStateDesc: Ring\r\nCallerIDNum: {number}\r\nCallerIDName: {name}\r\n"
    "ConnectedLineNum: <unknown>\r\nLanguage: en\r\nAccountCode: \r\nContext: ringdesk-inbound\r\n"
    "Exten: 2000\r\nPriority: 1\r\nUniqueid: 905a5c-lab-1-1796135618.0\r\n"
    "Linkedid: 905a5c-lab-1-1796135618.0\r\n\r\n"
)
ITEM = (
    "Event: CoreShowChannel\r\nActionID: {asked}\r\nChannel: PJSIP/carrier-00000000\r\n"
    "CallerIDNum: {number}\r\nCallerIDName: <unknown>\r\nUniqueid: 905a5c-lab-1-1796135618.0\r\n"
    "Linkedid: 905a5c-lab-1-1796135618.0\r\n\r\n"
)
FORGED = {
    "another event": "x\r\n\r\nEvent: AgentCalled\r\nQueue: support\r\nUniqueid: u\r\n",
    "another that names us": "x\r\n\r\nEvent: PeerStatus\r\nSystemName: lab-1\r\nPeer: PJSIP/ava",
    "an id before the true one": "x\r\nUniqueid: 905a5c-lab-1-1796135618.7",
    "a name before the true one": "x\r\nCallerIDName: The Queen",
    "a whole event with ids of its own": (
        "x\r\nCallerIDName: y\r\nUniqueid: 1796135618.7\r\nLinkedid: 1796135618.7\r\n\r\nEvent: z"
    ),
    "an answer": "x\r\n\r\nResponse: Success\r\nActionID: ringdesk-1\r\n",
}


class Heard:
    """A session that knows its Asterisk, and what it handed on."""

    def __init__(self) -> None:
        self.events: list[Message] = []
        self.session = AmiSession(None, self.events.append)
        self.session.trust_only(MARK)
        self.session.data_received(b"Asterisk Call Manager/11.0.0\r\n")

    def tell(self, text: str) -> None:
        self.session.data_received(text.encode("utf-8", "surrogateescape"))


@pytest.fixture
async def heard() -> Heard:
    return Heard()


async def test_asterisks_own_events_are_handed_on(heard: Heard) -> None:
    heard.tell(NEWCHANNEL.format(number="+4930123", name='Bob "B" \\ Builder: 1'))
    heard.tell(
        "Event: QueueCallerJoin\r\nPrivilege: agent,all\r\nSystemName: 905a5c-lab-1\r\n"
        "ChanVariable: A=1\r\nChanVariable: B=2\r\nUniqueid: 905a5c-lab-1-1.2\r\nLinkedid: \r\n\r\n"
    )
    heard.tell(
        "Event: BridgeEnter\r\nSystemName: 905a5c-lab-1\r\nBridgeUniqueid: d3999bb9\r\n"
        "Uniqueid: 905a5c-lab-1-1.2\r\nLinkedid: 905a5c-lab-1-dial-5.3\r\n\r\n"
    )
    assert [m.name for m in heard.events] == ["Newchannel", "QueueCallerJoin", "BridgeEnter"]
    assert heard.session.refused == 0


@pytest.mark.parametrize("number", FORGED.values(), ids=FORGED)
async def test_what_a_caller_wrote_is_refused_and_counted(heard: Heard, number: str) -> None:
    heard.tell(NEWCHANNEL.format(number=number, name="<unknown>"))
    told = [(m.name, m.get("Uniqueid")) for m in heard.events]
    assert told in ([], [("Newchannel", "")]), "nothing that names an id"
    assert heard.session.refused >= 1


async def test_an_event_that_only_seems_to_come_from_us_is_refused(heard: Heard) -> None:
    padding = "x" * 300
    heard.tell(f"Event: AgentCalled\r\nQueue: {padding}\r\nSystemName: {MARK}\r\n\r\n")
    heard.tell("Event: AgentCalled\r\nSystemName: 905a5c-lab-12\r\n\r\n")
    heard.tell("Event: AgentCalled\r\nSystemName: lab-1\r\n\r\n")
    assert heard.events == []
    assert heard.session.refused == 3


async def test_nobody_can_guess_what_answers_us() -> None:
    class Wire:
        sent = b""

        def write(self, data: bytes) -> None:
            self.sent += data

        def get_write_buffer_size(self) -> int:
            return 0

        def get_extra_info(self, _name: str) -> None:
            return None

    ids = []
    for _ in range(2):
        session, wire = AmiSession(None, lambda _: None), Wire()
        session.connection_made(wire)  # type: ignore[arg-type] # only what is written matters
        ids.append(session.post("Ping", ()))
        assert len(ids[-1].split("-")[1]) == 12
    assert ids[0] != ids[1]


@pytest.mark.parametrize("number", FORGED.values(), ids=FORGED)
def test_no_item_of_a_list_is_believed_for_an_id_that_a_caller_wrote(number: str) -> None:
    parser = AmiParser()
    text = "Asterisk Call Manager/11\r\n" + ITEM.format(asked="ringdesk-1-1", number=number)
    genuine = Genuine(MARK)
    for message in parser.feed(text.encode()):
        if message.is_event and genuine.item(message):
            assert message.get("Uniqueid") in {"", "u"} or message.name != "CoreShowChannel"


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_whatever_a_caller_says_no_event_speaks_of_another_call(said: str) -> None:
    parser, genuine = AmiParser(), Genuine(MARK)
    text = "Asterisk Call Manager/11\r\n" + NEWCHANNEL.format(number=said, name=said)
    for message in parser.feed(text.encode()):
        if message.is_event and genuine.event(message):
            assert message.name == "Newchannel"
            assert message.get("Uniqueid") in {"", "905a5c-lab-1-1796135618.0"}

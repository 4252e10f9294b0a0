"""The AMI wire: whatever the bytes and wherever they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ami.errors import AmiUnsendable
from cti.ami.wire import MAX_HEADERS, MAX_LINE, AmiParser, Message, encode_action, message

# From Asterisk 22.10.1.
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
HANGUP = (
    b"Event: Hangup\r\nPrivilege: call,all\r\nSystemName: ringdesk-1\r\n"
    b"Channel: PJSIP/carrier-00000001\r\nChannelState: 6\r\nAccountCode: \r\n"
    b"ChanVariable(PJSIP/carrier-00000001): A=1\r\nChanVariable: B=2\r\nChanVariable: C=a: b=3\r\n"
    b"CallerIDName: Ann \xe9\xff Example\r\nUniqueid: ringdesk-1-1795293454.38\r\n"
    b"Cause: 16\r\nCause-txt: Normal Clearing\r\n\r\n"
)
RESPONSE = (
    b"Response: Success\r\nActionID: 9\r\nMessage: Command output follows\r\n"
    b"Output: [ Context 'agi' created by 'pbx_config' ]\r\nOutput: \r\n"
    b"Output: -= 1 extension =-\r\n\r\n"
)
VARSET = b"Event: VarSet\r\nPrivilege: dialplan,all\r\nVariable: X\r\nValue: a\nb\rc\r\n\r\n"
ITEM = b"Event: CoreShowChannel\r\nActionID: 7\r\nChannel: PJSIP/ava-1\r\n\r\n"

blocks = st.lists(
    st.one_of(
        st.sampled_from(
            [HANGUP, RESPONSE, VARSET, ITEM, b"\r\n", b"junk: 1\r\n\r\n", b"\xff\r\n\r\n"]
        ),
        st.binary(max_size=200),
        st.binary(max_size=60).map(lambda body: b"Event: VarSet\r\nX: " + body + b"\r\n\r\n"),
        st.integers(60, 900).map(lambda size: b"Event: Hangup\r\nX: " + b"x" * size + b"\r\n\r\n"),
    ),
    max_size=12,
).map(b"".join)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def read(parser: AmiParser, chunks: list[bytes]) -> list[Message]:
    return [each for chunk in chunks for each in parser.feed(chunk)]


@given(blocks, st.lists(st.integers(0, 5_000), max_size=30), st.booleans(), st.booleans())
def test_messages_are_the_same_however_the_bytes_are_cut(
    data: bytes, at: list[int], greeted: bool, all_wanted: bool
) -> None:
    data = BANNER + data if greeted else data
    wanted = None if all_wanted else {"Hangup"}
    whole, pieces = AmiParser(wanted, max_message=300), AmiParser(wanted, max_message=300)
    assert read(whole, [data]) == read(pieces, cut(data, at))
    assert (whole.dropped, whole.skipped) == (pieces.dropped, pieces.skipped)
    assert whole.banner == pieces.banner


@pytest.mark.parametrize("max_message", range(len(HANGUP) - 8, len(HANGUP) + 3))
def test_a_message_around_the_longest_is_the_same_byte_by_byte(max_message: int) -> None:
    data = HANGUP + RESPONSE
    whole, single = AmiParser(max_message=max_message), AmiParser(max_message=max_message)
    got = read(whole, [BANNER + data])
    assert got == read(single, [bytes([byte]) for byte in BANNER + data])
    assert whole.dropped == single.dropped == (0 if max_message >= len(HANGUP) - 4 else 1)
    assert got[-1].name == "Success"


@given(st.binary(max_size=3_000))
def test_no_bytes_raise(data: bytes) -> None:
    parser = AmiParser(max_message=500)
    for each in parser.feed(data):
        assert each.name is not None
        each.headers()
        assert isinstance(each.get("X"), str)


def test_every_header_is_kept_also_repeated_empty_and_non_utf8_ones() -> None:
    (hangup,) = AmiParser().feed(HANGUP)
    assert hangup.is_event
    assert hangup.name == "Hangup" == hangup.get("Event")
    assert hangup.get("AccountCode", "default") == ""
    assert hangup.get("Account", "default") == "default"
    assert hangup.get("Cause") == "16"
    assert hangup.get("Cause-txt") == "Normal Clearing"
    assert hangup.all("ChanVariable") == ["B=2", "C=a: b=3"]
    assert hangup.get("CallerIDName").encode("utf-8", "surrogateescape") == b"Ann \xe9\xff Example"
    assert hangup.text.encode("utf-8", "surrogateescape") + b"\r\n\r\n" == HANGUP


def test_an_output_keeps_all_its_lines() -> None:
    """pyst2 keeps only the last."""
    (response,) = AmiParser().feed(BANNER + RESPONSE)
    assert len(response.all("Output")) == 3
    assert response.action_id == "9"
    assert not response.is_event


def test_a_lone_cr_or_lf_belongs_to_its_value() -> None:
    (varset,) = AmiParser().feed(VARSET)
    assert varset.get("Value") == "a\nb\rc"


def test_an_event_may_have_a_response_header() -> None:
    text = b"Event: OriginateResponse\r\nActionID: 1\r\nResponse: Failure\r\n\r\n"
    (event,) = AmiParser().feed(text)
    assert event.get("Response") == "Failure"
    assert event.is_event


def test_unwanted_events_are_skipped_but_for_the_items_of_a_list_under_way() -> None:
    parser = AmiParser({"Hangup"})
    data = HANGUP + VARSET + ITEM + RESPONSE
    assert [each.name for each in parser.feed(data)] == ["Hangup", "Success"]
    assert parser.skipped == 2
    parser.keep_answers = True
    assert [each.name for each in parser.feed(data)] == ["Hangup", "CoreShowChannel", "Success"]


@pytest.mark.parametrize(
    "name",
    [
        "status will follow",
        "Follows",
        "--END COMMAND--",
        "Response: Follows",
        "a/b",
        "Event: X",
        ":",
    ],
)
def test_no_callers_name_changes_how_the_rest_is_read(name: str) -> None:
    """In pyst2 a certain caller id freezes the reader for good; a ChanVariable does so too."""
    data = f"Event: NewCallerid\r\nCallerIDName: {name}\r\nChanVariable: {name}\r\n\r\n".encode()
    first, second = AmiParser().feed(BANNER + data + HANGUP)
    assert first.get("CallerIDName") == first.get("ChanVariable") == name
    assert second.name == "Hangup"


def test_garbage_is_counted_and_survived() -> None:
    parser = AmiParser()
    junk = b"\x00\xff: what\r\n\r\nResponse\r\n\r\n" + b"x" * 5_000 + b"\r\n\r\n"
    assert [each.name for each in parser.feed(junk + HANGUP)] == ["Hangup"]
    assert parser.dropped == 3


def test_an_endless_message_is_not_kept_in_memory() -> None:
    parser = AmiParser(max_message=1_000)
    for _ in range(5_000):
        assert parser.feed(b"Event: X\r\nA: " + b"y" * 1_000) == []
    assert sum(map(len, parser._parts)) < 3_000
    assert parser.feed(b"\r\n\r\n" + HANGUP)[0].name == "Hangup"
    assert parser.dropped == 1


def test_a_message_never_shows_its_values() -> None:
    assert "4111" not in repr(message(("Event", "UserEvent"), ("Card", "4111")))


names = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True).filter(
    lambda name: name not in {"Event", "Response", "Action"}
)
values = st.text(max_size=80).filter(lambda text: not set(text) & set("\r\n\0"))


@given(names, st.lists(st.tuples(names, values.filter(lambda v: v.isprintable())), max_size=20))
def test_what_is_sent_reads_back(name: str, headers: list[tuple[str, str]]) -> None:
    data = encode_action(name, headers)
    assert data.count(b"\r\n") == len(headers) + 2
    (back,) = AmiParser().feed(data.replace(b"Action: ", b"Response: ", 1))
    assert back.headers()[1:] == headers


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "x\r\nAction: Originate", "\r\n\r\n"])
def test_cr_lf_and_nul_are_refused_everywhere_and_the_header_is_named(bad: str) -> None:
    for name, headers in (
        (f"Ping{bad}", []),
        ("Ping", [("Fine", "1"), ("Bad", f"a{bad}")]),
        ("Ping", [(f"Bad{bad}", "a")]),
    ):
        with pytest.raises(AmiUnsendable) as refused:
            encode_action(name, headers)
        assert isinstance(refused.value, ValueError)
    with pytest.raises(AmiUnsendable, match=r"^Secret: ") as refused:
        encode_action("Login", [("Secret", f"hush{bad}")])
    assert "hush" not in str(refused.value)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_an_action_is_always_exactly_one_message(name: str, key: str, value: str) -> None:
    try:
        data = encode_action(name, [(key, value)])
    except AmiUnsendable:
        return
    assert data.count(b"\n") == data.count(b"\r") == 3
    assert data.endswith(b"\r\n\r\n")
    assert b"\0" not in data


@pytest.mark.parametrize("key", ["", "a b", "a:b", "é", "a" * 81])
def test_what_is_no_headers_name_is_refused(key: str) -> None:
    with pytest.raises(AmiUnsendable):
        encode_action("Ping", [(key, "1")])


def test_asterisks_bounds_are_kept() -> None:
    assert encode_action("A", [("V", "1")] * (MAX_HEADERS - 1)).count(b"V: 1") == MAX_HEADERS - 1
    with pytest.raises(AmiUnsendable):
        encode_action("A", [("V", "1")] * MAX_HEADERS)
    longest = "x" * (MAX_LINE - len("V: \r\n"))
    assert max(map(len, encode_action("A", [("V", longest)]).splitlines(keepends=True))) == MAX_LINE
    with pytest.raises(AmiUnsendable):
        encode_action("A", [("V", longest + "x")])
    with pytest.raises(AmiUnsendable):
        encode_action("A", [("V", "\ud800")])

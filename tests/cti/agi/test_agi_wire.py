"""The AGI wire: whatever the bytes and wherever they are cut."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.agi.errors import AgiGarbled, AgiUnsendable
from cti.agi.wire import (
    HANGUP,
    MAX_COMMAND,
    MAX_REPLY,
    AgiParser,
    Environment,
    Item,
    Reply,
    encode_command,
    quote,
)

# From Asterisk 22.10.1, shortened.
ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: flow/1000\n"
    b"agi_request: agi://127.0.0.1:4573/flow/1000\nagi_channel: PJSIP/carrier-00000001\n"
    b"agi_uniqueid: ringdesk-1-1795293213.1\nagi_callerid: unknown\n"
    b"agi_calleridname: A \xe9: \xff\nagi_accountcode: \n\n"
)
USAGE = (
    b"520-Invalid command syntax.  Proper usage follows:\n"
    b"Waits up to <replaceable>timeout</replaceable> milliseconds.\n520 End of proper usage.\n"
)
LINES = [
    b"200 result=0\n",
    b"200 result=1 (x)y (z) endpos=3)\n",
    b"200 result=-1 endpos=0\n",
    b"200 result=0 (timeout) endpos=48000\n",
    b"200 result= (timeout)\n",
    b"510 Invalid or unknown command\n",
    b"511 Command Not Permitted on a dead channel or intercept routine\n",
    b"520 Invalid command syntax.\n",
    b"HANGUP\n",
    b"100 Trying...\n",
    USAGE,
]


def read(chunks: list[bytes]) -> tuple[list[Item], bool]:
    """The items, and whether it ended in garbage."""
    parser, items = AgiParser(), []
    for chunk in chunks:
        try:
            items += parser.feed(chunk)
        except AgiGarbled:
            return items + parser.ready, True
    return items, False


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in at})
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


streams = st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=40)), max_size=12).map(
    b"".join
)


@given(streams, st.lists(st.integers(0, 3_000), max_size=20), st.booleans())
def test_items_are_the_same_however_the_bytes_are_cut(
    data: bytes, at: list[int], proper: bool
) -> None:
    data = ENVIRONMENT + data if proper else data
    assert read([data]) == read(cut(data, at))


@given(st.lists(st.sampled_from(LINES), max_size=12))
def test_what_asterisk_says_is_never_garbage(lines: list[bytes]) -> None:
    items, garbled = read([ENVIRONMENT, *lines])
    assert not garbled
    assert len(items) == 1 + len(lines) - lines.count(b"100 Trying...\n")


@given(st.binary(max_size=3_000))
def test_no_bytes_raise_but_as_documented(data: bytes) -> None:
    read([data])
    read([ENVIRONMENT + data])


def test_the_environment_keeps_bytes_that_are_no_utf8() -> None:
    """pyst2 dies of them."""
    (environment,) = AgiParser().feed(ENVIRONMENT)
    assert isinstance(environment, Environment)
    name = environment.values["agi_calleridname"]
    assert name.encode("utf-8", "surrogateescape") == b"A \xe9: \xff"
    assert environment.values["agi_accountcode"] == ""
    assert environment.values["agi_network_script"] == "flow/1000"


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (LINES[0], Reply(200, "0")),
        (LINES[1], Reply(200, "1", "x)y (z) endpos=3")),
        (LINES[2], Reply(200, "-1", None, 0)),
        (LINES[3], Reply(200, "0", "timeout", 48_000)),
        (LINES[4], Reply(200, "", "timeout")),
        (LINES[5], Reply(510, text="Invalid or unknown command")),
        (LINES[7], Reply(520, text="Invalid command syntax.")),
        (b"200 result=1 (hangup)\n", Reply(200, "1", "hangup")),
        (b"200 result=1 ()\n", Reply(200, "1", "")),
        (LINES[8], HANGUP),
    ],
)
def test_replies_read_as_asterisk_means_them(line: bytes, reply: Item) -> None:
    assert read([ENVIRONMENT, line])[0][1:] == [reply]


def test_a_520_of_several_lines_is_one_reply() -> None:
    """One on a single line (above) makes pyst2 spin for ever."""
    items, _ = read([ENVIRONMENT, USAGE, LINES[0]])
    assert [item.code for item in items[1:] if isinstance(item, Reply)] == [520, 200]


def feed_for_long(parser: AgiParser, chunk: bytes) -> None:
    for _ in range(MAX_REPLY // len(chunk) + 2):
        parser.feed(chunk)


@pytest.mark.parametrize(
    ("start", "chunk"),
    [
        (b"", b"agi_x: " + b"x" * 992 + b"\n"),
        (b"", b"x" * 1_000),
        (ENVIRONMENT, b"x" * 1_000),
        (ENVIRONMENT + b"520-Usage\n", b"x" * 999 + b"\n"),
    ],
)
def test_endless_input_is_bounded(start: bytes, chunk: bytes) -> None:
    parser = AgiParser()
    parser.feed(start)
    with pytest.raises(AgiGarbled):
        feed_for_long(parser, chunk)


def test_a_long_reply_is_read_in_linear_time() -> None:
    """pyst2's pattern takes 18 s for this one."""
    line = b"200 result=1 (" + b"(" * (MAX_REPLY - 100) + b")\n"
    started = time.process_time()
    items, garbled = read([ENVIRONMENT, line])
    assert not garbled
    assert isinstance(items[1], Reply)
    assert len(items[1].data or "") == MAX_REPLY - 100
    assert time.process_time() - started < 1.0


def unquoted(line: str) -> list[str]:
    """A line's arguments as Asterisk's res_agi takes them apart (parse_args)."""
    words: list[str] = []
    word, quoted, escaped, between = "", False, False, True
    for char in line:
        if char == '"' and not escaped:
            quoted = not quoted
            if quoted and between:
                between = False
        elif char in " \t" and not quoted and not escaped:
            if not between:
                words.append(word)
                word, between = "", True
        elif char == "\\" and not escaped:
            escaped = True
            continue
        else:
            word, between = word + char, False
        escaped = False
    return words if between else [*words, word]


sendable = st.text(max_size=60).filter(lambda text: not set(text) & set("\r\n\0"))


@given(st.lists(sendable, max_size=6))
def test_arguments_read_back_whatever_is_in_them(arguments: list[str]) -> None:
    line = encode_command("SET VARIABLE", *arguments)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    text = line.decode()[:-1]
    assert unquoted(text) == ["SET", "VARIABLE", *arguments]


@pytest.mark.parametrize("bad", ["\r", "\n", "\0", "x\nHANGUP", '"\r\nEXEC System id'])
def test_cr_lf_and_nul_are_refused_everywhere(bad: str) -> None:
    with pytest.raises(AgiUnsendable) as refused:
        quote(f"4111{bad}")
    assert "4111" not in str(refused.value)
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        encode_command("SET VARIABLE", "X", bad)
    with pytest.raises(AgiUnsendable):
        encode_command(f"NOOP{bad}")


def test_a_line_never_spills_into_a_second_command() -> None:
    fits = "x" * (MAX_COMMAND - len('VERBOSE ""\n'))
    assert len(encode_command("VERBOSE", fits)) == MAX_COMMAND
    with pytest.raises(AgiUnsendable):
        encode_command("VERBOSE", fits + "x")
    with pytest.raises(AgiUnsendable):
        encode_command("VERBOSE", '"' * (len(fits) // 2 + 1))
    with pytest.raises(AgiUnsendable):
        encode_command("VERBOSE", "\ud800")


def test_bytes_that_are_no_utf8_go_back_as_they_came() -> None:
    assert encode_command("VERBOSE", "\udcff") == b'VERBOSE "\xff"\n'

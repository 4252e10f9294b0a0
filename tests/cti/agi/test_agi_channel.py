"""A channel's verbs: what they send, and how each end is told apart."""

from __future__ import annotations

import pytest

from cti.agi.channel import Channel, Digits, Recorded
from cti.agi.errors import (
    AgiDead,
    AgiEnded,
    AgiError,
    AgiFailed,
    AgiHangup,
    AgiUnknown,
    AgiUnsendable,
)
from cti.agi.wire import AgiParser, Reply

OPENING = b"agi_network: yes\n\n"


class Script:
    """A peer that expects lines and answers each with Asterisk's bytes."""

    def __init__(self, *steps: tuple[str, str]) -> None:
        self.steps = list(steps)
        self.waits: list[float] = []
        self._parser = AgiParser()
        self._parser.feed(OPENING)

    async def ask(self, line: bytes, within: float) -> Reply:
        expected, reply = self.steps.pop(0)
        assert line.decode() == expected + "\n"
        self.waits.append(within)
        (item,) = self._parser.feed(reply.encode() + b"\n")
        if not isinstance(item, Reply):
            raise AgiHangup("the caller hung up")
        return item

    def channel(self, **environment: str) -> Channel:
        return Channel(self, environment)

    def assert_done(self) -> None:
        assert not self.steps


async def test_the_environment_says_which_call_and_which_flow() -> None:
    channel = Script().channel(
        agi_uniqueid="ringdesk-1-1.1", agi_channel="PJSIP/c-1", agi_network_script="flow/1000"
    )
    assert channel.uniqueid == "ringdesk-1-1.1"
    assert channel.channel_name == "PJSIP/c-1"
    assert channel.network_script == "flow/1000"
    assert Script().channel(agi_request="agi://h:4573/after/full").network_script == "after/full"
    assert Script().channel().network_script == ""


async def test_play_stops_at_the_first_key() -> None:
    script = Script(
        ('STREAM FILE "a" "12"', "200 result=0 endpos=100"),
        ('STREAM FILE "b" "12"', "200 result=49 endpos=7"),
    )
    assert await script.channel().play("a", "b", "c", escape_digits="12") == "1"
    script.assert_done()


@pytest.mark.parametrize("result", ["²", "٣", "9" * 5_000])
async def test_a_result_that_is_no_number_is_a_failure_or_an_unknown_state(result: str) -> None:
    with pytest.raises(AgiFailed):
        await (
            Script(('STREAM FILE "a" "12"', f"200 result={result}"))
            .channel()
            .play("a", escape_digits="12")
        )
    assert await Script(("CHANNEL STATUS", f"200 result={result}")).channel().channel_status() in {
        -1,
        99,
    }


async def test_a_missing_file_is_a_failure_and_a_hang_up_a_hang_up() -> None:
    script = Script(
        ('STREAM FILE "a" ""', "200 result=-1 endpos=0"), ("CHANNEL STATUS", "200 result=6")
    )
    with pytest.raises(AgiFailed):
        await script.channel().play("a")
    for told in ("HANGUP", "200 result=-1"):
        script = Script(('STREAM FILE "a" ""', "200 result=-1 endpos=0"), ("CHANNEL STATUS", told))
        with pytest.raises(AgiHangup):
            await script.channel().play("a")


async def test_the_kinds_of_refusal_are_told_apart() -> None:
    for reply, kind in (
        ("510 Invalid or unknown command", AgiUnknown),
        ("511 Command Not Permitted on a dead channel or intercept routine", AgiDead),
        ("520-Invalid command syntax.\nUsage\n520 End of proper usage.", AgiUnknown),
        ("520 Invalid command syntax.", AgiUnknown),
    ):
        with pytest.raises(kind):
            await Script(("ANSWER", reply)).channel().answer()
    assert issubclass(AgiDead, AgiEnded)
    assert not issubclass(AgiUnknown, AgiEnded)
    assert issubclass(AgiEnded, AgiError)


PROMPT = 'STREAM FILE "ask" "0123456789*#"'
KEY_1 = (PROMPT, "200 result=49 endpos=9")
NO_KEY = (PROMPT, "200 result=0 endpos=9")
MORE = 'GET DATA "" "1500" "3"'


@pytest.mark.parametrize(
    ("steps", "digits"),
    [
        ([NO_KEY, ('WAIT FOR DIGIT "5000"', "200 result=0")], Digits("", "silence")),
        ([NO_KEY, ('WAIT FOR DIGIT "5000"', "200 result=35")], Digits("", "terminator")),
        ([(PROMPT, "200 result=35 endpos=9")], Digits("", "terminator")),
        ([KEY_1, (MORE, "200 result= (timeout)")], Digits("1", "timeout")),
        ([KEY_1, (MORE, "200 result=")], Digits("1", "terminator")),
        ([KEY_1, (MORE, "200 result=23 (timeout)")], Digits("123", "timeout")),
        ([KEY_1, (MORE, "200 result=23")], Digits("123", "terminator")),
        ([KEY_1, (MORE, "200 result=234")], Digits("1234", "full")),
        (
            [NO_KEY, ('WAIT FOR DIGIT "5000"', "200 result=42"), (MORE, "200 result=0*9")],
            Digits("*0*9", "full"),
        ),
    ],
)
async def test_every_end_of_entering_digits_is_told_apart(
    steps: list[tuple[str, str]], digits: Digits
) -> None:
    """pyst2's get_data cannot tell timeout, `#` alone and a part with a timeout apart."""
    script = Script(*steps)
    got = await script.channel().read_digits(
        ["ask"], max_digits=4, first_timeout=5.0, digit_timeout=1.5
    )
    assert got == digits
    script.assert_done()


async def test_one_digit_needs_no_terminator() -> None:
    script = Script(KEY_1)
    got = await script.channel().read_digits(
        ["ask"], max_digits=1, first_timeout=5, digit_timeout=2
    )
    assert got == Digits("1", "full")


async def test_without_a_terminator_the_hash_is_a_digit_like_others() -> None:
    script = Script(
        NO_KEY,
        ('WAIT FOR DIGIT "5000"', "200 result=35"),
        ('WAIT FOR DIGIT "2000"', "200 result=55"),
        ('WAIT FOR DIGIT "2000"', "200 result=0"),
    )
    got = await script.channel().read_digits(
        ["ask"], max_digits=3, first_timeout=5, digit_timeout=2, terminator=""
    )
    assert got == Digits("#7", "timeout")
    star = Script(KEY_1, ('WAIT FOR DIGIT "2000"', "200 result=42"))
    got = await star.channel().read_digits(
        ["ask"], max_digits=3, first_timeout=5, digit_timeout=2, terminator="*"
    )
    assert got == Digits("1", "terminator")


async def test_entered_digits_are_not_shown() -> None:
    assert "4111" not in repr(Digits("4111", "full"))
    script = Script(KEY_1, (MORE, "200 result=-1"), ("CHANNEL STATUS", "200 result=6"))
    with pytest.raises(AgiFailed) as failed:
        await script.channel().read_digits(
            ["ask"], max_digits=4, first_timeout=5, digit_timeout=1.5
        )
    assert "1" not in str(failed.value)


@pytest.mark.parametrize(
    ("reply", "value"),
    [
        ("200 result=1 ()", None),
        ("200 result=0", None),
        ("200 result=1 (hangup)", "hangup"),
        ("200 result=1 (a%22b%5Cc)x%20(y)%0A200%20result%3D1)", 'a"b\\c)x (y)\n200 result=1'),
        ("200 result=1 (%ff)", "\udcff"),
    ],
)
async def test_a_variable_reads_back_whatever_is_in_it(reply: str, value: str | None) -> None:
    """In pyst2 a newline forges the next reply and the value `hangup` reads as a hang-up."""
    script = Script(('GET FULL VARIABLE "${URIENCODE(${NAME})}"', reply))
    assert await script.channel().get_variable("NAME") == value


@pytest.mark.parametrize("bad", ["\r", "\n", "\0"])
async def test_what_must_not_travel_is_refused_before_it_is_sent(bad: str) -> None:
    channel = Script().channel()
    for sent in (
        channel.set_variable("X", f"a{bad}b"),
        channel.set_variable(f"X{bad}", "a"),
        channel.get_variable(f"X{bad}"),
        channel.play(f"a{bad}"),
        channel.play("a", escape_digits=f"1{bad}"),
        channel.read_digits([f"a{bad}"], max_digits=1, first_timeout=1, digit_timeout=1),
        channel.record(f"a{bad}", max_seconds=1, silence_seconds=1),
        channel.record("a", formats=f"wav{bad}", max_seconds=1, silence_seconds=1),
        channel.exec("Playback", f"a{bad}"),
        channel.exec(f"Playback{bad}"),
        channel.set_language(f"en{bad}"),
        channel.verbose(f"a{bad}"),
    ):
        with pytest.raises(AgiUnsendable):
            await sent


@pytest.mark.parametrize("name", ["${X}", "X)}${SHELL(id)", "SHELL(a b)", "1X", "", "X Y", "A${B}"])
async def test_a_variables_name_is_fixed_text(name: str) -> None:
    with pytest.raises(AgiUnsendable):
        await Script().channel().get_variable(name)


@pytest.mark.parametrize("argument", ["${SHELL(id)}", "$[1+1]", "a,b"])
async def test_an_applications_argument_is_no_expression(argument: str) -> None:
    with pytest.raises(AgiUnsendable):
        await Script().channel().exec("Playback", argument)


async def test_exec_joins_its_arguments_and_knows_no_application() -> None:
    script = Script(
        ('EXEC "MixMonitor" "a.wav,b"', "200 result=0"), ('EXEC "Nope" ""', "200 result=-2")
    )
    channel = script.channel()
    assert await channel.exec("MixMonitor", "a.wav", "b") == "0"
    with pytest.raises(AgiFailed):
        await channel.exec("Nope")


RECORD = 'RECORD FILE "m" "wav" "#" "2000" "0" "BEEP" "s=2"'


@pytest.mark.parametrize(
    ("reply", "passed", "recorded"),
    [
        ("200 result=35 (dtmf) endpos=8000", 1.0, Recorded(1.0, "digit")),
        ("200 result=0 (timeout) endpos=16000", 2.4, Recorded(2.0, "timeout")),
        ("200 result=0 (timeout) endpos=4000", 1.5, Recorded(0.5, "silence")),
        ("200 result=-1 (hangup) endpos=12000", 1.6, Recorded(1.5, "hangup")),
    ],
)
async def test_every_end_of_a_recording_is_told_apart(
    reply: str, passed: float, recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 100.0 + passed])
    monkeypatch.setattr("cti.agi.channel.time.monotonic", lambda: next(times, 0.0))
    got = await Script((RECORD, reply)).channel().record("m", max_seconds=2, silence_seconds=2)
    assert got == recorded


async def test_a_recording_that_cannot_be_written_is_a_failure() -> None:
    script = Script((RECORD, "200 result=-1 (writefile)"), ("CHANNEL STATUS", "200 result=6"))
    with pytest.raises(AgiFailed):
        await script.channel().record("m", max_seconds=2, silence_seconds=2)


async def test_small_verbs_and_their_time() -> None:
    script = Script(
        ("ANSWER", "200 result=0"),
        ('SET VARIABLE "TIMEOUT(absolute)" "12.5"', "200 result=1"),
        ('SET VARIABLE "TIMEOUT(absolute)" "0"', "200 result=1"),
        ('SET VARIABLE "CHANNEL(language)" "zh"', "200 result=1"),
        ("CHANNEL STATUS", "200 result=6"),
        ('VERBOSE "hello" "1"', "200 result=1"),
        ("HANGUP", "200 result=1"),
    )
    channel = script.channel()
    await channel.answer()
    await channel.set_absolute_timeout(12.5)
    await channel.set_absolute_timeout(0)
    await channel.set_language("zh")
    assert await channel.channel_status() == 6
    await channel.verbose("hello")
    await channel.hangup()
    script.assert_done()
    assert all(0 < wait <= 60 for wait in script.waits)

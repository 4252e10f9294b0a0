"""One call's verbs. Names are pyst2's where pyst2 has the verb; the rest is said plainly.

Every verb waits a bounded time and ends in one of three ways: its answer; `AgiFailed`,
`AgiUnknown` or `AgiUnsendable` (the session goes on); `AgiEnded` (it is over). Arguments are
quoted, never trusted: CR, LF and NUL are refused. Nothing here writes a log.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NoReturn, Protocol
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from cti.agi.errors import AgiDead, AgiFailed, AgiHangup, AgiUnknown, AgiUnsendable
from cti.agi.wire import Reply, encode_command
from cti.number import whole

MARGIN = 5.0  # seconds beyond what a command may take by itself
AT_ONCE = 5.0  # seconds for a command that does not wait for the caller
LONGEST_FILE = 300.0  # seconds one sound file may play
RATE = 8_000  # samples a second of what Asterisk plays and records as `wav`
ALL_KEYS = "0123456789*#"

_KEYS = re.compile(r"[0-9*#]*")
_APPLICATION = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
# A variable's or function's fixed name: nothing a caller said becomes part of one.
_VARIABLE = re.compile(r"_{0,2}[A-Za-z][A-Za-z0-9_]{0,78}(?:\([A-Za-z0-9_,./-]{0,78}\))?")
_FILE = re.compile(r"[^&|,\r\n\0]{1,1000}")  # & joins files, | and , end arguments


class Digits(Struct, frozen=True):
    """What was keyed in, and what ended it: the terminator, the last digit asked for, a pause after
    some digits (`timeout`), or that there was none at all (`silence`)."""

    value: str
    ended_by: Literal["terminator", "full", "timeout", "silence"]

    def __repr__(self) -> str:
        """Without the digits: they may be a card's."""
        return f"<Digits: {len(self.value)}, ended by {self.ended_by}>"


class Recorded(Struct, frozen=True):
    """A recording's length, and what ended it (`timeout`: it had its longest time)."""

    seconds: float
    ended_by: Literal["digit", "silence", "timeout", "hangup"]


class Peer(Protocol):
    """What carries a command line to Asterisk and its reply back."""

    async def ask(self, line: bytes, within: float) -> Reply:
        """The reply to `line`; raises AgiEnded's kinds."""
        ...


class Channel:
    """The channel a FastAGI session is about. One verb at a time."""

    def __init__(self, peer: Peer, environment: dict[str, str]) -> None:
        self._peer = peer
        self.env = environment

    @property
    def uniqueid(self) -> str:
        """Asterisk's uniqueid of the channel."""
        return self.env.get("agi_uniqueid", "")

    @property
    def channel_name(self) -> str:
        """Such as `PJSIP/carrier-00000001`."""
        return self.env.get("agi_channel", "")

    @property
    def network_script(self) -> str:
        """The path of the agi:// URL without its first slash, such as `flow/1000`."""
        script = self.env.get("agi_network_script")
        return script if script is not None else urlsplit(self.env.get("agi_request", "")).path[1:]

    async def answer(self) -> None:
        """Answer the call, if it is not answered yet."""
        await self._do("ANSWER", within=AT_ONCE + MARGIN)

    async def play(self, *files: str, escape_digits: str = "") -> str:
        """Play sound files one after the other; return the digit that stopped them, or ""."""
        for file in files:
            _check(_FILE, file, "a file's name")
            _check(_KEYS, escape_digits, "keys")
            reply = await self._do("STREAM FILE", file, escape_digits, within=LONGEST_FILE)
            if reply.result != "0":
                return _key(reply.result)
        return ""

    async def wait_for_digit(self, seconds: float) -> str:
        """The next key, or "" when none came within `seconds`."""
        reply = await self._do("WAIT FOR DIGIT", _ms(seconds), within=seconds + MARGIN)
        return "" if reply.result == "0" else _key(reply.result)

    async def read_digits(
        self,
        files: Sequence[str],
        *,
        max_digits: int,
        first_timeout: float,
        digit_timeout: float,
        terminator: str = "#",
    ) -> Digits:
        """Play a prompt and read up to `max_digits`; a key during the prompt stops it and counts.

        `first_timeout` seconds after the prompt for the first key, `digit_timeout` between keys.
        The terminator ("" for none) is not part of the value.
        """
        for file in files:
            _check(_FILE, file, "a file's name")
        _check(_KEYS, terminator, "a terminator")
        if max_digits < 1 or len(terminator) > 1:
            raise AgiUnsendable("at least one digit, at most one terminator")
        if terminator != "#" or max_digits > 255:
            return await self._read_singly(
                files, max_digits, first_timeout, digit_timeout, terminator
            )
        # The prompt and the first key by commands of their own, since GET DATA knows one file and
        # one time only; the rest by GET DATA, which loses no key however busy we are.
        value = await self.play(*files, escape_digits=ALL_KEYS)
        if not value:
            value = await self.wait_for_digit(first_timeout)
        if not value:
            return Digits("", "silence")
        if value == terminator:
            return Digits("", "terminator")
        if max_digits == 1:
            return Digits(value, "full")
        reply = await self._do(
            "GET DATA",
            "",
            _ms(digit_timeout),
            max_digits - 1,
            within=digit_timeout * max_digits + MARGIN,
        )
        value += reply.result
        if len(value) >= max_digits:
            return Digits(value, "full")
        return Digits(value, "timeout" if reply.data == "timeout" else "terminator")

    async def _read_singly(
        self, files: Sequence[str], most: int, first: float, between: float, terminator: str
    ) -> Digits:
        key = await self.play(*files, escape_digits=ALL_KEYS)
        value = ""
        while True:
            if not key:
                key = await self.wait_for_digit(between if value else first)
            if not key:
                return Digits(value, "timeout" if value else "silence")
            if key == terminator:
                return Digits(value, "terminator")
            value, key = value + key, ""
            if len(value) >= most:
                return Digits(value, "full")

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable or function; `name` is our own fixed text."""
        _check_variable(name)
        await self._do("SET VARIABLE", name, value, within=AT_ONCE)

    async def get_variable(self, name: str) -> str | None:
        """A variable's value, whatever is in it; None when it is unset or empty.

        It travels percent-encoded: a line end in it would otherwise forge the next reply.
        """
        _check_variable(name)
        expression = "${URIENCODE(${" + name + "})}"
        reply = await self._do("GET FULL VARIABLE", expression, within=AT_ONCE)
        return unquote(reply.data, errors="surrogateescape") if reply.data else None

    async def record(
        self,
        file: str,
        *,
        formats: str = "wav",
        escape_digits: str = "#",
        max_seconds: float,
        silence_seconds: int,
        beep: bool = True,
    ) -> Recorded:
        """Record the caller into `file` (without its ending) until a key, silence or the time.

        A hang-up is no error here but a way to end: what was said is kept.
        """
        _check(_FILE, file, "a file's name")
        _check(_KEYS, escape_digits, "keys")
        started = time.monotonic()
        arguments: list[str | int] = [file, formats, escape_digits, _ms(max_seconds)]
        arguments += ["0", "BEEP"] if beep else []
        arguments.append(f"s={int(silence_seconds)}")
        within = max_seconds + 2 * MARGIN
        reply = await self._ask("RECORD FILE", arguments, within)
        seconds = (reply.endpos or 0) / RATE
        if reply.data == "hangup":
            return Recorded(seconds, "hangup")
        if reply.result == "-1":
            await self._explain("RECORD FILE")
        if reply.data == "dtmf":
            return Recorded(seconds, "digit")
        # Asterisk says `timeout` for silence as well: only the clock tells them apart.
        over = time.monotonic() - started >= max_seconds
        return Recorded(seconds, "timeout" if over else "silence")

    async def set_absolute_timeout(self, seconds: float) -> None:
        """Hang the call up (or go to extension T) in so many seconds; 0 takes the limit away."""
        await self.set_variable("TIMEOUT(absolute)", f"{seconds:g}")

    async def set_language(self, lang: str) -> None:
        """The language of Asterisk's own sounds from here on."""
        _check(_LANGUAGE, lang, "a language")
        await self.set_variable("CHANNEL(language)", lang)

    async def hangup(self) -> None:
        """Hang the call up."""
        await self._do("HANGUP", within=AT_ONCE)

    async def verbose(self, message: str, level: int = 1) -> None:
        """A line on Asterisk's own console."""
        await self._do("VERBOSE", message, level, within=AT_ONCE)

    async def channel_status(self) -> int:
        """0 down, 1 reserved, 2 off hook, 3 dialled, 4 ringing, 5 remote rings, 6 up, 7 busy."""
        reply = await self._ask("CHANNEL STATUS", (), AT_ONCE)
        return whole(reply.result, -1, most=99)

    async def exec(self, app: str, *args: str, timeout: float = LONGEST_FILE) -> str:
        """Run a dialplan application and return its result. Raises `AgiFailed` if it fails.

        An argument may hold no comma (it would become two), nor `${` or `$[` (Asterisk would
        evaluate them).
        """
        _check(_APPLICATION, app, "an application")
        for each in args:
            if "," in each or "${" in each or "$[" in each:
                raise AgiUnsendable("an application's argument with a comma or an expression")
        reply = await self._do("EXEC", app, ",".join(args), within=timeout)
        if reply.result == "-2":
            raise AgiFailed(f"no application {app}")
        return reply.result

    async def _do(self, verb: str, *arguments: str | int, within: float) -> Reply:
        reply = await self._peer.ask(encode_command(verb, *arguments), within)
        if reply.code != 200:
            _refused(verb, reply)
        elif reply.result == "-1":
            await self._explain(verb)
        return reply

    async def _ask(self, verb: str, arguments: Sequence[str | int], within: float) -> Reply:
        """As `_do`, but -1 is an answer."""
        reply = await self._peer.ask(encode_command(verb, *arguments), within)
        if reply.code != 200:
            _refused(verb, reply)
        return reply

    async def _explain(self, verb: str) -> None:
        """A -1 is a failure or a hang-up: the channel's state tells which. Always raises."""
        if await self.channel_status() < 0:
            raise AgiHangup(f"during {verb}")
        raise AgiFailed(f"{verb} failed")


_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[_-][A-Za-z]{2,8})?")


def _refused(verb: str, reply: Reply) -> NoReturn:
    if reply.code == 511:
        raise AgiDead(verb)
    raise AgiUnknown(f"{reply.code} to {verb}")


@lru_cache(256)
def _check_variable(name: str) -> None:
    _check(_VARIABLE, name, "a variable's name")


def _check(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.fullmatch(text):
        raise AgiUnsendable(f"not {what}")


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _key(result: str) -> str:
    """A result that is a key's character code."""
    code = whole(result, 0, most=128)
    if not 0 < code < 128:
        raise AgiFailed("not a key")
    return chr(code)

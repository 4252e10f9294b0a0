"""AGI without a socket: bytes become the environment, replies and the hang-up; verbs become bytes.

The stream is lines ended by LF. It opens with `agi_name: value` lines and an empty line; from then
on each command gets one reply, `200 result=1 (data) endpos=160`, and the line `HANGUP` may come at
any time. 520 may take several lines: `520-Invalid ...`, the usage, `520 End of proper usage.`
Everything is linear in what was read and bounded; bytes that are no UTF-8 become surrogate escapes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from msgspec import Struct

from cti.agi.errors import AgiGarbled, AgiUnsendable

MAX_ENVIRONMENT = 64 * 1024  # bytes
MAX_REPLY = 64 * 1024  # bytes, all lines of one reply
MAX_COMMAND = 8_191  # bytes with the LF: Asterisk takes what is beyond for a new command

_UNUSUAL = re.compile(r'[\r\n\0"\\]')
_FORBIDDEN = re.compile(r"[\r\n\0]")
_SPECIAL = re.compile(r'(["\\])')
_ENDPOS = re.compile(r"endpos=(\d{1,18})")
_VERB = re.compile(r"[A-Z]+(?: [A-Z]+){0,3}")


class Reply(Struct, frozen=True):
    """One reply. `result` and `data` (what stood in brackets, None without any) only with 200."""

    code: int
    result: str = ""
    data: str | None = None
    endpos: int | None = None  # samples played or recorded
    text: str = ""  # what else was said: Asterisk's words on an error


class Hangup(Struct, frozen=True):
    """The line HANGUP."""


class Environment(Struct, frozen=True):
    """The block that opens a session: `agi_callerid`, `agi_uniqueid`, ... to their raw values."""

    values: dict[str, str]


Item = Environment | Reply | Hangup
HANGUP: Final = Hangup()


class AgiParser:
    """Bytes in, items out; cut anywhere, the items are the same.

    `feed` raises AgiGarbled for what no Asterisk sends (it names no content); the parser is then of
    no more use. Items completed before the garbage in the same bytes are in `ready`.
    """

    def __init__(self) -> None:
        self._line = b""  # begun, not ended
        self._environment: dict[str, str] | None = {}  # None once it is complete
        self._size = 0  # of the block or reply that is being read
        self._usage: list[str] | None = None  # of a 520 of several lines
        self.ready: list[Item] = []
        self._in_step = False  # between two replies, nothing begun

    def feed(self, data: bytes) -> list[Item]:
        """Take what the socket gave; return the items it completed."""
        if self._in_step and data in _COMMON:
            return [_COMMON[data]]
        self.ready = []
        lines = (self._line + data).split(b"\n") if self._line else data.split(b"\n")
        self._line = lines.pop()
        for line in lines:
            self._take(line.decode("utf-8", "surrogateescape").removesuffix("\r"), len(line) + 1)
        if self._size + len(self._line) > MAX_REPLY:
            raise AgiGarbled("a line without an end")
        self._in_step = not self._line and self._environment is None and self._usage is None
        return self.ready

    def _take(self, line: str, size: int) -> None:
        self._size += size
        if self._size > MAX_REPLY:
            raise AgiGarbled("too long")
        if self._environment is not None:
            self._environment_line(line, self._environment)
        elif self._usage is not None:
            self._usage_line(line, self._usage)
        elif line.startswith("200 result="):
            self._done(_result(line))
        elif line == "HANGUP":
            self._done(HANGUP)
        elif line.startswith("520-"):
            self._usage = [line[4:]]
        elif line[:3] in _PLAIN and line[3:4] in {"", " "}:
            self._done(Reply(_PLAIN[line[:3]], text=line[4:]))
        elif line[:3] == "100" or not line:
            self._size = 0  # "100 Trying": the reply is still to come
        else:
            raise AgiGarbled("neither a reply nor a hang-up")

    def _done(self, item: Item) -> None:
        self._size = 0
        self.ready.append(item)

    def _environment_line(self, line: str, values: dict[str, str]) -> None:
        if line:
            name, colon, value = line.partition(":")
            if not colon or not name.startswith("agi_"):
                raise AgiGarbled("no environment")
            values[name] = value.removeprefix(" ")
            return
        if not values:
            raise AgiGarbled("an empty environment")
        self._environment = None
        self._done(Environment(values))

    def _usage_line(self, line: str, usage: list[str]) -> None:
        if line.startswith("520 "):
            self._usage = None
            self._done(Reply(520, text="\n".join(usage)))
        else:
            usage.append(line)


_PLAIN = {"200": 200, "510": 510, "511": 511, "520": 520}


# Whole reads that are nearly all of them.
_COMMON: dict[bytes, Item] = {f"200 result={n}\n".encode(): Reply(200, str(n)) for n in (0, 1)}


def _result(line: str) -> Reply:
    """`200 result=R[ (DATA)][ endpos=N]`; DATA may contain brackets, so its end is sought last."""
    result, _, rest = line[11:].partition(" ")
    if not rest:
        return Reply(200, result)
    data = None
    if rest.startswith("("):
        end = rest.rfind(")")
        if end > 0:
            data, rest = rest[1:end], rest[end + 1 :]
    found = _ENDPOS.search(rest) if "endpos=" in rest else None
    return Reply(200, result, data, int(found[1]) if found else None)


def quote(argument: str | int | float) -> str:
    r"""One argument as Asterisk reads it back: in quotes, `"` and `\` escaped.

    Raises AgiUnsendable (a ValueError) for CR, LF and NUL: they would begin another command.
    """
    text = argument if isinstance(argument, str) else str(argument)
    if _UNUSUAL.search(text):
        if _FORBIDDEN.search(text):
            raise AgiUnsendable("CR, LF or NUL in an argument")
        text = _SPECIAL.sub(r"\\\1", text)
    return f'"{text}"'


@lru_cache(64)
def _is_verb(verb: str) -> bool:
    return _VERB.fullmatch(verb) is not None


def encode_command(verb: str, *arguments: str | int | float) -> bytes:
    """One command line. `verb` is our own fixed text (`SET VARIABLE`); every argument is quoted.

    Raises AgiUnsendable, also for a line of more than 8,191 bytes.
    """
    if not _is_verb(verb):
        raise AgiUnsendable("not a verb")
    texts = [each if isinstance(each, str) else str(each) for each in arguments]
    if _UNUSUAL.search("".join(texts)):
        text = " ".join((verb, *map(quote, texts)))
    else:  # the usual: nothing to escape, one search for all of them
        text = verb + ' "' + '" "'.join(texts) + '"' if texts else verb
    try:
        line = (text + "\n").encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise AgiUnsendable("an argument is not encodable") from None
    if len(line) > MAX_COMMAND:
        raise AgiUnsendable(f"longer than {MAX_COMMAND} bytes")
    return line

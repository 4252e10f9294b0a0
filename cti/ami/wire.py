"""AMI without a socket: bytes become messages, actions become bytes.

Asterisk ends a line with CR LF and a message with an empty line; a lone CR or LF belongs to the
value it stands in. A message begins with `Event:` or `Response:`; anything else is garbage: it is
counted and skipped. Bytes that are no UTF-8 survive as surrogate escapes.

The parser is the hottest code of the house: one queued call makes 60 to 100 events. So blocks are
cut by `bytes.split`, an event that nobody wants is dropped after a look at its first line, and a
message finds a header when it is asked for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cti.ami.errors import AmiUnsendable

MAX_MESSAGE = 1 << 20  # bytes; the longest real ones are the outputs of `Command`
MAX_BANNER = 256  # bytes
MAX_HEADERS = 128  # AST_MAX_MANHEADERS: Asterisk ignores what comes after
MAX_LINE = 1_024  # bytes of one line of an action, with its CR LF

_END = b"\r\n\r\n"
_BANNER = b"Asterisk Call Manager/"
_NAME = re.compile(r"[!-9;-~]{1,80}")
_FORBIDDEN = re.compile(r"[\r\n\0]")


class Message:
    """One event or response; headers are found in its text when asked for. Immutable.

    Names are compared exactly as Asterisk writes them (`CallerIDNum`). `name` is the event's name
    (`Hangup`) or the response's (`Success`, `Error`, `Goodbye`).
    """

    __slots__ = ("_text", "is_event", "name")

    def __init__(self, text: str, name: str, *, is_event: bool) -> None:
        self._text = text
        self.name = name
        self.is_event = is_event

    def get(self, key: str, default: str = "") -> str:
        """The first value of a header, or `default` if it is not there."""
        if key == ("Event" if self.is_event else "Response"):
            return self.name
        text = self._text
        start = text.find(f"\r\n{key}:")
        if start < 0:
            return default
        start += len(key) + 3
        if text.startswith(" ", start):
            start += 1
        end = text.find("\r\n", start)
        return text[start:] if end < 0 else text[start:end]

    def all(self, key: str) -> list[str]:
        """Every value of a repeated header (`ChanVariable`, `Output`), in order."""
        return [value for name, value in self.headers() if name == key]

    def headers(self) -> list[tuple[str, str]]:
        """Every header in order, repeated ones too. A line without a colon has an empty name."""
        pairs = []
        for line in self._text.split("\r\n"):
            name, colon, value = line.partition(":")
            pairs.append((name, value.removeprefix(" ")) if colon else ("", line))
        return pairs

    @property
    def action_id(self) -> str:
        """The id of the action this answers, or ""."""
        return self.get("ActionID")

    @property
    def text(self) -> str:
        """The whole message without its closing empty line."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        """Without values: they are hostile, and may be secrets."""
        kind = "Event" if self.is_event else "Response"
        return f"<{kind} {self.name!r}, {len(self._text)} characters>"


def message(*headers: tuple[str, str]) -> Message:
    """A message out of its headers; the first one is `Event` or `Response`. For tests and fakes."""
    kind, name = headers[0]
    text = "\r\n".join(f"{key}: {value}" for key, value in headers)
    return Message(text, name, is_event=kind == "Event")


class AmiParser:
    """Bytes in, messages out; cut anywhere, the messages are the same.

    `wanted`: names of the events to keep (None keeps all). Responses are always kept. While
    `keep_answers` is true, events that carry an ActionID (the items of a list) are kept as well.
    `feed` raises nothing. `dropped` counts garbage and over-long messages, `skipped` unwanted
    events, `banner` is the greeting line once it has come.
    """

    def __init__(
        self, wanted: Iterable[str] | None = None, *, max_message: int = MAX_MESSAGE
    ) -> None:
        self._wanted = None if wanted is None else {name.encode(): name for name in wanted}
        self._max = max_message
        self._parts: list[bytes] = []  # of the message that has begun
        self._size = 0  # its bytes so far
        self._edge = b""  # its last three bytes: its end may be cut
        self._over = False  # it is too long: only its end is of interest
        self._greeted = False
        self.keep_answers = False
        self.banner = ""
        self.dropped = 0
        self.skipped = 0

    def feed(self, data: bytes) -> list[Message]:
        """Take what the socket gave; return the messages it completed."""
        if not self._greeted:
            rest = self._greet(data)
            if rest is None:
                return []
            data = rest
        if self._size:
            seam = self._edge + data
            if _END not in seam:
                self._hold(data)
                return []
            if self._over:
                data = seam[seam.index(_END) + len(_END) :]
                self.dropped += 1
            else:
                self._parts.append(data)
                data = b"".join(self._parts)
            self._parts, self._size, self._edge, self._over = [], 0, b"", False
        blocks = data.split(_END)
        rest = blocks.pop()
        if rest:
            self._hold(rest)
        return self._messages(blocks) if blocks else []

    def _greet(self, data: bytes) -> bytes | None:
        """Take the greeting off; None while it may still be coming."""
        data = b"".join((*self._parts, data))
        end = data.find(b"\r\n", 0, MAX_BANNER)
        if end < 0 and len(data) < MAX_BANNER:
            self._parts = [data]
            return None
        self._greeted, self._parts = True, []
        if end >= 0 and data.startswith(_BANNER):
            self.banner = data[:end].decode("utf-8", "surrogateescape")
            return data[end + 2 :]
        return data

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        self._edge = (self._edge + data)[-3:]
        if self._size > self._max + len(_END) - 1:
            self._over, self._parts = True, []
        else:
            self._parts.append(data)

    def _messages(self, blocks: list[bytes]) -> list[Message]:
        kept: list[Message] = []
        wanted, answers, longest = self._wanted, self.keep_answers, self._max
        for block in blocks:
            if len(block) > longest:
                self.dropped += 1
            elif block.startswith(b"Event: "):
                end = block.find(b"\r\n", 7)
                raw = block[7:end] if end > 0 else block[7:]
                name = wanted.get(raw) if wanted is not None else None
                if name is None:
                    if wanted is not None and not (answers and b"\r\nActionID: " in block):
                        self.skipped += 1
                        continue
                    name = raw.decode("utf-8", "surrogateescape")
                kept.append(Message(block.decode("utf-8", "surrogateescape"), name, is_event=True))
            else:
                kept += self._unusual(block)
        return kept

    def _unusual(self, block: bytes) -> list[Message]:
        """A response, an event after stray line ends, or garbage."""
        whole = block.lstrip(b"\r\n")
        if whole.startswith(b"Response: "):
            text = whole.decode("utf-8", "surrogateescape")
            return [Message(text, text[10:].partition("\r\n")[0], is_event=False)]
        if whole.startswith(b"Event: "):
            return self._messages([whole])
        if whole:
            self.dropped += 1
        return []


def encode_action(name: str, headers: Sequence[tuple[str, str]]) -> bytes:
    """One action as Asterisk reads it; `headers` in order, repeated names allowed.

    Raises AmiUnsendable (a ValueError) for anything that is not exactly one header a line: CR, LF
    or NUL anywhere, a colon or space in a name, too many headers, too long a line.
    """
    if len(headers) + 1 > MAX_HEADERS:
        raise AmiUnsendable("Action", f"more than {MAX_HEADERS} headers")
    lines = [_line("Action", name)]
    lines.extend(_line(key, value) for key, value in headers)
    return b"".join(lines) + b"\r\n"


def _line(key: str, value: str) -> bytes:
    if not _NAME.fullmatch(key):
        raise AmiUnsendable(repr(key[:40]), "not a header's name")
    if _FORBIDDEN.search(value):
        raise AmiUnsendable(key, "CR, LF or NUL in its value")
    try:
        line = f"{key}: {value}\r\n".encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise AmiUnsendable(key, "not encodable") from None
    if len(line) > MAX_LINE:
        raise AmiUnsendable(key, f"longer than {MAX_LINE} bytes")
    return line

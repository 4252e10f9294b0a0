"""One of Asterisk's own call records (CEL) becomes a `Record`, or is refused with why.

Pure. What Asterisk 22 really writes (each seen, or read in its source):
- `eventtime` is seconds since 1970 as a double: UTC, to the microsecond.
- Up to 22.10 a record is cut at 1,024 bytes in the middle of a field. Our template names what
  a caller cannot lengthen first, so that the head of such a record still tells what happened.
- A record torn by a crash has the next one glued to it.
- A caller's name may be no UTF-8, be cut in the middle of a letter, and hold anything but a NUL:
  quotes, backslashes, line ends (`%0d%0a` of a SIP address is decoded). See journal_forms.py for
  why no value ends early or makes up a record for all that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from cti.journal_forms import CUT_AT, QUOTE, begun, cut_at_keys, quoted
from cti.number import LAST_TIME

Reason = Literal[
    "torn",
    "cut short",
    "not JSON",
    "not quoted",
    "not UTF-8",
    "no record",
    "unknown kind",
    "another system",
    "not understood",
]

KINDS = frozenset(
    {
        "CHAN_START",
        "CHAN_END",
        "ANSWER",
        "HANGUP",
        "BRIDGE_ENTER",
        "BRIDGE_EXIT",
        "CONF_ENTER",
        "CONF_EXIT",
        "CONF_START",
        "CONF_END",
        "APP_START",
        "APP_END",
        "PARK_START",
        "PARK_END",
        "BLINDTRANSFER",
        "ATTENDEDTRANSFER",
        "TRANSFER",
        "PICKUP",
        "FORWARD",
        "3WAY_START",
        "3WAY_END",
        "HOOKFLASH",
        "LINKEDID_END",
        "LOCAL_OPTIMIZE",
        "LOCAL_OPTIMIZE_BEGIN",
        "STREAM_BEGIN",
        "STREAM_END",
        "DTMF",
        "USER_DEFINED",
    }
)
_GLUED = (b'{"system":', b'{"eventtype":')
_NUL = b"\\u0000"
HEAD = 7  # values that nobody from outside has a say in, and without which it is no record


class Record(Struct, frozen=True, gc=False):
    """One CEL record, its values in the order of config/asterisk/cel_custom.conf.j2. Everything in
    it is raw, and the last ones hostile; `eventextra` is JSON of its own."""

    system: str = ""
    eventtype: str = ""
    eventtime: float = 0.0
    userdeftype: str = ""
    uniqueid: str = ""
    linkedid: str = ""
    channame: str = ""
    eventextra: str = ""
    context: str = ""
    appname: str = ""
    appdata: str = ""
    exten: str = ""
    num: str = ""
    dnid: str = ""  # what was dialled to reach us; not there yet at the start of a channel
    name: str = ""

    @property
    def at(self) -> datetime:
        """Asterisk's time of it."""
        return datetime.fromtimestamp(self.eventtime, UTC)

    def extra(self) -> dict[str, str]:
        """What stands in `eventextra`, as texts; empty if that is no JSON object."""
        if not self.eventextra:
            return {}
        try:
            found = _extra.decode(self.eventextra)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return {}
        return {key: str(value) for key, value in found.items()}


VALUES = Record.__struct_fields__
_MANY = len(VALUES)
_QUOTES = 2 * _MANY
_EXTRA = VALUES.index("eventextra")


class Refused(Struct, frozen=True):
    """A line, or a part of one, that is kept aside. `used`: what was left of it could be used."""

    reason: Reason
    used: bool = False


_record = msgspec.json.Decoder(Record)
_extra = msgspec.json.Decoder(dict[str, str | int | float | bool | None])


def begins(system: str) -> bytes:
    """What every record of this system begins with, and none has within it."""
    return f'"{system}","'.encode()


def parse(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    """A record without its line end, as one of the Asterisk named `system`.

    Both are there for a damaged one of which the record could be told all the same; none for an
    empty line. No text in a record holds a NUL.
    """
    record = usual(line, system)
    if record is not None:
        return record, None
    return _quoted(line, system) if line.strip() else (None, None)


def usual(line: bytes, system: str) -> Record | None:
    """The record that this is, whole and without a quote in any value but its JSON, in one go: as
    nearly all are. None if it takes a closer look."""
    extra, begin = b"", line.find(b',"{""')
    if begin > 0:
        if line.count(QUOTE, 0, begin) != 2 * _EXTRA:
            return None  # the JSON stands elsewhere: whoever calls may send some
        # Each quote of it is doubled, but the one that ends it.
        end = line.find(b'}",', begin)
        extra = line[begin + 2 : end + 1].replace(b'""', QUOTE)
        line = line[: begin + 2] + line[end + 1 :]
    if line.count(QUOTE) != _QUOTES or not line.startswith(QUOTE) or not line.endswith(QUOTE):
        return None
    try:
        values: list[Any] = line.decode()[1:-1].split('","')
        # With so many quotes they all stand around values, or there are fewer of these.
        if len(values) != _MANY or values[0] != system:
            return None
        if values[1] not in KINDS and values[1] != (values[3] or None):
            return None
        values[2] = float(values[2])
        if begin > 0:
            values[_EXTRA] = extra.decode()
        record = Record(*values)
    except ValueError:
        return None
    return record if b"\0" not in line and _is_plausible(record) else None


def _is_plausible(record: Record) -> bool:
    """Neither Asterisk nor we ever name a channel otherwise."""
    channel = record.uniqueid
    named = channel.isascii() and channel.isprintable() and channel != ""
    return named and 0 < record.eventtime < LAST_TIME


def parse_former(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    """The same of a JSON line, as Asterisk was told to write them until 0.1.

    A record without a `system` (of an older installation) is taken as ours.
    """
    try:
        return _parsed(line, system)
    except RecursionError:  # brackets by the thousand: the decoder knows no end of them
        return None, Refused("not JSON")


def _quoted(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    damage: Reason | None = None
    if b"\0" in line:
        line = line.replace(b"\0", b"\xef\xbf\xbd")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text, damage = line.decode("utf-8", "replace"), "not UTF-8"
    values = quoted(text, len(VALUES))
    if values is not None and values[0] == system:
        return _of_values(values, system, damage)
    glued = text.rfind(begins(system).decode(), 1)
    if glued > 0:
        values = quoted(text[glued:], len(VALUES))
        return (None, Refused("torn")) if values is None else _of_values(values, system, "torn")
    if values is not None:
        return None, Refused("another system")
    if len(line) >= CUT_AT:
        values = begun(text)
        if HEAD <= len(values) < len(VALUES):
            return _of_values(values, system, "cut short")
        return None, Refused("cut short")
    return None, Refused("not quoted")


def _of_values(
    values: list[str], system: str, damage: Reason | None
) -> tuple[Record | None, Refused | None]:
    said: list[Any] = values
    try:
        said[2] = float(values[2])
    except ValueError:
        return None, Refused("no record")
    return _ours(Record(*said), system, damage)


def _parsed(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    if _NUL in line:  # what no database takes as text; the same length of JSON, whatever is before
        line = line.replace(_NUL, b"\\ufffd")
    try:
        return _ours(_record.decode(line), system, None)
    except msgspec.MsgspecError:
        pass
    except UnicodeDecodeError:
        line = line.decode("utf-8", "replace").encode()
        try:
            return _ours(_record.decode(line), system, "not UTF-8")
        except msgspec.MsgspecError:
            pass
    return _mended(line, system)


def _ours(
    record: Record, system: str, damage: Reason | None
) -> tuple[Record | None, Refused | None]:
    if record.system not in {"", system}:
        return None, Refused("another system")
    if record.eventtype not in KINDS and record.eventtype != (record.userdeftype or None):
        return None, Refused("unknown kind")
    if not _is_plausible(record):
        return None, Refused("no record")
    return record, None if damage is None else Refused(damage, used=True)


def _mended(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    """What can still be read of a line that is no JSON record."""
    if not line.strip():
        return None, None
    glued = max(line.rfind(start, 1) for start in _GLUED)
    if glued > 0:
        try:
            return _ours(_record.decode(line[glued:]), system, "torn")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            line = line[glued:]
    said: dict[str, Any] | None = cut_at_keys(line.decode("utf-8", "replace"))
    if said is not None:
        damage: Reason = "not JSON"
        if len(line) >= CUT_AT and not line.endswith(b'"}'):
            damage = "cut short"
            said.popitem()  # which is not whole
        known = {key: value for key, value in said.items() if key in VALUES}
        return _ours(Record(**known | {"eventtime": float(said["eventtime"])}), system, damage)
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None, Refused("not JSON")
    return None, Refused("no record")

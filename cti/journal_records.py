"""One line of Asterisk's own call records (CEL as JSON) becomes a `Record`, or is refused with why.

Pure. What Asterisk 22 really writes (each seen, or read in its source):
- `eventtime` is seconds since 1970 as a double: UTC, to the microsecond.
- Up to 22.10 a JSON record is cut at 1,024 bytes in the middle of a field. Our template names what
  a caller cannot lengthen first, so that the head of such a record still tells what happened.
- A record torn by a crash has the next one glued to it.
- A caller's name may be no UTF-8.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Struct

from cti.number import LAST_TIME

Reason = Literal[
    "torn",
    "cut short",
    "not JSON",
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
CUT_AT = 1_000  # bytes: a broken line this long was cut by Asterisk, a shorter one was torn


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """One CEL record. Everything in it is raw and hostile; `eventextra` is JSON of its own."""

    eventtype: str
    eventtime: float
    uniqueid: str
    linkedid: str
    channame: str = ""
    system: str = ""
    userdeftype: str = ""
    exten: str = ""
    context: str = ""
    appname: str = ""
    appdata: str = ""
    name: str = ""
    num: str = ""
    dnid: str = ""  # what was dialled to reach us; not there yet at the start of a channel
    eventextra: str = ""

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


class Refused(Struct, frozen=True):
    """A line, or a part of one, that is kept aside. `used`: what was left of it could be used."""

    reason: Reason
    used: bool = False


_record = msgspec.json.Decoder(Record)
_extra = msgspec.json.Decoder(dict[str, str | int | float | bool | None])


def parse(line: bytes, system: str) -> tuple[Record | None, Refused | None]:
    """A line without its end, as a record of the Asterisk named `system`.

    Both are there for a damaged line of which the record could be told all the same; none for an
    empty line. No text in a record holds a NUL. A record without a `system` (of an older
    installation) is taken as ours.
    """
    try:
        return _parsed(line, system)
    except RecursionError:  # brackets by the thousand: the decoder knows no end of them
        return None, Refused("not JSON")


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
    if not record.uniqueid or not 0 < record.eventtime < LAST_TIME:
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
    if len(line) >= CUT_AT and (end := line.rfind(b'","')) > 0:
        head = line[:end].decode("utf-8", "replace").encode() + b'"}'
        try:
            return _ours(_record.decode(head), system, "cut short")
        except msgspec.MsgspecError:
            return None, Refused("cut short")
    try:
        msgspec.json.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None, Refused("not JSON")
    return None, Refused("no record")

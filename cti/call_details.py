"""A line of Asterisk's Master.csv (CDR): the second witness that a call was there.

One or more lines a call, written at its end; times are UTC to the second (`usegmtime`).
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime

from msgspec import Struct

from cti.journal_records import Refused

# The columns; with `loguniqueid`, `loguserfield` and, in younger files, `newcdrcolumns`.
_SOURCE, _DIALED, _CONTEXT, _CLID, _CHANNEL, _OTHER, _APP, _DATA, _START = 1, 2, 3, 4, 5, 6, 7, 8, 9
_ANSWER, _END, _DISPOSITION, _UNIQUEID, _LINKEDID = 10, 11, 14, 16, 19
# Asterisk's own plumbing has lines too, and is no leg of anybody's.
PLUMBING = ("Local/", "Announcer/", "CBAnn/", "CBRec/", "Recorder/", "Snoop/", "Message/")


class CallDetail(Struct, frozen=True, kw_only=True):
    """One line; `uniqueid` is that of the channel that called, `other` the name of the one it was
    put through to or that rang. Names and numbers are raw and hostile."""

    uniqueid: str
    linkedid: str
    channel: str
    other: str
    source: str
    name: str
    dialed: str
    context: str
    application: str
    data: str
    answered: bool
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime

    @property
    def is_plumbing(self) -> bool:
        """Nobody's phone."""
        return self.channel.startswith(PLUMBING)


def parse_detail(line: bytes, _system: str) -> tuple[CallDetail | None, Refused | None]:
    """A line without its end; the file names no system, it lies in that Asterisk's own folder."""
    text = line.decode("utf-8", "replace").replace("\0", "\ufffd")
    if not text.strip():
        return None, None
    try:
        fields = next(csv.reader([text], strict=True))
        channel = fields[_UNIQUEID]
        if not channel.isascii() or not channel.isprintable():
            return None, Refused("no record")
        return CallDetail(
            uniqueid=channel,
            linkedid=(fields[_LINKEDID] if len(fields) > _LINKEDID else "") or channel,
            channel=fields[_CHANNEL],
            other=fields[_OTHER],
            source=fields[_SOURCE],
            name=fields[_CLID].rpartition(" <")[0].removeprefix('"').removesuffix('"'),
            dialed=fields[_DIALED],
            context=fields[_CONTEXT],
            application=fields[_APP],
            data=fields[_DATA],
            answered=fields[_DISPOSITION] == "ANSWERED",
            started_at=_time(fields[_START]),
            answered_at=_time(fields[_ANSWER]) if fields[_ANSWER] else None,
            ended_at=_time(fields[_END]),
        ), None
    except (csv.Error, ValueError, IndexError, StopIteration):
        return None, Refused("no record")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)

"""A line of Asterisk's Master.csv (CDR): the second witness that a call was there.

One or more lines a call, written at its end; times are UTC to the second (`usegmtime`).
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime

from msgspec import Struct

from cti.journal_records import Refused

FIELDS = 17  # with `loguniqueid`; 18 with `loguserfield`
_CHANNEL, _START, _END, _UNIQUEID = 5, 9, 11, 16
# Asterisk's own plumbing has lines too, and is no leg of anybody's.
PLUMBING = ("Local/", "Announcer/", "CBAnn/", "CBRec/", "Recorder/", "Snoop/", "Message/")


class CallDetail(Struct, frozen=True, kw_only=True):
    """One line; `uniqueid` is that of the channel that called."""

    uniqueid: str
    channel: str
    started_at: datetime
    ended_at: datetime

    @property
    def is_plumbing(self) -> bool:
        """Nobody's phone."""
        return self.channel.startswith(PLUMBING)


def parse_detail(line: bytes, _system: str) -> tuple[CallDetail | None, Refused | None]:
    """A line without its end; the file names no system, it lies in that Asterisk's own folder."""
    text = line.decode("utf-8", "replace")
    if not text.strip():
        return None, None
    try:
        fields = next(csv.reader([text], strict=True))
        return CallDetail(
            uniqueid=fields[_UNIQUEID],
            channel=fields[_CHANNEL],
            started_at=_time(fields[_START]),
            ended_at=_time(fields[_END]),
        ), None
    except (csv.Error, ValueError, IndexError, StopIteration):
        return None, Refused("no record")


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)

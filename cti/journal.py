"""Asterisk's own call records, line by line, read from their folder with their positions.

A file is known by its first line, not by its name or inode: however often it is renamed (by us, by
a logrotate), whatever was read of it stays read. The cursor therefore holds how far *each* file
was read, and nothing here depends on clocks. Nothing is stored here: the desk's intake commits
records and cursor together.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from cti.journal_records import Reason, Refused, parse

MOST_BYTES = 256 * 1024  # in one batch: some 600 records, 30 calls
LONGEST_LINE = 64 * 1024
# Seconds after its last change that a file renamed away may still get the end of its last line.
SETTLED = 10.0
MOST_FILES = 2_000
MOST_REJECTS = 200  # of one batch; more are only counted
SAMPLE = 200  # bytes of a rejected line that are kept
PACKED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".Z", ".zip")  # by a logrotate: not read

Cursor = dict[str, int]  # file's identity -> bytes of it that are done
# A line, the Asterisk's name -> the record if there is one, and why it was put aside if it was.
Parse = Callable[[bytes, str], tuple[Any | None, Refused | None]]


class Line(Struct, frozen=True, gc=False):
    """One record (what `parse` made of it), and where it stands."""

    record: Any
    file: str
    offset: int


class Reject(Struct, frozen=True):
    """A line kept aside; `line` is its beginning."""

    file: str
    offset: int
    reason: Reason
    line: bytes
    used: bool


class Batch(Struct):
    """What one reading found. `cursor` is true once the batch is committed."""

    cursor: Cursor
    lines: list[Line] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rejected: int = 0
    reasons: set[Reason] = field(default_factory=set)  # at least one of each is among `rejects`
    bytes: int = 0  # done in this batch
    left: int = 0  # bytes that wait, torn last lines too

    @property
    def moved(self) -> bool:
        """Whether anything was read."""
        return self.bytes > 0


class RecordsFile(Struct):
    """One file of records; `changed` in seconds since 1970, `current` is the one being written."""

    path: Path
    identity: str
    size: int
    changed: float
    current: bool


class Journal:
    """The records of one Asterisk in `folder`, in files named `name` and, rotated, `name` with
    something before or after its ending (`cel.json.1`, `cel.json-20261121`,
    `cel-20261121T230000.json`)."""

    def __init__(
        self,
        folder: Path,
        system: str,
        name: str = "cel.json",
        *,
        parse: Parse = parse,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.system = system
        self.name = name
        self.parse = parse
        self._now = now
        # Files that did not change since: device, inode, size, time of change -> identity
        self._known: dict[tuple[int, int, int, int], str] = {}

    def read(self, cursor: Mapping[str, int], most: int = MOST_BYTES) -> Batch:
        """The next records after `cursor`, at most `most` bytes of them. Raises OSError."""
        batch = Batch(cursor={})
        files = self.files()
        for file in files:
            done = cursor.get(file.identity, 0)
            # Shorter than what was read: somebody cut it (copytruncate); its first line is kept.
            done = done if done <= file.size else 0
            budget = most - batch.bytes
            if budget > 0 and done < file.size:
                asked = min(max(budget, LONGEST_LINE), file.size - done)
                if done + asked < file.size:
                    most = 0  # what is left of it comes before a line of the next file
                done = self._read_file(file, done, asked, batch)
            batch.cursor[file.identity] = done
            batch.left += file.size - done
        return batch

    def _read_file(self, file: RecordsFile, done: int, asked: int, batch: Batch) -> int:
        with file.path.open("rb") as handle:
            handle.seek(done)
            data = handle.read(asked)
        start = 0
        while start < len(data):
            end = data.find(b"\n", start)
            if end < 0:
                start += self._unended(file, done + start, data[start:], batch)
                break
            self._line(file, done + start, data[start:end], batch)
            start = end + 1
        batch.bytes += start
        return done + start

    def _line(self, file: RecordsFile, offset: int, line: bytes, batch: Batch) -> None:
        record, refused = self.parse(line, self.system)
        if record is not None:
            batch.lines.append(Line(record, file.identity, offset))
        if refused is not None:
            self._reject(file, offset, refused.reason, line, batch, used=refused.used)

    def _unended(self, file: RecordsFile, offset: int, rest: bytes, batch: Batch) -> int:
        """A last line without its end waits for it; how many bytes of it are done."""
        if len(rest) >= LONGEST_LINE:
            self._reject(file, offset, "not JSON", rest, batch)
            return len(rest)
        at_end = offset + len(rest) >= file.size
        if not at_end or file.current or self._now() - file.changed < SETTLED:
            return 0
        # Renamed away, and nobody writes to it any more: its rest will never come.
        record, refused = self.parse(rest, self.system)
        if record is not None:
            batch.lines.append(Line(record, file.identity, offset))
        else:
            self._reject(file, offset, refused.reason if refused else "torn", rest, batch)
        return len(rest)

    @staticmethod
    def _reject(
        file: RecordsFile,
        offset: int,
        reason: Reason,
        line: bytes,
        batch: Batch,
        *,
        used: bool = False,
    ) -> None:
        batch.rejected += 1
        if len(batch.rejects) < MOST_REJECTS or reason not in batch.reasons:
            batch.reasons.add(reason)
            batch.rejects.append(Reject(file.identity, offset, reason, line[:SAMPLE], used))

    def files(self) -> list[RecordsFile]:
        """Files that have a whole first line, the oldest first. Copies of one file count once."""
        stem, _, ending = self.name.rpartition(".")
        rotated = (f"{self.name}.", f"{self.name}-")  # by a number, or (`dateext`) by the day
        found: dict[str, RecordsFile] = {}
        seen: dict[tuple[int, int, int, int], str] = {}
        try:
            entries = [
                entry
                for entry in os.scandir(self.folder)
                if entry.name == self.name
                or (entry.name.startswith(rotated) and not entry.name.endswith(PACKED))
                or (entry.name.startswith(f"{stem}-") and entry.name.endswith(f".{ending}"))
            ]
        except FileNotFoundError:
            return []
        for entry in entries:
            try:
                about = entry.stat()
                if not stat.S_ISREG(about.st_mode):
                    continue  # somebody's folder; a pipe would keep us waiting for ever
                key = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
                identity = self._known.get(key) or _identity(Path(entry.path))
            except FileNotFoundError:
                continue  # renamed between the two looks: the next reading finds it
            if not identity:
                continue
            seen[key] = identity
            current = entry.name == self.name
            file = RecordsFile(Path(entry.path), identity, about.st_size, about.st_mtime, current)
            other = found.get(identity)
            if other is None or file.size > other.size:
                found[identity] = file
        self._known = seen
        files = sorted(found.values(), key=lambda f: (f.current, f.changed, f.path.name))
        return files[-MOST_FILES:]


def _identity(path: Path) -> str:
    """What a file is known by for ever: its first line; empty while that is not whole."""
    with path.open("rb") as handle:
        first = handle.readline(LONGEST_LINE)
    if not first.endswith(b"\n") and len(first) < LONGEST_LINE:
        return ""
    return hashlib.blake2b(first, digest_size=12).hexdigest()

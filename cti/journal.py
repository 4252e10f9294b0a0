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

from cti.journal_forms import record_end
from cti.journal_records import Reason, Refused, begins, parse, parse_former, usual

RECORDS = "cel.csv"
# What it was called when its records had another form; such files are read on to their end. The
# name tells which form: what ends no value in the one might in the other.
FORMER = "cel.json"

MOST_BYTES = 256 * 1024  # in one batch: some 600 records, 30 calls
LONGEST_LINE = 64 * 1024
LONGEST_USUAL = 1_100  # bytes of a record: Asterisk cuts it before
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
    former: bool = False  # in the form of before


class Journal:
    """The records of one Asterisk in `folder`, in files named `name` and, rotated, `name` with
    something before or after its ending (`cel.csv.1`, `cel.csv-20261121`,
    `cel-20261121T230000.csv`)."""

    def __init__(
        self,
        folder: Path,
        system: str,
        name: str = RECORDS,
        *,
        parse: Parse = parse,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.system = system
        self.name = name
        self.parse = parse
        self._begins = begins(system) if name == RECORDS else b""
        self._names = {name: False, FORMER: True} if name == RECORDS else {name: False}
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

    def first(self, file: RecordsFile) -> Any | None:
        """The first record of a file, if it can be told. Raises OSError."""
        with file.path.open("rb") as handle:
            data = handle.read(LONGEST_LINE)
        end = self._end(file, data, 0)
        return self._parser(file)(data[:end], self.system)[0] if end >= 0 else None

    def _end(self, file: RecordsFile, data: bytes, start: int) -> int:
        """Where the record at `start` ends, -1 if it does not yet."""
        end = data.find(b"\n", start)
        if end < 0 or file.former:
            return end
        return record_end(data, start, self._begins)

    def _parser(self, file: RecordsFile) -> Parse:
        return parse_former if file.former else self.parse

    def _read_file(self, file: RecordsFile, done: int, asked: int, batch: Batch) -> int:
        with file.path.open("rb") as handle:
            handle.seek(done)
            data = handle.read(asked)
        start = 0
        parse, system, identity = self._parser(file), self.system, file.identity
        following = b"\n" + self._begins if self._begins and not file.former else b""
        while start < len(data):
            if following:
                end = data.find(following, start, start + LONGEST_USUAL)
                record = usual(data[start:end], system) if end > 0 else None
                if record is not None:
                    batch.lines.append(Line(record, identity, done + start))
                    start = end + 1
                    continue
            end = self._end(file, data, start)
            if end < 0:
                start += self._unended(file, done + start, data[start:], batch)
                break
            line = data[start:end]
            record, refused = parse(line, system)
            if record is not None:
                batch.lines.append(Line(record, identity, done + start))
            if refused is not None:
                self._reject(file, done + start, refused.reason, line, batch, used=refused.used)
            start = end + 1
        batch.bytes += start
        return done + start

    def _unended(self, file: RecordsFile, offset: int, rest: bytes, batch: Batch) -> int:
        """A last line without its end waits for it; how many bytes of it are done."""
        if len(rest) >= LONGEST_LINE:
            self._reject(file, offset, "no record", rest, batch)
            return len(rest)
        at_end = offset + len(rest) >= file.size
        if not at_end or file.current or self._now() - file.changed < SETTLED:
            return 0
        # Renamed away, and nobody writes to it any more: its rest will never come.
        record, refused = self._parser(file)(rest, self.system)
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
        found: dict[str, RecordsFile] = {}
        seen: dict[tuple[int, int, int, int], str] = {}
        try:
            entries = [
                entry
                for entry in os.scandir(self.folder)
                if any(_is_named(entry.name, name) for name in self._names)
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
            file = RecordsFile(
                Path(entry.path),
                identity,
                about.st_size,
                about.st_mtime,
                current=entry.name in self._names,
                former=next(
                    old for name, old in self._names.items() if _is_named(entry.name, name)
                ),
            )
            other = found.get(identity)
            if other is None or file.size > other.size:
                found[identity] = file
        self._known = seen
        files = sorted(found.values(), key=lambda f: (f.current, f.changed, f.path.name))
        return files[-MOST_FILES:]


def _is_named(said: str, name: str) -> bool:
    """Whether a file is `name`, now or before it was rotated."""
    stem, _, ending = name.rpartition(".")
    rotated = (f"{name}.", f"{name}-")  # by a number, or (`dateext`) by the day
    return (
        said == name
        or (said.startswith(rotated) and not said.endswith(PACKED))
        or (said.startswith(f"{stem}-") and said.endswith(f".{ending}"))
    )


def _identity(path: Path) -> str:
    """What a file is known by for ever: its first line; empty while that is not whole."""
    with path.open("rb") as handle:
        first = handle.readline(LONGEST_LINE)
    if not first.endswith(b"\n") and len(first) < LONGEST_LINE:
        return ""
    return hashlib.blake2b(first, digest_size=12).hexdigest()

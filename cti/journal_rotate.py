"""Files of records are renamed away when they are large or of another day, and deleted in time.

Asterisk opens its file for each record, so a rename loses none. Only what was read to its end is
deleted. A logrotate from outside does no harm: a file is known by its first line.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cti.journal import Journal, RecordsFile

MOST_IN_FILE = 64 * 1024 * 1024  # bytes: some 8,000 calls
MOST_DELETED = 1_000  # files, in one go


def rotate(
    journal: Journal,
    cursor: Mapping[str, int],
    *,
    now: datetime,
    keep: timedelta,
    most: int = MOST_IN_FILE,
) -> list[Path]:
    """Rename the current file if it is time, delete what is older than `keep`; what was deleted.

    Raises OSError.
    """
    deleted: list[Path] = []
    for file in journal.files():
        if file.current:
            if file.size >= most or _began(journal, file, now) < now.date().toordinal():
                file.path.rename(_free_name(file.path, now))
            continue
        old = now.timestamp() - file.changed > keep.total_seconds()
        if old and cursor.get(file.identity, 0) >= file.size and len(deleted) < MOST_DELETED:
            file.path.unlink(missing_ok=True)
            deleted.append(file.path)
    return deleted


def _began(journal: Journal, file: RecordsFile, now: datetime) -> int:
    """The day (UTC) of a file's first record; today's if that cannot be told."""
    record = journal.first(file)
    at: datetime = getattr(record, "at", None) or getattr(record, "ended_at", None) or now
    return at.astimezone(UTC).date().toordinal()


def _free_name(path: Path, now: datetime) -> Path:
    stem = f"{path.stem}-{now:%Y%m%dT%H%M%S}"
    found = path.with_name(f"{stem}{path.suffix}")
    number = 1
    while found.exists():
        found = path.with_name(f"{stem}-{number}{path.suffix}")
        number += 1
    return found

"""`ringdesk backup`: everything of an installation in one file, while calls go on.

The order matters. First the database, one moment's state: in it, the journal's position stands
beside what was read up to there. Then Asterisk's records, which by then reach at least as far; what
is in them beyond the position the restored installation reads again, so a call that came between
the two is not lost, and none is there twice. The recordings last: every one that the database knows
exists by then.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct
from sqlalchemy.engine import make_url

from config.archive import FORMAT, Head, Packing
from config.figures_of import program_version
from config.problems import Problem, can_be_written
from config.progress import Progress
from config.settings import Settings
from cti.journal import PACKED
from service_desk.copies import FILE, copy_sqlite, dump_tables
from service_desk.desk import connect
from service_desk.errors import DatabaseAway
from service_desk.migrations import check_schema, newest

Say = Callable[[str], None]

SPARE: Final = 100_000_000  # bytes that stay free on the target's disk
MOST_LEFT_OUT: Final = 20  # lines that name what is not in it
ROUNDS: Final = 5  # looks for files that were renamed meanwhile
CDR: Final = Path("asterisk/log/cdr-csv")  # below the data folder


class Made(Struct, frozen=True):
    """A backup that was made. Bytes."""

    file: Path
    size: int
    files: int
    sha256: str


def named(settings: Settings, now: datetime) -> Path:
    """What a backup is called if nobody says."""
    return Path(f"ringdesk-{settings.system}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.tar.gz")


def back_up(settings_file: Path, settings: Settings, target: Path, *, say: Say) -> Made:
    """Write the archive; nothing is left of one that fails. Raises Problem, DeskError, OSError."""
    target = target.absolute()
    if target.exists():
        raise Problem(f"{target}: is there already")
    can_be_written(target.parent, "--to")
    kind = make_url(settings.database.url).get_backend_name()
    if kind == "sqlite" and not _database(settings).exists():
        raise DatabaseAway(f"there is no database: {_database(settings)}")
    asyncio.run(_check_schema(settings.database.url))
    _room(settings, target.parent)
    head = Head(
        format=FORMAT,
        version=program_version(),
        schema=newest(),
        system=settings.system,
        database=kind,
        made_at=datetime.now(UTC),
    )
    packing = Packing(target, head)
    try:
        packing.add(f"settings/{settings_file.name}", settings_file)
        with tempfile.TemporaryDirectory(prefix=".ringdesk-", dir=target.parent) as folder:
            sequences = _dump(settings, kind, Path(folder), say)
            for file in sorted(Path(folder).iterdir()):
                packing.add(f"database/{file.name}", file)
        _pack(packing, settings, say)
        digest = packing.finish(sequences)
    except BaseException:
        packing.give_up()
        raise
    return Made(target, target.stat().st_size, len(packing.members), digest)


async def _check_schema(url: str) -> None:
    engine = connect(url)
    try:
        await check_schema(engine)
    finally:
        await engine.dispose()


def _dump(settings: Settings, kind: str, folder: Path, say: Say) -> dict[str, int]:
    if kind == "sqlite":
        told = Progress(say, "Copying the database (pages)")
        copy_sqlite(_database(settings), folder / FILE, told)
        return {}
    told = Progress(say, "Copying the database (tables)")
    return asyncio.run(dump_tables(settings.database.url, folder, told))


def _pack(packing: Packing, settings: Settings, say: Say) -> None:
    data = settings.data_folder
    _pack_lines(packing, "records", settings.records_folder)
    _pack_lines(packing, "cdr", data / CDR)
    wholes = [
        ("secrets", data / "secrets"),
        ("flows", data / "flows"),
        ("recordings", settings.recordings_folder),
    ]
    found = [(part, folder, file) for part, folder in wholes for file in _files(folder)]
    told = Progress(say, "Packing recordings, flows, secrets (files)")
    for done, (part, folder, file) in enumerate(found, 1):
        packing.add(f"{part}/{file.relative_to(folder)}", file)
        told(done, len(found))
    left_out = [line for _, folder in wholes for line in _left_out(folder)]
    for line in left_out[:MOST_LEFT_OUT]:
        say(line)
    if len(left_out) > MOST_LEFT_OUT:
        say(f"NOT in it: {len(left_out) - MOST_LEFT_OUT} more")


def _pack_lines(packing: Packing, part: str, folder: Path) -> None:
    """Files that are written to and renamed meanwhile: looked for until all that there are, by
    whatever name, are packed. The newest first: it is the one that is about to be renamed."""
    packed: set[tuple[int, int]] = set()
    for number in range(ROUNDS):
        fresh = [file for file in _files(folder) if _identity(file) not in packed]
        if not fresh:
            return
        for file in sorted(fresh, key=_changed, reverse=True):
            name = f"{part}/{file.relative_to(folder)}"
            if packing.has(name):  # another file has taken the name since
                name += f".packed{number}"
            about = packing.add(name, file, whole_lines=file.suffix not in PACKED)
            if about is not None:
                packed.add((about.st_dev, about.st_ino))


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        about = file.stat()
    except FileNotFoundError:
        return None
    return about.st_dev, about.st_ino


def _files(folder: Path) -> Iterator[Path]:
    """Plain files below a folder, links not followed."""
    if folder.is_dir():
        for each in sorted(folder.rglob("*")):
            if each.is_file() and not each.is_symlink() and _has_text_name(each):
                yield each


def _left_out(folder: Path) -> Iterator[str]:
    """What an administrator would believe to be in it."""
    for each in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if each.is_symlink():
            yield f"NOT in it: {each}: a link; back up by yourself what it leads to"
        elif not _has_text_name(each):
            yield f"NOT in it: {str(each)!a}: a name that is no UTF-8; rename it"


def _has_text_name(file: Path) -> bool:
    """The list is JSON, and so are its names."""
    try:
        str(file).encode()
    except UnicodeEncodeError:
        return False
    return True


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _room(settings: Settings, folder: Path) -> None:
    """The archive, and beside it the copy of the database. Raises Problem."""
    places = (settings.records_folder, settings.recordings_folder, settings.data_folder / "secrets")
    wanted = sum(file.stat().st_size for place in places for file in _files(place)) + SPARE
    if make_url(settings.database.url).get_backend_name() == "sqlite":
        wanted += 2 * _database(settings).stat().st_size
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise Problem(f"{folder}: {free / 1e9:.1f} GB free, {wanted / 1e9:.1f} GB may be needed")


def _database(settings: Settings) -> Path:
    return Path(make_url(settings.database.url).database or "")

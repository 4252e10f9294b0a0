"""`ringdesk restore`: a backup put into a clean place, whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct
from sqlalchemy.engine import make_url

from config.archive import FORMAT, Contents, Head, look, unpack
from config.backup import CDR
from config.figures_of import program_version
from config.problems import Problem, can_be_written, port_is_free
from config.settings import Settings, load
from service_desk.copies import FILE, check_sqlite, load_tables, must_be_empty
from service_desk.migrations import newest

Say = Callable[[str], None]

STAGING: Final = ".restoring"  # in the data folder
KEPT: Final = "restored"  # below the data folder: the archive's own words, for looking at


class Restored(Struct, frozen=True):
    """What was restored, and where."""

    head: Head
    data: Path
    files: int
    settings: Path
    wrote_settings: bool


def restore(file: Path, settings_file: Path, *, sha256: str = "", say: Say) -> Restored:
    """Put `file` where the settings say; a settings file that is missing comes from the archive.

    Raises Problem, LocatedError, DeskError, OSError; then nothing is there that was not before.
    """
    if sha256:
        _is_that_one(file, sha256)
    head, said = look(file)
    _is_ours(file, head)
    wrote = not settings_file.exists()
    if wrote:
        settings_file.parent.mkdir(parents=True, exist_ok=True)
        settings_file.touch(mode=0o600)  # it may hold the database's password
        settings_file.write_bytes(said)
    try:
        settings = load(settings_file)
        _fits(head, settings)
        data = settings.data_folder
        _is_clean(settings)
        _database_is_clean(settings)
        fresh = [each for each in (data, *data.parents) if not each.exists()]
        can_be_written(data, "data.folder")
        # Inside: what is unpacked there has its place by renaming, also on a mounted volume.
        staging = data / STAGING
        shutil.rmtree(staging, ignore_errors=True)  # of a restore that was killed
        staging.mkdir(mode=0o700)
        try:
            say(f"Unpacking {file} ...")
            contents = unpack(file, staging)
            say("Restoring the database ...")
            _put(head, contents, staging, settings)
        except BaseException:
            if data in fresh:
                shutil.rmtree(data, ignore_errors=True)
            for each in fresh[1:]:
                with contextlib.suppress(OSError):
                    each.rmdir()
            raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except BaseException:
        if wrote:
            settings_file.unlink(missing_ok=True)
        raise
    return Restored(head, data, len(contents.members), settings_file, wrote)


def _is_that_one(file: Path, sha256: str) -> None:
    with file.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found != sha256.strip().lower():
        raise Problem(f"{file}: not the archive of that SHA-256; it has {found}")


def _is_ours(file: Path, head: Head) -> None:
    ours = (FORMAT, program_version(), newest())
    if (head.format, head.version, head.schema) != ours:
        raise Problem(
            f"{file}: made by Ringdesk {head.version} (schema {head.schema}), this is"
            f" {program_version()} (schema {newest()}): restore it with that version, then upgrade"
        )


def _fits(head: Head, settings: Settings) -> None:
    if head.system != settings.system:
        raise Problem(
            f"the backup is of the system {head.system!r}, the settings name {settings.system!r}:"
            " every call's id depends on it"
        )
    kind = make_url(settings.database.url).get_backend_name()
    if head.database != kind:
        raise Problem(f"the backup holds a {head.database} database, the settings name {kind}")


def _is_clean(settings: Settings) -> None:
    """Nothing that exists is written over, and nobody runs who would write meanwhile."""
    asterisk, web, live = settings.asterisk, settings.web, settings.live
    ports = [
        ("the phone menu", asterisk.agi.bind, asterisk.agi.port, "asterisk.agi.port"),
        ("the pages", web.host, web.port, "web.port"),
        ("the live screens", live.host, live.port, "live.port"),
    ]
    if asterisk.mode == "own":
        ports.append(("Asterisk", asterisk.ami.bind, asterisk.ami.port, "asterisk.ami.port"))
    for what, host, port, key in ports:
        try:
            port_is_free(what, host, port, key)
        except Problem as why:
            raise Problem(f"Ringdesk seems to run here; stop it first ({why})") from None
    for folder in (settings.data_folder, settings.recordings_folder, settings.records_folder):
        if folder.exists() and not _is_empty(folder):
            raise Problem(f"{folder} is not empty; a backup is restored into a clean folder only")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and {each.name for each in folder.iterdir()} <= {STAGING}


def _database_is_clean(settings: Settings) -> None:
    url = make_url(settings.database.url)
    if url.get_backend_name() != "sqlite":
        asyncio.run(must_be_empty(settings.database.url))
    elif Path(url.database or "").exists():
        raise Problem(f"{url.database} is there already; a backup is restored into a clean place")


def _put(head: Head, contents: Contents, staging: Path, settings: Settings) -> None:
    """Everything to its place by renaming, the database last; if that fails, nothing stays."""
    data = settings.data_folder
    if head.database == "sqlite":
        check_sqlite(staging / "database" / FILE)
    places = {
        "secrets": data / "secrets",
        "flows": data / "flows",
        "cdr": data / CDR,
        "recordings": settings.recordings_folder,
        "records": settings.records_folder,
        "settings": data / KEPT,
    }
    placed: list[Path] = []
    try:
        for part, place in places.items():
            if (staging / part).is_dir():
                placed.append(place)
                _move(staging / part, place)
        if head.database == "sqlite":
            file = Path(make_url(settings.database.url).database or "")
            placed.append(file)
            _move(staging / "database" / FILE, file)
        else:
            asyncio.run(
                load_tables(settings.database.url, staging / "database", contents.sequences)
            )
    except BaseException:
        for place in placed:
            _clear(place)
        raise


def _move(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.is_dir():
        shutil.move(source, place)
        return
    for each in source.iterdir():  # into an empty folder, which may be a mounted one
        shutil.move(each, place / each.name)


def _clear(place: Path) -> None:
    """Take away what was put there; an empty folder may stay, it may be a mounted one."""
    if place.is_dir():
        for each in place.iterdir():
            if each.is_dir():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink()
        with contextlib.suppress(OSError):
            place.rmdir()
    else:
        place.unlink(missing_ok=True)

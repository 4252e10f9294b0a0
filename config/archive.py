"""One file that holds an installation: a tar, gzip inside, readable by its owner alone.

First a short head (which version, which schema), last the list of everything with sizes and
SHA-256: a file that was torn, cut or changed is told before anything of it is used. What is read
back may have been made by anybody: only plain files with plain names under known folders are taken.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

import msgspec
from msgspec import Struct, field

from config.problems import Problem

FORMAT: Final = 1
HEAD: Final = "ringdesk-backup.json"
LIST: Final = "manifest.json"
FOLDERS: Final = ("settings", "secrets", "flows", "database", "records", "cdr", "recordings")
MOST_BYTES_OF_A_LIST: Final = 512 * 1024 * 1024
MOST_BYTES_OF_A_HEAD: Final = 64 * 1024
CHUNK: Final = 1024 * 1024
LEVEL: Final = 1  # gzip's: recordings hardly get smaller with more, and calls want the processor
NAME: Final = re.compile(r"[^/\0]{1,255}(/[^/\0]{1,255}){0,15}")


class Head(Struct, frozen=True, kw_only=True):
    """What an archive is of."""

    format: int
    version: str
    schema: str
    system: str
    database: str  # sqlite, postgresql
    made_at: datetime


class Member(Struct, frozen=True):
    """One file in it."""

    name: str
    size: int
    sha256: str


class Contents(Struct, frozen=True, kw_only=True):
    """The last word of an archive: all that came before it."""

    members: list[Member]
    sequences: dict[str, int] = field(default_factory=dict)


class Packing:
    """An archive being written; it has its name once it is whole."""

    def __init__(self, target: Path, head: Head) -> None:
        self.target = target
        self.members: list[Member] = []
        self._names: set[str] = set()
        self._part = target.with_name(f".{target.name}.part")
        handle = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._raw = os.fdopen(handle, "wb")
        self._zip = gzip.GzipFile("", "wb", LEVEL, self._raw, mtime=0)
        self._tar = tarfile.TarFile(fileobj=self._zip, mode="w", format=tarfile.PAX_FORMAT)
        self._put(HEAD, msgspec.json.encode(head))

    def has(self, name: str) -> bool:
        """Whether there is a file of that name already."""
        return name in self._names

    def add(self, name: str, file: Path, *, whole_lines: bool = False) -> os.stat_result | None:
        """Add a file as it is now, though it may grow; what it is, None if it is gone.

        `whole_lines`: without a last line that is still being written.
        """
        try:
            source = file.open("rb")
        except FileNotFoundError:
            return None
        with source:
            about = os.fstat(source.fileno())
            size = _whole(source, about.st_size) if whole_lines else about.st_size
            source.seek(0)
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = size, 0o600, about.st_mtime
            reading = _Reading(source, size)
            self._tar.addfile(info, reading)
        self.members.append(Member(name, size, reading.hash.hexdigest()))
        self._names.add(name)
        return about

    def finish(self, sequences: dict[str, int]) -> str:
        """Write the list and give the archive its name; its own SHA-256."""
        contents = Contents(members=self.members, sequences=sequences)
        self._put(LIST, msgspec.json.encode(contents), listed=False)
        self._tar.close()
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()
        self._part.rename(self.target)
        with self.target.open("rb") as made:
            return hashlib.file_digest(made, "sha256").hexdigest()

    def give_up(self) -> None:
        """Leave nothing: no file, and nothing open that would still write when it is collected."""
        # What gzip holds back goes nowhere: the disk may be what is full.
        self._zip.fileobj = io.BytesIO()
        with contextlib.suppress(OSError, ValueError, zlib.error):
            self._zip.close()
        with contextlib.suppress(OSError):
            self._raw.close()
        self._part.unlink(missing_ok=True)

    def _put(self, name: str, data: bytes, *, listed: bool = True) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        self._tar.addfile(info, io.BytesIO(data))
        if listed:
            self.members.append(Member(name, len(data), hashlib.sha256(data).hexdigest()))


class _Reading:
    """So many bytes of a file, hashed on their way; one that shrank meanwhile is filled with 0."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self.hash = hashlib.sha256()
        self._source = source
        self._left = size

    def read(self, most: int = CHUNK, /) -> bytes:
        """For tarfile."""
        wanted = min(most, self._left)
        data = self._source.read(wanted)
        data += bytes(wanted - len(data))
        self._left -= wanted
        self.hash.update(data)
        return data


def _whole(source: IO[bytes], size: int) -> int:
    """Up to the end of the last whole line."""
    end = size
    while end > 0:
        start = max(0, end - CHUNK)
        source.seek(start)
        found = source.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


# Reading back


def look(file: Path) -> tuple[Head, bytes]:
    """What an archive is of, and the settings in it. Raises Problem; nothing is written."""
    with _opened(file) as members:
        head = _head(file, members)
        settings = b""
        for info, source in members:
            if info.name.startswith("settings/"):
                settings = source.read(MOST_BYTES_OF_A_HEAD * 16)
            break
    return head, settings


def unpack(file: Path, folder: Path) -> Contents:
    """Unpack everything into an empty folder and compare it with the list. Raises Problem."""
    found: dict[str, Member] = {}
    contents: Contents | None = None
    with _opened(file, whole=True) as members:
        for info, source in members:
            if contents is not None:
                raise _torn(file, "something follows its list")
            if info.name == LIST:
                contents = _decoded(file, source.read(MOST_BYTES_OF_A_LIST), Contents)
                continue
            _check_name(file, info)
            if info.name in found:
                raise _torn(file, f"{info.name!r} is in it twice")
            if info.size > shutil.disk_usage(folder).free:
                raise Problem(f"{folder}: no room for {info.name!r} ({info.size:,} bytes)")
            found[info.name] = _write(info, source, folder)
    if contents is None:
        raise _torn(file, "its end is missing")
    _compare(file, contents, found)
    return contents


def _compare(file: Path, contents: Contents, found: dict[str, Member]) -> None:
    listed = {member.name: member for member in contents.members}
    for name in listed.keys() ^ found.keys():
        raise _torn(file, f"{name!r} is only {'listed' if name in listed else 'in it'}")
    for name, member in listed.items():
        if found[name] != member:
            raise _torn(file, f"{name!r} is not what was written")


def _head(file: Path, members: Iterator[tuple[tarfile.TarInfo, IO[bytes]]]) -> Head:
    for info, source in members:
        if info.name != HEAD:
            break
        head: Head = _decoded(file, source.read(MOST_BYTES_OF_A_HEAD), Head)
        return head
    raise Problem(f"{file}: this is no backup of Ringdesk")


def _check_name(file: Path, info: tarfile.TarInfo) -> None:
    """Only what we would have written: no way out of the folder, no links, no devices."""
    parts = info.name.split("/")
    plain = NAME.fullmatch(info.name) and not {"", ".", ".."} & set(parts)
    known = info.name == HEAD or (parts[0] in FOLDERS and len(parts) > 1)
    if not (info.isreg() and plain and known):
        raise _torn(file, f"{info.name[:80]!r} is nothing of ours")


def _write(info: tarfile.TarInfo, source: IO[bytes], folder: Path) -> Member:
    place = folder / info.name
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as out:
        while data := source.read(CHUNK):
            out.write(data)
            digest.update(data)
        size = out.tell()
    # The journal reads the oldest file first.
    os.utime(place, (info.mtime, info.mtime))
    return Member(info.name, size, digest.hexdigest())


@contextlib.contextmanager
def _opened(
    file: Path, *, whole: bool = False
) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    """The members one after the other; whatever is wrong with the file is one line."""
    try:
        # Read as a stream: nothing is looked up twice, so nothing can be two things.
        with gzip.open(file) as unzipped, tarfile.open(fileobj=unzipped, mode="r|") as tar:
            yield _members(file, tar)
            # The checksum of it all comes with the last bytes.
            if whole and len(unzipped.read(CHUNK)) == CHUNK:
                raise _torn(file, "something follows its end")
    except FileNotFoundError:
        raise Problem(f"{file}: no such file") from None
    except gzip.BadGzipFile:
        raise Problem(f"{file}: this is no backup of Ringdesk, or a torn one") from None
    except (tarfile.TarError, EOFError, zlib.error, OverflowError, UnicodeError) as error:
        raise _torn(file, type(error).__name__) from None


def _members(file: Path, tar: Any) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for info in tar:
        if not info.isreg():
            _check_name(file, info)
        source = tar.extractfile(info)
        if source is None:
            raise _torn(file, f"{info.name[:80]!r} is no file")
        yield info, source


def _decoded(file: Path, data: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _torn(file, "what it says of itself cannot be read") from None


def _torn(file: Path, why: str) -> Problem:
    return Problem(f"{file}: torn, or changed since it was made: {why}; nothing was restored")

"""A backup and back: the same rows and files in a clean place, on both databases; and refusals."""

from __future__ import annotations

import asyncio
import gc
import gzip
import hashlib
import io
import json
import os
import resource
import socket
import sqlite3
import tarfile
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest
from sqlalchemy import Connection, func, select

from config import archive
from config.archive import Head, Member
from config.backup import back_up
from config.demo import load_company
from config.problems import Problem
from config.restore import restore
from config.settings import Settings, load
from service_desk import demo_calls
from service_desk.desk import Desk, connect
from service_desk.errors import Conflict, DatabaseAway
from service_desk.first_start import furnish
from service_desk.migrations import migrate
from service_desk.model import BridgeLock, Case, Lease, metadata
from tests.config.outside import Site, ringdesk
from tests.ports import free_port

HEAD = Head(
    format=archive.FORMAT,
    version="0",
    schema="0",
    system="ringdesk-1",
    database="sqlite",
    made_at=datetime(2026, 11, 21, tzinfo=UTC),
)


def quiet(_said: str) -> None: ...


def files_below(folder: Path) -> dict[str, str]:
    """Name -> SHA-256."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def _rows(connection: Connection) -> dict[str, str]:
    found = {}
    for table in metadata.sorted_tables:
        if table.name not in {BridgeLock.__tablename__, Lease.__tablename__}:
            rows = sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def rows_of(settings: Settings) -> dict[str, str]:
    """Table -> hash of all its rows."""

    async def read() -> dict[str, str]:
        desk = Desk(connect(settings.database.url))
        try:
            return await desk.fetch(_rows)
        finally:
            await desk.close()

    return asyncio.run(read())


def furnished(site: Site) -> Settings:
    """A demo company with a recording, records, a flow and secrets."""
    settings = load(site.file)
    settings.data_folder.mkdir(parents=True, exist_ok=True)

    async def fill() -> None:
        await migrate(settings.database.url)
        desk = Desk(connect(settings.database.url))
        await furnish(desk)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(demo_calls, "CASES", 200)
            await load_company(desk, folder=settings.data_folder, say=quiet)
        await desk.close()

    asyncio.run(fill())
    day = settings.recordings_folder / "2026/11/21"
    day.mkdir(parents=True)
    (day / "ringdesk-1-1.7.wav").write_bytes(os.urandom(70_000))
    settings.records_folder.mkdir()
    (settings.records_folder / "cel.json").write_text('{"a": 1}\n{"b": 2}\n{"torn')
    (settings.records_folder / "cel.json.1").write_text('{"older": 1}\n')
    os.utime(settings.records_folder / "cel.json.1", (1_700_000_000, 1_700_000_000))
    cdr = settings.data_folder / "asterisk/log/cdr-csv"
    cdr.mkdir(parents=True)
    (cdr / "Master.csv").write_text("one,line\n")
    flows = settings.data_folder / "flows"
    flows.mkdir()
    (flows / "own.yaml").write_text("description: ours\n")
    return settings


async def new_database(server: str) -> str:
    connection = await asyncpg.connect(server.replace("+asyncpg", ""))
    name = f"backup_{uuid.uuid4().hex[:12]}"
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return f"{server.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Site, Site]:
    """An installation with a company in it, and a clean place of the same kind."""
    made = []
    for name in ("old", "new"):
        site = Site(tmp_path_factory.mktemp(name))
        if request.param == "postgresql":
            server = str(request.getfixturevalue("postgres_url"))
            site.config["database"] = {"url": asyncio.run(new_database(server))}
            site.write()
        made.append(site)
    furnished(made[0])
    return made[0], made[1]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A small installation: tables without a company."""
    site = Site(tmp_path_factory.mktemp("small"))
    assert ringdesk("db", "migrate", "-s", site.file).status in (0, None)
    (site.data / "recordings").mkdir()
    (site.data / "recordings/one.wav").write_bytes(b"sound" * 99)
    return site


@pytest.fixture(scope="module")
def made(old: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its backup."""
    file = tmp_path_factory.mktemp("made") / "small.tar.gz"
    back_up(Path(old.file), load(old.file), file, say=quiet)
    return file


@pytest.fixture
def clean(tmp_path: Path) -> Site:
    """A clean place."""
    return Site(tmp_path)


def refused(file: Path, site: Site) -> str:
    """The one line of a restore that was refused; nothing is there that was not before."""
    before = files_below(site.folder)
    with pytest.raises((Problem, Conflict, DatabaseAway)) as why:
        restore(file, Path(site.file), say=quiet)
    assert files_below(site.folder) == before
    assert "\n" not in str(why.value)
    return str(why.value)


# There and back


@pytest.mark.postgresql
def test_everything_is_there_again(pair: tuple[Site, Site], tmp_path: Path) -> None:
    """Rows, recordings, whole lines of records, flows, secrets: readable by their owner alone."""
    before, after = (load(site.file) for site in pair)
    file = tmp_path / "all.tar.gz"
    rows = rows_of(before)
    made = back_up(Path(pair[0].file), before, file, say=quiet)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert list(tmp_path.iterdir()) == [file]

    done = restore(file, Path(pair[1].file), sha256=made.sha256, say=quiet)
    assert done.head.system == "outside"
    assert not done.wrote_settings
    assert rows_of(after) == rows
    assert files_below(after.recordings_folder) == files_below(before.recordings_folder)
    for part in ("secrets", "flows", "asterisk/log/cdr-csv"):
        there = files_below(after.data_folder / part)
        assert there == files_below(before.data_folder / part)
        assert there
    records = after.records_folder
    assert (records / "cel.json").read_text() == '{"a": 1}\n{"b": 2}\n'
    assert (records / "cel.json.1").stat().st_mtime == 1_700_000_000  # the journal's order
    for secret in (after.data_folder / "secrets").iterdir():
        assert secret.stat().st_mode & 0o777 == 0o600
    assert (after.data_folder / "restored/ringdesk.yaml").read_text() == Path(
        pair[0].file
    ).read_text()
    _goes_on_numbering(after)


def _goes_on_numbering(settings: Settings) -> None:
    """A case's number is never given twice."""

    def insert(connection: Connection) -> tuple[int, int]:
        last = connection.scalar(select(func.max(Case.id))) or 0
        now = connection.scalar(select(func.max(Case.opened_at)))
        made = connection.execute(
            metadata.tables["service_case"].insert().values(year=2026, opened_at=now)
        )
        assert made.inserted_primary_key is not None
        return last, int(made.inserted_primary_key[0])

    async def add() -> tuple[int, int]:
        desk = Desk(connect(settings.database.url))
        try:
            return await desk.transact(insert)
        finally:
            await desk.close()

    last, number = asyncio.run(add())
    assert number == last + 1


def test_a_backup_is_one_moment_of_a_database_that_is_written_to(
    old: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed meanwhile waits for nobody, and is not in it."""
    from service_desk import copies  # noqa: PLC0415 - only here

    settings = load(old.file)
    source = Path(settings.database.url.partition("///")[2])
    monkeypatch.setattr(copies, "PAGES", 1)
    steps = 0
    with sqlite3.connect(source, timeout=0.1, isolation_level=None) as writer:
        before = writer.execute("SELECT count(*) FROM login_attempt").fetchone()[0]

        def write(_done: int, _total: int) -> None:
            nonlocal steps
            steps += 1
            writer.execute("INSERT INTO login_attempt (at, name, address) VALUES (1, 'x', 'y')")

        copies.copy_sqlite(source, tmp_path / "copy.db", write)
    writer.close()
    assert steps > 10
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT count(*) FROM login_attempt").fetchone()[0] == before
        assert copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    copy.close()


def test_records_that_are_renamed_while_they_are_packed(
    old: Site, clean: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every line is in it, by whatever name; what was compressed is left as it is."""
    settings = load(old.file)
    records = settings.records_folder
    records.mkdir(exist_ok=True)
    (records / "cel.json").write_text("one\n")
    zipped = gzip.compress(b"older\n" * 99)
    (records / "cel.json.0.gz").write_bytes(zipped)
    add = archive.Packing.add
    renamed = False

    def and_rename(packing: archive.Packing, name: str, file: Path, **how: bool) -> object:
        nonlocal renamed
        if file.name == "cel.json" and not renamed:
            renamed = True
            file.rename(records / "cel.json.1")
            file.write_text("two\n")
        return add(packing, name, file, **how)

    monkeypatch.setattr(archive.Packing, "add", and_rename)
    back_up(Path(old.file), settings, tmp_path / "r.tar.gz", say=quiet)
    restore(tmp_path / "r.tar.gz", Path(clean.file), say=quiet)
    there = load(clean.file).records_folder
    lines = {file.read_text() for file in there.iterdir() if file.suffix != ".gz"}
    assert lines == {"one\n", "two\n"}
    assert (there / "cel.json.0.gz").read_bytes() == zipped


def test_the_commands_say_what_they_do(old: Site, clean: Site, tmp_path: Path) -> None:
    """Without a settings file that of the archive is used; the folder by the environment."""
    file = tmp_path / "a.tar.gz"
    said = ringdesk("backup", "--to", str(file), "-s", old.file)
    assert said.status in (0, None), said
    assert "Copying the database" in said.out
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    assert f"SHA-256 {digest}" in said.out
    again = ringdesk("backup", "--to", str(file), "-s", old.file).refused_with()
    assert again == f"{file}: is there already"

    fresh = clean.folder / "fresh.yaml"
    data = clean.folder / "elsewhere"
    back = ringdesk(
        "restore", str(file), "--sha256", digest, "-s", str(fresh),
        environment={"RINGDESK_DATA": str(data)},
    )  # fmt: skip
    assert back.status in (0, None), back
    assert f"{fresh}: written from the archive" in back.out
    assert (data / "recordings/one.wav").read_bytes() == b"sound" * 99
    assert (data / "ringdesk.db").exists()
    assert fresh.stat().st_mode & 0o777 == 0o600
    other = ringdesk("restore", str(file), "--sha256", "0" * 64, "-s", clean.file).refused_with()
    assert "not the archive of that SHA-256" in other


def test_what_is_not_in_it_is_told(old: Site, clean: Site, tmp_path: Path) -> None:
    """A link to another disk, and a name that no list can hold, which once ended every backup."""
    recordings = old.data / "recordings"
    link, odd = recordings / "2025", Path(os.fsdecode(os.fsencode(recordings) + b"/\xff.wav"))
    link.symlink_to(tmp_path)
    odd.write_bytes(b"x")
    said: list[str] = []
    try:
        back_up(Path(old.file), load(old.file), tmp_path / "l.tar.gz", say=said.append)
    finally:
        link.unlink()
        odd.unlink()
    told = [line for line in said if line.startswith("NOT in it")]
    assert [("a link" in line, "no UTF-8" in line) for line in told] == [
        (True, False),
        (False, True),
    ]
    restore(tmp_path / "l.tar.gz", Path(clean.file), say=quiet)
    assert [each.name for each in (clean.data / "recordings").iterdir()] == ["one.wav"]


# What is refused


def test_a_folder_that_is_not_empty(made: Path, clean: Site) -> None:
    clean.data.mkdir()
    (clean.data / "something").write_text("mine")
    assert refused(made, clean).startswith(f"{clean.data} is not empty")


def test_folders_that_are_there_and_empty(made: Path, clean: Site) -> None:
    """As mounted volumes are; and what a restore that was killed left is no hindrance."""
    (clean.data / ".restoring/recordings").mkdir(parents=True)
    (clean.folder / "sound").mkdir()
    clean.config["asterisk"]["recordings"] = str(clean.folder / "sound")
    clean.write()
    volume = (clean.folder / "sound").stat().st_ino
    restore(made, Path(clean.file), say=quiet)
    assert (clean.folder / "sound/one.wav").exists()
    assert (clean.folder / "sound").stat().st_ino == volume
    assert not (clean.data / ".restoring").exists()


def test_a_ringdesk_that_runs(made: Path, clean: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", clean.config["web"]["port"]))
        taken.listen()
        assert refused(made, clean).startswith("Ringdesk seems to run here; stop it first")


def test_another_system(made: Path, clean: Site) -> None:
    clean.config["system"] = "another"
    clean.write()
    assert "'outside'" in refused(made, clean)


def test_another_kind_of_database(made: Path, clean: Site) -> None:
    clean.config["database"] = {"url": f"postgresql+asyncpg://x@127.0.0.1:{free_port()}/x"}
    clean.write()
    assert refused(made, clean) == (
        "the backup holds a sqlite database, the settings name postgresql"
    )


@pytest.mark.postgresql
def test_a_server_database_that_is_not_empty(
    clean: Site, postgres_url: str, tmp_path: Path
) -> None:
    url = asyncio.run(new_database(postgres_url))
    asyncio.run(migrate(url))
    clean.config["database"] = {"url": url}
    clean.write()
    file = tmp_path / "p.tar.gz"
    back_up(Path(clean.file), load(clean.file), file, say=quiet)
    assert "the database is not empty" in refused(file, clean)


Change = Callable[[dict[str, bytes]], None]


def rebuilt(made: Path, target: Path, change: Change, *, listed: bool = True) -> Path:
    """The same archive with other contents; `listed`: its list fits them."""
    with tarfile.open(made) as tar:
        parts = {each.name: tar.extractfile(each).read() for each in tar}
    contents = json.loads(parts.pop(archive.LIST))
    change(parts)
    if listed:
        contents["members"] = [
            msgspec.to_builtins(Member(name, len(data), hashlib.sha256(data).hexdigest()))
            for name, data in parts.items()
        ]
    parts[archive.LIST] = json.dumps(contents).encode()
    with tarfile.open(target, "w:gz") as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target


def other_head(**change: object) -> Change:
    def apply(parts: dict[str, bytes]) -> None:
        head = msgspec.json.decode(parts[archive.HEAD], type=Head)
        parts[archive.HEAD] = msgspec.json.encode(msgspec.structs.replace(head, **change))

    return apply


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (other_head(version="9.9.9"), "made by Ringdesk 9.9.9"),
        (other_head(schema="9999_future"), "schema 9999_future"),
        (other_head(format=2), "restore it with that version"),
    ],
)
def test_an_archive_of_another_version(
    made: Path, clean: Site, tmp_path_factory: pytest.TempPathFactory, change: Change, said: str
) -> None:
    file = rebuilt(made, tmp_path_factory.mktemp("x") / "a.tar.gz", change)
    assert said in refused(file, clean)


def _changed(parts: dict[str, bytes]) -> None:
    parts["recordings/one.wav"] = b"SOUND" * 99


def _taken(parts: dict[str, bytes]) -> None:
    del parts["recordings/one.wav"]


def _added(parts: dict[str, bytes]) -> None:
    parts["flows/extra.yaml"] = b"x"


@pytest.mark.parametrize("change", [_changed, _taken, _added])
def test_an_archive_that_was_tampered_with(
    made: Path, clean: Site, tmp_path_factory: pytest.TempPathFactory, change: Change
) -> None:
    file = rebuilt(made, tmp_path_factory.mktemp("x") / "a.tar.gz", change, listed=False)
    assert "torn, or changed since it was made" in refused(file, clean)


@pytest.mark.parametrize(
    "name",
    ["../outside", "flows/../../outside", "/etc/outside", "flows//x", "etc/passwd", "flows", "."],
)
def test_a_name_that_leads_elsewhere(
    made: Path, clean: Site, tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    def add(parts: dict[str, bytes]) -> None:
        parts[name] = b"x"

    file = rebuilt(made, tmp_path_factory.mktemp("x") / "a.tar.gz", add)
    assert "is nothing of ours" in refused(file, clean)
    assert not (clean.folder.parent / "outside").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file(
    made: Path, clean: Site, tmp_path_factory: pytest.TempPathFactory, kind: bytes
) -> None:
    file = tmp_path_factory.mktemp("x") / "a.tar.gz"
    with tarfile.open(made) as old_tar, tarfile.open(file, "w:gz") as tar:
        for each in old_tar:
            if each.name == "recordings/one.wav":
                link = tarfile.TarInfo("recordings/link")
                link.type, link.linkname = kind, "/etc/passwd"
                tar.addfile(link)
            tar.addfile(each, old_tar.extractfile(each))
    assert "is nothing of ours" in refused(file, clean)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.9, 1.0])
def test_an_archive_that_ends_too_early(
    made: Path, clean: Site, tmp_path_factory: pytest.TempPathFactory, part: float
) -> None:
    data = made.read_bytes()
    file = tmp_path_factory.mktemp("x") / "a.tar.gz"
    file.write_bytes(data[: int((len(data) - 1) * part)])
    said = refused(file, clean)
    assert "torn" in said or "no backup of Ringdesk" in said


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing", gzip.compress(b"nothing" * 200, mtime=0)],
    ids=["empty", "text", "compressed"],
)
def test_something_else(clean: Site, tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.mktemp("x") / "a.tar.gz"
    file.write_bytes(data)
    said = refused(file, clean)
    assert "Ringdesk" in said or "torn" in said


def test_a_backup_without_room_or_database_leaves_nothing(
    clean: Site,
    old: Site,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("x")
    with pytest.raises(DatabaseAway, match="there is no database"):
        back_up(Path(clean.file), load(clean.file), folder / "a.tar.gz", say=quiet)
    monkeypatch.setattr("config.backup.SPARE", 10**18)
    with pytest.raises(Problem, match="may be needed"):
        back_up(Path(old.file), load(old.file), folder / "a.tar.gz", say=quiet)
    monkeypatch.undo()
    monkeypatch.setattr("config.archive.Packing.finish", _fails)
    with pytest.raises(OSError, match="full"):
        back_up(Path(old.file), load(old.file), folder / "a.tar.gz", say=quiet)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("at", ["in the middle", "at the end"])
def test_an_archive_that_a_full_disk_cuts_leaves_nothing_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """What is still held back cannot be written either: it says so once, not once more later.

    Python 3.13 tells what an abandoned file could not write; the tests make a failure of it.
    """
    packing = archive.Packing(tmp_path / "a.tar.gz", HEAD)
    big = tmp_path / "big"
    big.write_bytes(os.urandom(300_000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000 if at == "in the middle" else 300_010, hard))
    try:
        with pytest.raises(OSError, match="too large"):  # noqa: PT012 - either may be the one
            packing.add("recordings/big", big)
            packing.finish({})
        packing.give_up()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    del packing
    gc.collect()
    assert list(tmp_path.iterdir()) == [big]


def _fails(*_given: object) -> str:
    raise OSError("full")


def test_a_restore_that_breaks_leaves_nothing(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the settings that it wrote."""
    monkeypatch.setattr("config.restore.check_sqlite", _fails)
    monkeypatch.setenv("RINGDESK_DATA", str(tmp_path / "srv/ringdesk/data"))
    with pytest.raises(OSError, match="full"):
        restore(made, tmp_path / "new.yaml", say=quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_restore_that_breaks_at_the_last_leaves_nothing_too(
    made: Path, clean: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are at their places already when the database's comes."""
    from config import restore as module  # noqa: PLC0415 - the function has its name here

    move = module._move

    def last_fails(source: Path, place: Path) -> None:
        if source.name.endswith(".db"):
            assert (clean.data / "recordings/one.wav").exists()
            raise OSError("full")
        move(source, place)

    monkeypatch.setattr(module, "_move", last_fails)
    with pytest.raises(OSError, match="full"):
        restore(made, Path(clean.file), say=quiet)
    assert [each.name for each in clean.folder.iterdir()] == ["ringdesk.yaml"]

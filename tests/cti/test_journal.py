"""The journal's files: positions that survive rotation, torn lines, bounds."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cti.journal import LONGEST_LINE, MOST_REJECTS, Batch, Journal

SYSTEM = "ringdesk-1"


def line(number: int) -> bytes:
    return (
        f'{{"eventtype":"CHAN_START","eventtime":{1_795_000_000 + number}.5,'
        f'"uniqueid":"{number}","linkedid":"{number}"}}\n'
    ).encode()


class Folder:
    """A folder of records, as Asterisk and whoever rotates treat it; read with one cursor."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "cel.json"
        self.time = 1e12  # long after anything was changed
        self.journal = Journal(path, SYSTEM, now=lambda: self.time)
        self.cursor: dict[str, int] = {}
        self.written = 0

    def write(self, many: int) -> None:
        with self.file.open("ab") as out:  # opened and closed for each record
            for _ in range(many):
                out.write(line(self.written))
                self.written += 1

    def add(self, raw: bytes) -> None:
        with self.file.open("ab") as out:
            out.write(raw)

    def read(self, most: int = 1 << 20) -> Batch:
        batch = self.journal.read(self.cursor, most)
        self.cursor = batch.cursor
        return batch

    def numbers(self, most: int = 1 << 20) -> list[int]:
        return [int(each.record.uniqueid) for each in self.read(most).lines]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_each_record_is_read_once(folder: Folder) -> None:
    folder.write(3)
    assert folder.numbers() == [0, 1, 2]
    assert folder.numbers() == []
    folder.write(2)
    assert folder.numbers() == [3, 4]


def test_no_folder_is_no_records(tmp_path: Path) -> None:
    """Asterisk has not written any yet."""
    assert not Journal(tmp_path / "none", SYSTEM).read({}).moved


def test_rotation_loses_and_repeats_nothing(folder: Folder) -> None:
    folder.write(3)
    assert folder.numbers() == [0, 1, 2]
    folder.write(2)
    folder.file.rename(folder.path / "cel.json.1")
    folder.write(2)
    assert folder.numbers() == [3, 4, 5, 6]


def test_several_rotations_between_two_readings(folder: Folder) -> None:
    """As logrotate does it: every name moves on."""
    folder.write(2)
    assert folder.numbers(1) == [0, 1]  # never less than a line's longest
    for _ in range(3):
        folder.write(2)
        for number in (3, 2, 1):
            old = folder.path / f"cel.json.{number}"
            if old.exists():
                old.rename(folder.path / f"cel.json.{number + 1}")
        folder.file.rename(folder.path / "cel.json.1")
    folder.write(1)
    assert sorted(folder.numbers()) == list(range(2, 9))
    assert folder.numbers() == []


def test_dated_names_are_found_and_packed_ones_left_alone(folder: Folder) -> None:
    folder.write(1)
    folder.file.rename(folder.path / "cel-20261121T230000.json")
    folder.write(1)
    (folder.path / "cel.json.9.gz").write_bytes(b"\x1f\x8b")
    (folder.path / "notes.txt").write_bytes(line(77))
    assert folder.numbers() == [0, 1]


@pytest.mark.parametrize("ending", ["", ".gz", ".xz", ".zst", ".bz2"])
def test_a_logrotate_that_names_by_the_day(folder: Folder, ending: str) -> None:
    """`dateext`, most distributions' way; a packed one is nothing to read."""
    folder.write(1)
    folder.file.rename(folder.path / f"cel.json-20261121{ending}")
    folder.write(1)
    assert folder.numbers() == ([1] if ending else [0, 1])


def test_what_is_no_file_stops_nothing(folder: Folder) -> None:
    """Somebody's folder, a pipe that nobody writes to, a link that leads nowhere."""
    (folder.path / "cel.json.old").mkdir()
    os.mkfifo(folder.path / "cel.json.pipe")
    (folder.path / "cel.json.link").symlink_to(folder.path / "nowhere")
    folder.write(1)
    assert folder.numbers() == [0]


def test_copy_and_truncate(folder: Folder) -> None:
    """A logrotate that copies: the copy is the file that was read, the rest is new."""
    folder.write(3)
    assert folder.numbers() == [0, 1, 2]
    shutil.copy(folder.file, folder.path / "cel.json.1")
    folder.file.write_bytes(b"")
    folder.write(2)
    assert folder.numbers() == [3, 4]


def test_a_torn_last_line_waits_for_its_rest(folder: Folder) -> None:
    folder.write(1)
    whole = line(1)
    folder.add(whole[:20])
    batch = folder.read()
    assert len(batch.lines) == 1
    assert batch.left == 20
    assert not folder.read().moved
    folder.add(whole[20:])
    assert folder.numbers() == [1]


def test_a_torn_line_of_a_file_renamed_away_is_put_aside_once_it_has_settled(
    folder: Folder,
) -> None:
    folder.write(1)
    folder.add(line(1)[:20])
    old = folder.path / "cel.json.1"
    folder.file.rename(old)
    folder.time = old.stat().st_mtime + 1
    assert folder.read().rejects == []
    folder.time += 60
    batch = folder.read()
    assert [each.line for each in batch.rejects] == [line(1)[:20]]
    assert batch.left == 0
    assert not folder.read().moved


def test_bad_lines_stop_nothing_and_are_told_with_their_place(folder: Folder) -> None:
    folder.write(1)
    folder.add(b"nonsense\n\n")
    folder.write(1)
    batch = folder.read()
    assert [each.record.uniqueid for each in batch.lines] == ["0", "1"]
    [reject] = batch.rejects
    assert (reject.offset, reject.reason, reject.line) == (len(line(0)), "not JSON", b"nonsense")


def test_rejects_are_bounded_and_counted(folder: Folder) -> None:
    folder.write(1)
    folder.add(b"x\n" * (MOST_REJECTS + 50))
    batch = folder.read()
    assert len(batch.rejects) == MOST_REJECTS
    assert batch.rejected == MOST_REJECTS + 50


def test_a_line_without_end_does_not_hold_up_the_journal(folder: Folder) -> None:
    """Longer than any record: what was read of it is put aside."""
    folder.write(1)
    folder.add(b"x" * (2 * LONGEST_LINE))
    folder.add(b"\n")
    folder.write(1)
    found: list[int] = []
    for _ in range(4):
        found += folder.numbers()
    assert found == [0, 1]


def test_portions_are_bounded(folder: Folder) -> None:
    folder.write(5_000)
    sizes = []
    while (batch := folder.read(100_000)).moved:
        sizes.append(batch.bytes)
    assert max(sizes) <= 100_000
    assert len(sizes) >= 4


@pytest.mark.parametrize("most", [1, 70_001, 100_000])
def test_a_file_is_read_to_its_end_before_the_next(folder: Folder, most: int) -> None:
    """A call that lies in both would end before it began, and be lost."""
    for number in (1, 2):
        folder.write(3_000)
        folder.file.rename(folder.path / f"cel-{number}.json")
    folder.write(10)
    found: list[int] = []
    while numbers := folder.numbers(most):
        found += numbers
    assert found == list(range(6_010))


def test_the_cursor_forgets_files_that_are_gone(folder: Folder) -> None:
    folder.write(1)
    folder.read()
    folder.file.rename(folder.path / "cel.json.1")
    folder.write(1)
    folder.read()
    assert len(folder.cursor) == 2
    (folder.path / "cel.json.1").unlink()
    folder.read()
    assert len(folder.cursor) == 1


def test_another_file_on_the_same_inode_is_read_from_its_beginning(folder: Folder) -> None:
    """Identity is the first line: an inode is given to the next file."""
    folder.write(2)
    folder.read()
    first = folder.file.read_bytes()
    folder.file.write_bytes(line(50) + line(51) + line(52))
    assert len(folder.file.read_bytes()) > len(first)
    assert folder.numbers() == [50, 51, 52]

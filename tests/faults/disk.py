"""A small disk of a test's own, mounted from a file, that can be filled to the last byte.

Needs root; it is unmounted in every case.
"""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SIZE = 64 << 20  # bytes: what is taken for full (config/disk_watch.py) is a quarter of it
SECONDS = 30.0
PORTIONS = (1 << 20, 1 << 12, 1)  # bytes that the filling is written in: the last is the last one


@dataclass(frozen=True)
class SmallDisk:
    """Mounted at `folder`."""

    folder: Path

    @property
    def _filling(self) -> Path:
        return self.folder / "filling"

    def fill(self) -> None:
        """Until there is no room for one more byte."""
        for portion in PORTIONS:
            with contextlib.suppress(OSError), self._filling.open("ab", buffering=0) as file:
                while True:
                    file.write(b"\0" * portion)

    def empty(self) -> None:
        """There is room again."""
        self._filling.unlink()


@contextlib.contextmanager
def a_small_disk(folder: Path) -> Iterator[SmallDisk]:
    """One below `folder`; skips the test, by name, without root."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a disk that is mounted from a file")
    image, place = folder / "disk.img", folder / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(SIZE)
    # No blocks kept for root, who would never find it full.
    _run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image))
    try:
        _run("mount", "-o", "loop", str(image), str(place))
    except OSError as why:
        pytest.skip(f"needs root with loop devices: {why}")
    try:
        yield SmallDisk(place)
    finally:
        try:
            _run("umount", str(place))
        except OSError:  # somebody of a failed test still has a file there
            _run("umount", "--lazy", str(place))
        image.unlink()


def _run(*command: str) -> None:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SECONDS, check=False,
        env=os.environ | {"PATH": path},
    )  # fmt: skip
    if done.returncode != 0:
        raise OSError(errno.EIO, f"{command[0]}: {done.stderr.strip()}")

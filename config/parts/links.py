"""What a program links to, as the loader finds it: nothing starts that misses a library."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from config.parts.table import PARTS, QUICK_SECONDS, PartMissingError, first

ELF = b"\x7fELF"
AT_ONCE = 200  # files that one `ldd` is asked of


def is_elf(file: Path) -> bool:
    """Whether the loader is what starts or loads it."""
    try:
        with file.open("rb") as start:
            return start.read(4) == ELF
    except OSError:
        return False


def library_folders(root: Path) -> list[Path]:
    """The folders of libraries below an unpacked part, relative to it."""
    found: set[Path] = set()
    for pattern in (
        "usr/lib/*-linux-gnu*/lib*.so*",
        "usr/lib/*-linux-gnu*/*/lib*.so*",
        "lib/*-linux-gnu*/lib*.so*",
    ):
        found |= {file.parent.relative_to(root) for file in root.glob(pattern)}
    return sorted(found)


def own_loader(root: Path) -> Path | None:
    """The loader that came with a part of another suite."""
    return first(root, "usr/lib*/ld-linux-*.so.*") or first(root, "usr/lib/*/ld-linux-*.so.*")


def missing_from_part(name: str, root: Path, files: Iterable[Path] = ()) -> dict[Path, list[str]]:
    """Of a part unpacked at `root`: its programs (or `files`), and what each of them misses."""
    part = PARTS[name]
    wanted = list(files) or [
        found for each in part.programs.values() if (found := first(root, each)) is not None
    ]
    folders = [root / folder for folder in library_folders(root)]
    return missing(wanted, folders, own_loader(root) if part.suite is not None else None)


def missing(
    files: Iterable[Path], folders: Iterable[Path] = (), loader: Path | None = None
) -> dict[Path, list[str]]:
    """File -> the libraries that the loader does not find for it; without those that miss none.

    `folders` are looked into before the machine's own; with a `loader` of its own a file runs
    beside the machine's C library, as parts of another suite do.
    """
    path = ":".join(map(str, folders))
    wanted = [file.resolve() for file in files if is_elf(file)]
    if loader is not None:
        command = [str(loader), "--library-path", path, "--list"]
        said = {file: _said([*command, str(file)], "") for file in wanted}
    else:
        said = {}
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            said |= _by_file(some, _said(["ldd", *map(str, some)], path))
    return {file: lost for file, text in said.items() if (lost := _lost(text))}


def told(what: str, lost: dict[Path, list[str]]) -> str:
    """One line for a person: which libraries, and one file that needs them."""
    libraries = sorted({library for each in lost.values() for library in each})
    return (
        f"{what}: this machine has no {', '.join(libraries)}, which {next(iter(lost))} needs;"
        " install the packages that hold them, such as libatomic1 for libatomic.so.1"
    )


def _said(command: list[str], path: str) -> str:
    own = os.environ.get("LD_LIBRARY_PATH", "")
    environment = {**os.environ, "LC_ALL": "C"}
    if path:
        environment["LD_LIBRARY_PATH"] = f"{path}:{own}" if own else path
    try:
        run = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=QUICK_SECONDS,
            check=False,
            env=environment,
        )
    except OSError as why:
        raise PartMissingError(f"{command[0]}: {why.strerror}") from None
    except subprocess.TimeoutExpired:
        raise PartMissingError(f"{command[0]} does not answer within {QUICK_SECONDS} s") from None
    return run.stdout + run.stderr


def _by_file(files: list[Path], text: str) -> dict[Path, str]:
    """`ldd` heads each answer with the file's name, unless there is only one."""
    if len(files) == 1:
        return {files[0]: text}
    cut = re.split(r"^(/\S.*):$", text, flags=re.MULTILINE)
    return {Path(cut[n]): cut[n + 1] for n in range(1, len(cut), 2)}


def _lost(text: str) -> list[str]:
    return sorted(
        set(re.findall(r"^\s*(\S+) => not found", text, re.MULTILINE))
        | set(re.findall(r"loading shared libraries: (\S+): cannot open", text))
    )

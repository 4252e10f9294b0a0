"""A part is brought: packages fetched, unpacked into a folder of its own, its programs wrapped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from config.parts.apt import DOWNLOAD_SECONDS, AptWorld, last_line, machine_suite
from config.parts.links import library_folders, missing_from_part, own_loader, told
from config.parts.table import PARTS, PartMissingError, first

CHECKOUT = Path(__file__).resolve().parents[2]
RECIPE = 1  # raise it when what lies in an unpacked part changes
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">usr/share/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def parts_folder() -> Path:
    """Where parts are unpacked: `RINGDESK_PARTS`, else `.ringdesk/parts` of this checkout."""
    named = os.environ.get("RINGDESK_PARTS")
    return Path(named).resolve() if named else CHECKOUT / ".ringdesk" / "parts"


def is_installed(name: str) -> bool:
    """Whether this part lies unpacked, as it is wanted now."""
    stamp = parts_folder() / name / "stamp.json"
    try:
        return bool(json.loads(stamp.read_text())["recipe"] == _recipe(name))
    except (OSError, ValueError, KeyError):
        return False


def _recipe(name: str) -> str:
    part = PARTS[name]
    said = repr((RECIPE, part.suite, part.packages, sorted(part.programs.items()), part.env))
    return hashlib.sha256(said.encode()).hexdigest()


def bring(name: str, say: Callable[[str], None]) -> None:
    """Fetch, unpack, wrap; one part at a time in a folder. Raises PartMissingError."""
    part = PARTS[name]
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PartMissingError(f"{name}: this machine has no apt; install {name} by its own means")
    suite = part.suite or machine_suite()
    say(f"{name}: 1 of 3: asking Debian {suite} what there is")
    world = AptWorld(parts_folder() / "apt" / suite, suite)
    archives = world.fetch(part.packages, lambda text: say(f"{name}: 2 of 3: {text}"))
    if part.suite is None:
        # The machine's own C library and loader must stay a pair.
        archives = [a for a in archives if not a.name.startswith(("libc6_", "libc-bin_"))]
    fresh = parts_folder() / f"{name}.tmp.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        _unpack(archives, fresh, lambda text: say(f"{name}: 3 of 3: {text}"))
        (fresh / "fonts.conf").write_text(FONTS)
        for wanted in part.programs.values():
            if first(fresh, wanted) is None:
                raise PartMissingError(f"{name}: Debian {suite} brought no {wanted}")
        lost = missing_from_part(name, fresh)
        if lost:
            raise PartMissingError(told(name, lost))
        stamp = {"recipe": _recipe(name), "suite": suite, "archives": [a.name for a in archives]}
        (fresh / "stamp.json").write_text(json.dumps(stamp, indent=1))
        # The folder's own mode must let a server that drops root read it.
        fresh.chmod(0o755)
        shutil.rmtree(parts_folder() / name, ignore_errors=True)
        fresh.rename(parts_folder() / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    _write_wrappers(name)
    for archive in archives:
        archive.unlink(missing_ok=True)
    say(f"{name}: ready")


def _unpack(archives: list[Path], into: Path, say: Callable[[str], None]) -> None:
    for number, archive in enumerate(archives, 1):
        if number == 1 or number % 25 == 0 or number == len(archives):
            say(f"unpacking {number} of {len(archives)}")
        try:
            run = subprocess.run(
                ["dpkg-deb", "-x", str(archive), str(into)],
                capture_output=True,
                text=True,
                timeout=DOWNLOAD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PartMissingError(f"{archive.name}: takes too long to unpack") from None
        if run.returncode != 0:
            raise PartMissingError(f"{archive.name}: cannot unpack: {last_line(run.stderr)}")


def _write_wrappers(name: str) -> None:
    """A script for each program, so that for everyone else a part is just a path."""
    part, root = PARTS[name], parts_folder() / name
    folder = parts_folder() / "bin"
    folder.mkdir(exist_ok=True)
    for program_name, wanted in part.programs.items():
        target = first(root, wanted)
        if target is None:  # _bring checked it before the stamp was written
            raise PartMissingError(f"{name}: {wanted} is gone")
        script = _wrapper(name, target) if os.access(target, os.X_OK) else None
        fresh = folder / f".{program_name}.{os.getpid()}"
        if script is None:
            fresh.symlink_to(Path("..") / name / target.relative_to(root))
        else:
            fresh.write_text(script)
            fresh.chmod(0o755)
        fresh.replace(folder / program_name)


def _wrapper(name: str, target: Path) -> str:
    part, root = PARTS[name], parts_folder() / name
    path = ":".join(f"$root/{folder}" for folder in library_folders(root))
    lines = ["#!/bin/sh", f'root=$(cd "$(dirname "$0")/../{name}" && pwd) || exit 127']
    for key, value in part.env:
        below = value.removeprefix("$root/")
        found = first(root, below)
        if found is not None:
            lines.append(f'export {key}="$root/{found.relative_to(root)}"')
    if part.suite is None:
        lines.append(f'export LD_LIBRARY_PATH="{path}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"')
        lines.append(f'exec "$root/{target.relative_to(root)}" "$@"')
    else:
        loader = own_loader(root)
        if loader is None:
            raise PartMissingError(f"{name}: the unpacked packages hold no loader")
        lines.append(
            f'exec "$root/{loader.relative_to(root)}" --library-path "{path}"'
            f' "$root/{target.relative_to(root)}" "$@"'
        )
    return "\n".join(lines) + "\n"

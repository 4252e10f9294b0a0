"""Which parts there are: their packages, their programs, and when the machine's own will do."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ASTERISK_AT_LEAST = (22, 10, 1)
QUICK_SECONDS = 180  # an instant, but for a machine that is busy with everything else


class PartMissingError(Exception):
    """A part is not there, or cannot be brought; the message is one line for a person."""


@dataclass(frozen=True)
class Part:
    """A named set of programs. `suite` is None for the machine's own release."""

    packages: tuple[str, ...]
    programs: dict[str, str]  # name -> glob below the unpacked folder
    suite: str | None = None
    own: Callable[[str], str | None] = shutil.which  # the machine's own program, when good enough
    env: tuple[tuple[str, str], ...] = ()  # $root stands for the unpacked folder


def first(root: Path, wanted: str) -> Path | None:
    """The first file below `root` that fits the pattern."""
    return next(iter(sorted(root.glob(wanted))), None)


def _version(text: str) -> tuple[int, ...]:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(group or 0) for group in found.groups()) if found else ()


def asterisk_version(command: str) -> tuple[int, ...]:
    """What `asterisk -V` says, as numbers; empty when it does not run."""
    try:
        run = subprocess.run(
            [command, "-V"], capture_output=True, text=True, timeout=QUICK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return _version(run.stdout)


def _own_asterisk(name: str) -> str | None:
    # /usr/sbin is not on an ordinary user's PATH.
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None or asterisk_version(path) < ASTERISK_AT_LEAST:
        return None
    return path if first(Path("/usr/share/asterisk"), "sounds/en*/queue-thankyou.*") else None


def _own_of_root(name: str) -> str | None:
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _own_postgres(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: int(p.parts[4]))
    return str(found[-1]) if found else shutil.which(name)


PARTS: dict[str, Part] = {
    "asterisk": Part(
        packages=("asterisk", "asterisk-core-sounds-en-wav"),
        programs={"asterisk": "usr/sbin/asterisk"},
        suite="sid",
        own=_own_asterisk,
    ),
    "espeak": Part(
        packages=("espeak-ng",),
        programs={"espeak-ng": "usr/bin/espeak-ng"},
        env=(("ESPEAK_DATA_PATH", "$root/usr/lib/*/espeak-ng-data"),),
    ),
    "sipp": Part(packages=("sip-tester",), programs={"sipp": "usr/bin/sipp"}),
    "chromium": Part(
        packages=("chromium", "fonts-dejavu-core", "fonts-wqy-microhei"),
        programs={"chromium": "usr/lib/chromium/chromium"},
        env=(("FONTCONFIG_FILE", "$root/fonts.conf"),),
    ),
    "postgresql": Part(
        packages=("postgresql",),
        programs={
            name: f"usr/lib/postgresql/*/bin/{name}"
            for name in ("postgres", "initdb", "pg_ctl", "psql", "createdb", "pg_isready")
        },
        own=_own_postgres,
    ),
    "redis": Part(
        packages=("redis-server",),
        programs={"redis-server": "usr/bin/redis-server", "redis-cli": "usr/bin/redis-cli"},
    ),
    "debootstrap": Part(
        packages=("debootstrap",),
        programs={"debootstrap": "usr/sbin/debootstrap"},
        own=_own_of_root,
        env=(("DEBOOTSTRAP_DIR", "$root/usr/share/debootstrap"),),
    ),
    "pip": Part(
        packages=("python3-pip-whl",), programs={"pip.whl": "usr/share/python-wheels/pip-*.whl"}
    ),
}

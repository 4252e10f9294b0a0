"""A minimal Debian in a folder, entered as its ordinary user; root and `debootstrap` make it.

Each command runs in namespaces of its own for mounts, processes and the host's name: what it
mounted and started ends with it, whatever happens to us. The network is this machine's, and the
name it gives itself there resolves nowhere, as in many containers and cloud machines.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from config import parts
from config.parts.apt import machine_mirror
from tests.fresh.indexes import apt_settings, environment, files_named

CHECKOUT = Path(__file__).resolve().parents[2]
USER = "fresh"
UID = 1000
HOME = Path("/home") / USER
WITH = ("git", "make", "python3")  # all that README asks for
MAKE_SECONDS = 1800.0
ASKED_SECONDS = 60.0  # between Ctrl-C and the kill
END_SECONDS = 60.0

# $1: the folder, $2: the host's name. /dev is bound as it is: a container has the same few nodes.
# What follows is not `exec`ed: the first process of a namespace ignores what it does not handle.
ENTER = """
set -e
root=$1; hostname "$2"; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for file in $RINGDESK_FRESH_FILES; do
  mkdir -p "$root$(dirname "$file")"
  [ -e "$root$file" ] || : > "$root$file"
  mount --bind -o ro "$file" "$root$file"
done
unset RINGDESK_FRESH_FILES
chroot "$@"
"""


class FreshError(Exception):
    """A machine cannot be made; one line."""


class Machine:
    """One minimal Debian of this release, below `folder`."""

    def __init__(self, release: str, folder: Path) -> None:
        self.release = release
        self.root = folder / release
        self.log = folder / f"{release}.log"
        self._files = files_named()

    @property
    def checkout(self) -> Path:
        """Where its user's checkout lies, seen from here."""
        return self.root / HOME.relative_to("/") / "ringdesk"

    def make(self) -> None:
        """Lay the packages, the user, and the checkout as it is committed here."""
        self.root.mkdir(parents=True)
        command = [parts.program("debootstrap"), "--variant=minbase", f"--include={','.join(WITH)}"]
        command += [self.release, str(self.root), machine_mirror()]
        with self.log.open("ab") as log:
            self._run(command, log)
            (self.root / "etc/apt/apt.conf.d/99fresh").write_text(apt_settings())
            for name in ("resolv.conf", "hosts"):
                shutil.copyfile(f"/etc/{name}", self.root / "etc" / name)
            (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
            self._run(["chroot", str(self.root), "useradd", "-m", "-u", str(UID), USER], log)
            clone = ["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(self.checkout)]
            self._run(clone, log)
            self._run(["chown", "-R", f"{UID}:{UID}", str(self.checkout)], log)

    def python(self) -> str:
        """Its Python's version."""
        command = ["chroot", str(self.root), "python3", "--version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1]

    @contextlib.contextmanager
    def started(self, *words: str, out: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
        """A command of its user in the checkout; Ctrl-C ends it, and at last it is killed."""
        process = subprocess.Popen(
            self.command(*words),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "RINGDESK_FRESH_FILES": " ".join(self._files)},
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(ASKED_SECONDS)
            _end_all_of(process)

    def command(self, *words: str) -> list[str]:
        """What runs `words` inside."""
        said = [f"{key}={value}" for key, value in environment(HOME).items()]
        inside = ["chroot", f"--userspec={UID}:{UID}", str(self.root)]
        shell = ["sh", "-c", f'cd {HOME}/ringdesk && "$@"; exit $?', "sh", *words]
        return [
            *("unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL"),
            *("--", "sh", "-c", f"{ENTER}", "sh", str(self.root), f"fresh-{self.release}"),
            *inside[1:],
            *("env", "-i", *said),
            *shell,
        ]

    def remove(self) -> None:
        """Leave nothing of it. What it had mounted went with its namespaces."""
        for line in Path("/proc/mounts").read_text().splitlines():
            if line.split()[1].startswith(str(self.root)):
                raise FreshError(f"{line.split()[1]} is still mounted; nothing is removed")
        shutil.rmtree(self.root, ignore_errors=True)

    def _run(self, command: list[str], log: IO[bytes]) -> None:
        began = time.monotonic()
        try:
            done = subprocess.run(
                command, stdout=log, stderr=log, timeout=MAKE_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            took = time.monotonic() - began
            raise FreshError(f"{command[0]}: not done after {took:.0f} s ({self.log})") from None
        if done != 0:
            raise FreshError(f"{Path(command[0]).name}: status {done} ({self.log})")


def _end_all_of(process: subprocess.Popen[bytes]) -> None:
    """Kill the first process of the namespace: it is gone only when all others of it are."""
    if process.poll() is None:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in map(int, children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    process.kill()
    process.wait()

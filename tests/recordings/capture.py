"""Record calls anew from a real Asterisk: `python -m tests.recordings.capture [kind ...]`.

Each kind of `kinds.py` becomes `<kind>.ami` (what the manager told of it) and `<kind>.cel` (what
Asterisk wrote into its own records). What should be made of them stands in `expected.py`; the
lines `#>`, the facts one by one, are told by the interpreter of today: read their difference.
`--tell` calls nobody and writes only these lines anew.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import msgspec

from config import parts
from cti.interpret import WANTED_EVENTS, Interpreter
from cti.journal_records import parse
from tests.fakes.ami_recording import EXTENSIONS, recording, told
from tests.recordings.kinds import KINDS
from tests.recordings.stage import Stage

FOLDER = Path(__file__).parent
# A queue may go by an agent who is told to be busy still, a moment after they were: then the call
# went another way than it is meant to be recorded.
TRIES = 3


async def capture(names: list[str]) -> list[str]:
    """Record these kinds, one after the other, in one Asterisk; those that went wrong."""
    version, wrong = _version(), list[str]()
    with tempfile.TemporaryDirectory(prefix="calls-") as folder:
        async with Stage(Path(folder)) as stage:
            for name in names:
                for _try in range(TRIES):
                    if await _told(stage, name, version):
                        break
                else:
                    wrong.append(name)
    return wrong


async def _told(stage: Stage, name: str, version: str) -> bool:
    """Record one kind and say how it went."""
    began = time.monotonic()
    try:
        await _one(stage, name, version)
        said, good = f"{time.monotonic() - began:.1f} s", True
    except (AssertionError, TimeoutError) as why:
        said, good = f"failed: {why!r}, at {_line(why)}", False
    stage.forget()
    sys.stdout.write(f"{name}: {said}\n")
    sys.stdout.flush()
    return good


async def _one(stage: Stage, name: str, version: str) -> None:
    stage.ami.events.clear()
    before = stage.records.stat().st_size if stage.records.exists() else 0
    await KINDS[name](stage)
    await stage.ami.quiet()
    assert not stage.unexpected, f"a call that nobody waited for, at {stage.unexpected}"
    about = [version, *inspect.cleandoc(KINDS[name].__doc__ or "").splitlines()]
    head = "".join(f"# {line}".rstrip() + "\n" for line in about)
    records = _as_json(stage.records.read_bytes()[before:], stage.settings.system)
    (FOLDER / f"{name}.cel").write_text(head + records, "utf-8")
    file = FOLDER / f"{name}.ami"
    events = "\n\n".join(stage.ami.events)
    file.write_text(f"{head}\n{events}\n", "utf-8")
    tell(name)


def _as_json(written: bytes, system: str) -> str:
    """The records of a call, one a line: the form the recordings have (and Asterisk's was once)."""
    found = [parse(line, system) for line in written.splitlines(keepends=True)]
    assert all(refused is None for _, refused in found), found
    return "".join(msgspec.json.encode(r).decode() + "\n" for r, _ in found if r is not None)


def tell(name: str) -> None:
    """Write the lines `#>` of a recording anew."""
    file = FOLDER / f"{name}.ami"
    head, _, events = file.read_text("utf-8").partition("\n\n")
    kept = [line for line in head.splitlines() if not line.startswith("#>")]
    by = Interpreter("ringdesk-1", EXTENSIONS)
    heard = recording(name, WANTED_EVENTS).messages
    lines = [f"#> {told(fact)}" for message in heard for fact in by.feed(message)]
    file.write_text("\n".join([*kept, *lines]) + f"\n\n{events}", "utf-8")


def _line(why: BaseException) -> str:
    place = next(
        (f for f in reversed(traceback.extract_tb(why.__traceback__)) if "kinds.py" in f.filename),
        None,
    )
    return "" if place is None else f"{Path(place.filename).name}:{place.lineno}"


def _version() -> str:
    said = subprocess.run(
        [parts.asterisk().command, "-V"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    found = re.search(r"\d+\.\d+\.\d+", said)
    return f"Asterisk {found.group()}" if found else said.strip()


def main() -> None:
    """What the command line says."""
    names = [name for name in sys.argv[1:] if name != "--tell"] or list(KINDS)
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise SystemExit(f"no such kind: {', '.join(unknown)}; there are {', '.join(KINDS)}")
    if "--tell" in sys.argv:
        for name in names:
            tell(name)
        return
    wrong = asyncio.run(capture(names))
    if wrong:
        raise SystemExit(f"not recorded: {', '.join(wrong)}")


if __name__ == "__main__":
    main()

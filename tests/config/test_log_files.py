"""Logs stay small under a flood, lose no line of Asterisk's own, and are for our eyes alone."""

from __future__ import annotations

import asyncio
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from config.log_files import LogFiles
from config.own_asterisk import OwnAsterisk
from config.secrets import open_secrets
from tests.config.lab import Lab, lab_settings
from tests.fakes.sip_client import CRLF, SipClient
from tests.polling import until

STRANGER = "127.0.0.9"
SMALL = 20_000  # bytes
ROUNDS, EACH = 8, 40


def flood(stranger: SipClient, first: int, count: int) -> None:
    """Strangers with a wrong password: each leaves a line in Asterisk's log."""
    for number in range(first, first + count):
        name = f"stranger{number:05}"
        lines = [
            "REGISTER sip:127.0.0.1 SIP/2.0",
            f"Via: SIP/2.0/UDP {stranger.contact};branch=z9hG4bK{number};rport",
            "Max-Forwards: 70",
            f"From: <sip:{name}@127.0.0.1>;tag={number}",
            f"To: <sip:{name}@127.0.0.1>",
            f"Call-ID: {name}",
            "CSeq: 1 REGISTER",
            f'Authorization: Digest username="{name}", realm="asterisk", nonce="1", uri="sip:x",'
            ' response="0", algorithm=MD5',
            "Content-Length: 0",
        ]
        stranger.send(CRLF.join(lines) + CRLF * 2)


def put_away(log: Path) -> list[Path]:
    return sorted(log.parent.glob(f"{log.name}.*"))


def written(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.glob("messages.log*"))


@pytest.fixture
def console(lab: Lab) -> OwnAsterisk:
    """Another owner's hand at the same Asterisk."""
    return OwnAsterisk(lab.settings, open_secrets(lab.settings.data_folder, {}))


async def flooded(lab: Lab, logs: LogFiles, folder: Path) -> None:
    """Round after round, the keeper looking in between; each round's last line has been written."""
    async with SipClient(lab.sip, STRANGER) as stranger:
        for each in range(ROUNDS):
            flood(stranger, each * EACH, EACH)
            last = f"stranger{(each + 1) * EACH - 1:05}"
            await until(lambda: asyncio.to_thread(written, folder), lambda said, n=last: n in said)
            await logs.look()


async def test_no_line_is_lost(lab: Lab, console: OwnAsterisk) -> None:
    folder = console.log_folder
    await flooded(lab, LogFiles(folder, console.console, most=SMALL, kept=1_000), folder)
    assert len(list(folder.glob("messages.log.*"))) > 1
    found = set(re.findall(r"stranger(\d{5})", written(folder)))
    assert len(found) == ROUNDS * EACH


async def test_what_a_flood_leaves_is_bounded_and_closed(lab: Lab, console: OwnAsterisk) -> None:
    """All that Asterisk writes beside recordings and call records, and no others may read it."""
    folder = console.log_folder
    for name in ("messages.log", "console.log"):
        (folder / name).chmod(0o644)  # as an earlier version left it
    await flooded(lab, LogFiles(folder, console.console, most=SMALL, kept=2), folder)
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    round_of = len(written(folder)) / ROUNDS
    assert len(list(folder.glob("messages.log.*"))) == 2
    assert sum(file.stat().st_size for file in files) < 3 * (SMALL + 3 * round_of)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert (folder / "console.log").stat().st_size < 5_000  # nothing of what strangers did


async def test_what_a_program_appends_is_cut_and_goes_on(tmp_path: Path) -> None:
    """It has its log open for its life and knows nothing of us."""
    log = tmp_path / "console.log"
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    program = "import sys\nfor line in sys.stdin: print('x' * 999, flush=True)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdin=asyncio.subprocess.PIPE, stdout=handle
    )
    os.close(handle)
    assert process.stdin is not None

    async def nobody(_words: str) -> None:
        raise AssertionError("no log of Asterisk's has grown")

    async def size() -> int:
        return log.stat().st_size

    logs = LogFiles(tmp_path, nobody, most=SMALL, kept=2)
    for number in range(4):
        process.stdin.write(b"\n" * 30)
        await until(size, lambda found: found == 30_000, every=0.02)
        await logs.look()
        assert log.stat().st_size == 0
        old = put_away(log)
        assert [file.stat().st_size for file in old] == [30_000] * min(number + 1, 2)
        assert {stat.S_IMODE(file.stat().st_mode) for file in (log, *old)} == {0o600}
    process.stdin.close()
    await process.wait()


async def test_an_asterisk_that_is_away_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "messages.log").write_bytes(b"x" * (SMALL + 1))

    async def away(_words: str) -> None:
        raise TimeoutError

    await LogFiles(tmp_path, away, most=SMALL).look()
    assert (tmp_path / "messages.log").stat().st_size == SMALL + 1


async def test_a_start_says_what_was_said_since(tmp_path: Path, asterisk: object) -> None:
    """Logs go on from one start to the next; the reason of a failure is this one's."""
    own = OwnAsterisk(lab_settings(tmp_path), open_secrets(tmp_path / "data", {}))
    own.log_folder.mkdir(parents=True)
    (own.log_folder / "messages.log").write_text("ERROR yesterday's\n")
    await own.start()
    try:
        assert "yesterday" not in own.last_words()
        assert "yesterday" in (own.log_folder / "messages.log").read_text()
    finally:
        await own.stop()

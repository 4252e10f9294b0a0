"""The commands from outside: what they print, what they keep, how they end."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.progress import EVERY, Progress
from tests.config.outside import Command, Site, ringdesk

SECONDS = 60.0
PASSWORD = "correct horse battery"


@pytest.fixture
def site() -> Iterator[Site]:
    """Asterisk's names of files must be short: 79 bytes."""
    with tempfile.TemporaryDirectory(prefix="rd-") as folder:
        yield Site(Path(folder))


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site with a database."""
    made = Site(tmp_path_factory.mktemp("site"))
    assert ringdesk("db", "migrate", "-s", made.file).out.startswith("schema: ")
    return made


def answer(site: Site, *words: str, stdin: str = "") -> str:
    """What a command prints that has nothing to complain of."""
    said = ringdesk(*words, "-s", site.file, stdin=stdin)
    assert (said.status or 0, said.err) == (0, ""), said
    return said.out


# What there is


def test_help_as_a_shell_starts_it() -> None:
    """The first steps and every command, from the installed program."""
    program = Path(sys.executable).with_name("ringdesk")
    run = subprocess.run(
        [program, "--help"], capture_output=True, text=True, check=True, timeout=SECONDS
    )
    assert run.stderr == ""
    for word in ("make run", "serve", "demo", "bridge", "ivr", "web", "live", "pbx", "db", "user",
                 "token", "flow", "doctor"):  # fmt: skip
        assert re.search(rf"\b{word}\b", run.stdout), word


COMMANDS = (
    "serve", "demo", "bridge", "ivr", "web", "live", "doctor", "pbx render", "pbx start",
    "pbx stop",
    "db migrate", "db check", "db load-demo", "user add", "user password", "user list",
    "token create", "token list", "token revoke", "flow check", "flow simulate",
    "backup", "restore",
)  # fmt: skip


def test_every_command_explains_itself() -> None:
    """Usage, a sentence, and the settings file it reads."""
    for command in COMMANDS:
        said = ringdesk(*command.split(), "--help")
        assert said.status == 0, command
        assert said.out.startswith(f"Usage: ringdesk {command} "), command
        assert "--settings" in said.out, command
        assert re.search(r"\n {2}[A-Z][^\n]{9,}", said.out), command
    assert "default queue" in " ".join(ringdesk("serve", "--help").out.split())


def test_an_unknown_command_is_a_usage_error() -> None:
    said = ringdesk("srve")
    assert said.status == 2
    assert "srve" in said.err
    assert "Traceback" not in said.err


# Staff, tokens, database


def test_staff_are_added_listed_and_given_another_password(furnished: Site) -> None:
    added = answer(furnished, "user", "add", "noor", "--role", "supervisor", "--shown", "Noor A")
    password = added.strip().rpartition("password: ")[2]
    assert len(password) >= 12
    assert re.search(r"^noor +supervisor +Noor A$", answer(furnished, "user", "list"), re.M)
    changed = answer(furnished, "user", "password", "noor", "--password-stdin", stdin=PASSWORD)
    assert changed == "noor has another password\n"  # and the password is not repeated
    twice = ringdesk("user", "add", "noor", "-s", furnished.file).refused_with()
    assert "noor" in twice
    nobody = ringdesk("user", "password", "nemo", "-s", furnished.file).refused_with()
    assert "no such member of staff" in nobody


def test_a_password_that_is_too_short_is_refused(furnished: Site) -> None:
    said = ringdesk(
        "user", "add", "kim", "--password-stdin", "-s", furnished.file, stdin="abc\n"
    ).refused_with()
    assert "password" in said
    assert "abc" not in said
    assert "kim" not in answer(furnished, "user", "list")


def test_a_token_is_shown_once_listed_and_revoked(furnished: Site) -> None:
    secret = answer(furnished, "token", "create", "reports", "--role", "agent").strip()
    listed = answer(furnished, "token", "list")
    found = re.search(r"^ +(\d+) +agent +reports$", listed, re.M)
    assert found
    assert secret not in listed
    assert answer(furnished, "token", "revoke", found[1]) == "revoked\n"
    assert re.search(r"reports +\(revoked \d", answer(furnished, "token", "list"))
    assert ringdesk("token", "revoke", "999", "-s", furnished.file).refused_with()


def test_migrating_twice_and_checking(furnished: Site) -> None:
    assert answer(furnished, "db", "migrate").startswith("schema: ")
    assert answer(furnished, "db", "check") == "sqlite: in order\n"


# Asterisk's files and the phone menu


def test_rendering_writes_every_file_where_it_is_told(site: Site) -> None:
    out = answer(site, "pbx", "render", str(site.folder / "etc"))
    assert out == f"rendered into {site.folder}/etc\n"
    written = {file.name for file in (site.folder / "etc").iterdir()}
    assert {"pjsip.conf", "queues.conf", "extensions.conf", "manager.conf"} <= written


def test_the_shipped_flows_are_in_order(site: Site) -> None:
    assert answer(site, "flow", "check") == "The flows are in order.\n"


def test_a_flow_is_played_from_a_script(site: Site) -> None:
    """Language, then the operator: keys from standard input, as a script gives them."""
    monday = ["--at", "2026-11-23T10:00:00"]
    out = answer(site, "flow", "simulate", *monday, stdin="1\n0\n")
    assert "queue" in out.lower()
    gone = answer(site, "flow", "simulate", *monday, stdin="")  # the caller hangs up at once
    assert gone
    wrong = ringdesk("flow", "simulate", "nowhere", "-s", site.file).refused_with()
    assert "nowhere" in wrong
    assert "main" in wrong


# Long steps


def test_progress_is_a_line_now_and_then() -> None:
    """The first, the last, and one in two seconds between."""
    said: list[str] = []
    times = iter([0.0, 0.1, EVERY + 0.1, EVERY + 0.2, EVERY + 0.3])
    told = Progress(said.append, "Speaking", now=lambda: next(times))
    for done in (1, 2, 3, 4, 5):
        told(done, 5)
    assert said == ["Speaking: 1 of 5", "Speaking: 3 of 5", "Speaking: 5 of 5"]


# Starting and ending


def until(what: Callable[[], bool], seconds: float = SECONDS) -> None:
    """A process outside tells nothing when its files change."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prompts' folder that the starts share."""
    return tmp_path_factory.mktemp("prompts")


@pytest.mark.timeout(240)
def test_the_demo_twice_and_an_end_that_leaves_nothing(
    site: Site, spoken: Path, asterisk: object, espeak: str
) -> None:
    """Links and logins, the same ones at the second start; Ctrl-C and SIGTERM end everything."""
    site.data.mkdir()
    (site.data / "prompts").symlink_to(spoken)
    shown = []
    for number in (signal.SIGINT, signal.SIGTERM):
        demo = Command(("demo", "-s", site.file))
        until(lambda: "Ctrl-C ends everything" in demo.out_so_far(), 120)  # noqa: B023 - now
        os.kill(demo.pid, number)
        os.kill(demo.pid, number)  # an impatient person's second must not cut the ending short
        said = demo.end()
        assert said.status == 0, said
        assert "Traceback" not in said.err, said.err
        site.assert_nothing_runs()
        shown.append(said.out)
    first, second = shown
    assert "past calls: 2,000 of 2,000" in first
    assert "Loading the demo company" not in second
    port = site.config["web"]["port"]
    for out in shown:
        assert f"http://localhost:{port}/phone" in out
    logins = [re.findall(r"http\S+/(?:desk|board) .*/ \S+", out) for out in shown]
    assert len(logins[0]) == 2
    assert logins[0] == logins[1]


@pytest.mark.timeout(120)
def test_a_part_left_out_is_not_there(site: Site, asterisk: object) -> None:
    """Without the menu everything else is ready; SIGTERM ends Asterisk too."""
    run = Command(("serve", "--without", "ivr", "-s", site.file))
    until(lambda: "Ringdesk is ready: bridge, live, web." in run.out_so_far(), 90)
    agi = site.config["asterisk"]["agi"]["port"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", agi), timeout=5)
    assert site.processes()  # Asterisk
    os.kill(run.pid, signal.SIGTERM)
    said = run.end()
    assert said.status == 0, said
    assert "prompts" not in said.out
    site.assert_nothing_runs()


@pytest.mark.timeout(120)
def test_asterisk_that_is_kept_lives_until_it_is_stopped(site: Site, asterisk: object) -> None:
    """For an upgrade with calls running; whoever wants it gone says so."""
    run = Command(("serve", "--keep-asterisk", "--without", "ivr", "-s", site.file))
    until(lambda: "Ringdesk is ready" in run.out_so_far(), 90)
    os.kill(run.pid, signal.SIGTERM)
    assert run.end().status == 0
    kept = [words for words in site.processes() if "asterisk.conf" in words]
    assert len(kept) == 1
    assert answer(site, "pbx", "stop").startswith("ended (process ")
    site.assert_nothing_runs()
    assert answer(site, "pbx", "stop") == "no Asterisk of ours is running\n"


@pytest.mark.parametrize("moment", ["prompts", "asterisk spawned", "asterisk asked"])
@pytest.mark.timeout(120)
def test_ending_it_while_it_starts_leaves_nothing(
    site: Site, spoken: Path, moment: str, asterisk: object, espeak: str
) -> None:
    """While prompts are spoken, as Asterisk's process appears, and while it boots."""
    site.data.mkdir()
    if moment != "prompts":
        (site.data / "prompts").symlink_to(spoken)
    run = Command(("serve", "-s", site.file))
    if moment == "prompts":
        until(lambda: "prompts: " in run.out_so_far())
    else:
        until(lambda: "Starting Asterisk" in run.out_so_far(), 90)
        console = site.data / "asterisk/log/console.log"
        until(console.exists if moment == "asterisk spawned" else lambda: bool(site.processes()))
    os.kill(run.pid, signal.SIGINT)
    said = run.end()
    assert said.status == 0, said
    assert "ready" not in said.out
    assert "Traceback" not in said.err, said.err
    site.assert_nothing_runs()

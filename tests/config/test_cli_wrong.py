"""What is wrong gets one line on stderr and exit status 2; nothing is half-started."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.config.outside import Said, Site, ringdesk
from tests.ports import free_port

GOODBYE = {"kind": "hangup", "label": "Bye", "prompt": {"en": "Goodbye."}}


@pytest.fixture(autouse=True)
def _private() -> Iterator[None]:
    """Folders that tests make are as ours are: a start has nothing to say of them."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def refused(site: Site, *words: str, environment: Mapping[str, str | None] | None = None) -> str:
    """The line of a start that was refused; nothing of it is left."""
    said = ringdesk(*(words or ("serve",)), "-s", site.file, environment=environment)
    line = said.refused_with()
    assert "Traceback" not in said.err
    site.assert_nothing_runs()
    return line


def line_of(site: Site, text: str) -> int:
    lines = Path(site.file).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_a_wrong_setting_is_named_with_its_line_and_what_is_allowed(site: Site) -> None:
    site.config["web"] = {"port": 99_999}
    site.write()
    said = ringdesk("serve", "-s", site.file).refused_with()
    assert said.startswith(f"{site.file}:{line_of(site, '99999')}: web.port: ")
    assert "65535" in said


def test_an_unknown_key_is_a_mistake(site: Site) -> None:
    site.config["queues"]["support"]["max_wiat"] = 5
    site.write()
    said = refused(site)
    assert said.startswith(f"{site.file}:{line_of(site, 'max_wiat')}: queues.support")
    assert "max_wiat" in said


def test_settings_that_are_not_there(site: Site) -> None:
    said = ringdesk("serve", "-s", f"{site.folder}/none.yaml").refused_with()
    assert said == f"{site.folder}/none.yaml: No such file or directory"


@pytest.mark.parametrize(
    ("part", "key"),
    [("web", "web.port"), ("live", "live.port"), ("gate", "gate.port"),
     ("agi", "asterisk.agi.port"), ("ami", "asterisk.ami.port"), ("http", "asterisk.http.port")],
)  # fmt: skip
def test_a_port_in_use_is_named_with_its_setting(
    site: Site, part: str, key: str, asterisk: object, espeak: str
) -> None:
    """Before anything is started, also for Asterisk's own ports."""
    holder = site.config if part in site.config else site.config["asterisk"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", holder[part]["port"]))
        taken.listen()
        said = ringdesk("serve", "-s", site.file).refused_with()
    assert f"port {holder[part]['port']} on 127.0.0.1 is in use" in said
    assert f"`{key}`" in said
    site.assert_nothing_runs()


def test_asterisk_is_missing(site: Site) -> None:
    if shutil.which("asterisk", path="/usr/sbin:/usr/bin:/usr/local/sbin"):
        pytest.skip("this machine has an Asterisk of its own, found whatever the PATH says")
    parts = {"RINGDESK_PARTS": str(site.folder / "none"), "PATH": str(site.folder)}
    said = refused(site, "serve", "--without", "ivr", environment=parts)
    assert said == "Asterisk: missing part: asterisk (python3 -m config.parts install asterisk)"


def test_asterisk_is_too_old(site: Site) -> None:
    fake = site.folder / "asterisk"
    fake.write_text("#!/bin/sh\necho 'Asterisk 20.5.0~dfsg'\n")
    fake.chmod(0o755)
    parts = {"RINGDESK_PARTS": str(site.folder / "none"), "PATH": f"{site.folder}:/usr/bin:/bin"}
    said = refused(site, "serve", "--without", "ivr", environment=parts)
    assert said.startswith("Asterisk 20.5.0 is too old: 22.10.1 or newer is needed")


def test_the_voice_is_missing(site: Site) -> None:
    parts = {"RINGDESK_PARTS": str(site.folder / "none"), "PATH": str(site.folder)}
    said = refused(site, environment=parts)
    assert "the phone menu's voice: missing part: espeak" in said


def test_the_database_is_away(site: Site) -> None:
    url = f"postgresql+asyncpg://ringdesk@127.0.0.1:{free_port()}/ringdesk"
    said = refused(site, "serve", "--without", "ivr", environment={"RINGDESK_DATABASE_URL": url})
    assert said.startswith("the database does not answer: ")


def test_the_database_is_of_a_newer_program(site: Site) -> None:
    site.data.mkdir()
    with sqlite3.connect(site.data / "ringdesk.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999_future')")
    database.close()
    said = refused(site, "serve", "--without", "ivr")
    assert said.startswith("the database is at revision 9999_future, which this program does not")


@pytest.mark.parametrize("words", [("serve",), ("db", "migrate"), ("user", "list")])
def test_a_data_folder_that_cannot_be_written(site: Site, words: tuple[str, ...]) -> None:
    (site.folder / "data").write_text("a file")
    said = refused(site, *words)
    assert said.startswith(f"the data folder {site.data} cannot be written: ")
    assert "`data.folder`" in said


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ({"start": {"kind": "teleport", "label": "?"}, "bye": GOODBYE}, "teleport"),
        ({"start": {"kind": "say", "label": "Hello", "prompt": {"en": "Hello."}}}, "next"),
        (
            {
                "start": {
                    "kind": "hours",
                    "label": "Open?",
                    "open": {"mon": "09:00-10:00"},
                    "when_open": "start",
                    "when_closed": "bye",
                },
                "bye": GOODBYE,
            },
            "loop",
        ),
    ],
    ids=["unknown node", "dead end", "loop without input"],
)
def test_a_flow_that_would_strand_callers(
    site: Site, nodes: dict[str, object], why: str, espeak: str, asterisk: object
) -> None:
    """Refused at the start, and by `flow check`, with file and line."""
    flows = site.data / "flows"
    flows.mkdir(parents=True)
    bad = {"description": "Bad", "languages": ["en"], "start": "start", "nodes": nodes}
    (flows / "bad.yaml").write_text(yaml.safe_dump(bad))
    said = refused(site)
    assert said.startswith(f"the phone menu is refused: {flows}/bad.yaml:")
    assert why in said
    checked = ringdesk("flow", "check", "-s", site.file)
    assert checked.status == 2
    assert checked.err.splitlines()[0] in said


def _short(secrets: Path) -> None:
    (secrets / "ami_password").write_text("short")


def _folder(secrets: Path) -> None:
    (secrets / "cookie_key").mkdir()


def _garbage(secrets: Path) -> None:
    (secrets / "sip_secret").write_bytes(b"\xff\xfe" * 40)


@pytest.mark.parametrize("breaks", [_short, _folder, _garbage])
def test_a_broken_secret_is_named_and_not_shown(site: Site, breaks: Callable[[Path], None]) -> None:
    secrets = site.data / "secrets"
    secrets.mkdir(parents=True)
    breaks(secrets)
    said = refused(site, "serve", "--without", "ivr")
    assert said.startswith(f"secrets: {secrets}/")
    assert "short" not in said.replace("too short", "")


def test_roles_apart_want_a_bus(site: Site) -> None:
    assert "bus: {url: redis://...}" in refused(site, "live")


def test_nothing_left_to_run(site: Site) -> None:
    without = [word for role in ("bridge", "ivr", "web", "live") for word in ("--without", role)]
    assert "nothing to run" in refused(site, "serve", *without)


def test_the_doctor_finds_what_is_wrong_and_is_quiet(site: Site) -> None:
    """A line for each thing, none hidden by another; nothing of the search itself."""
    secrets = site.data / "secrets"
    secrets.mkdir(parents=True)
    _short(secrets)
    site.config["dids"]["1001"] = {"flow": "nowhere"}
    site.write()
    said: Said = ringdesk("doctor", "-s", site.file)
    assert said.status == 1
    assert said.err == ""
    wrong = [line for line in said.out.splitlines() if line.startswith("NOT ")]
    assert any("nowhere" in line for line in wrong)
    assert any("too short" in line for line in wrong)
    assert all(line[:4] in {"ok  ", "warn", "NOT "} for line in said.out.splitlines())
    assert all(" -> " in line for line in said.out.splitlines() if line[:4] != "ok  ")


def test_the_doctor_does_not_tell_of_its_tries(site: Site, asterisk: object) -> None:
    """Somebody else's Asterisk that is away is one finding, not a log of attempts."""
    site.config["asterisk"]["mode"] = "external"
    site.write()
    said = ringdesk("doctor", "-s", site.file)
    assert said.status == 1
    assert said.err == ""
    assert "does not let us in" in said.out

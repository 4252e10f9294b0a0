"""What we write is for us alone: every folder and file below the data folder."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.doctor_here import folders
from config.findings import Patient
from config.privacy import keep_private
from config.settings import load
from ivr.message_files import free_name
from tests.config.outside import Command, Site, ringdesk
from tests.config.test_health import until


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_ones(folder: Path) -> list[str]:
    return [
        f"{each.relative_to(folder)} {each.stat().st_mode & 0o777:o}"
        for each in (folder, *folder.rglob("*"))
        if each.stat().st_mode & 0o077
    ]


def test_a_start_leaves_nothing_open_to_others(site: Site) -> None:
    """Also a folder that an earlier version made for all to see."""
    data = load(site.file).data_folder
    data.mkdir(parents=True, exist_ok=True)
    data.chmod(0o755)
    ringdesk("db", "migrate", "-s", site.file)
    web = Command(("web", "-s", site.file))
    until(site.config["health"]["port"] + 3, "/readyz", 200)
    assert open_ones(data) == []
    os.kill(web.pid, signal.SIGTERM)
    assert web.end().status == 0


def test_what_is_made_later_is_private_too(site: Site) -> None:
    settings = load(site.file)
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    keep_private(settings)
    free_name(settings.recordings_folder, "call-1")
    (settings.recordings_folder / "call-1.wav").write_bytes(b"")
    assert open_ones(settings.data_folder) == []


async def test_somebody_elses_asterisk_reads_as_our_group_and_nobody_else(site: Site) -> None:
    site.config["asterisk"]["mode"] = "external"
    site.write()
    settings = load(site.file)
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    said = [each async for each in folders(Patient(settings))]
    assert [each.state for each in said] == ["ok", "ok", "ok", "warning"]
    keep_private(settings)
    prompt = folder / "prompts"
    prompt.mkdir()
    assert [each.stat().st_mode & 0o777 for each in (folder, prompt)] == [0o750, 0o750]
    said = [each async for each in folders(Patient(settings))]
    assert [each.state for each in said] == ["ok", "ok", "ok"]

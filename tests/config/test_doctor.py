"""What `ringdesk doctor` looks at, and what it leaves to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import doctor


@pytest.mark.parametrize("name", ["pbx1", "vm", "my_pc", "1a.pbx.example", "192.0.2.7"])
def test_a_host_name_that_browser_phones_can_read(name: str) -> None:
    assert doctor.SIP_HOST.match(name)


@pytest.mark.parametrize("name", ["470d5c7ae00c", "3com-pbx", "pbx.3com", "-pbx", "pbx.", ""])
def test_a_host_name_that_browser_phones_do_not_answer(name: str) -> None:
    assert not doctor.SIP_HOST.match(name)


def settings_file(folder: Path, mode: str) -> Path:
    """Settings with an Asterisk of this mode."""
    file = folder / "s.yaml"
    file.write_text(
        f"queues: {{support: {{}}}}\ndata: {{folder: {folder}}}\nasterisk: {{mode: {mode}}}\n"
    )
    return file


async def found(file: Path) -> dict[str, doctor.Finding]:
    """What is found, by what was looked at."""
    return {each.what: each for each in await doctor.examine(file)}


async def test_somebody_elses_asterisk_need_not_be_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "AMI_SECONDS", 0.1)
    assert {"Asterisk", "host name"}.isdisjoint(await found(settings_file(tmp_path, "external")))


async def test_our_own_asterisk_needs_a_host_name_for_browser_phones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "AMI_SECONDS", 0.1)
    monkeypatch.setattr(doctor.socket, "gethostname", lambda: "470d5c7ae00c")
    said = (await found(settings_file(tmp_path, "own")))["host name"]
    assert not said.ok
    assert "begins with a letter" in said.advice

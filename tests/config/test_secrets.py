"""Secrets: made once, their owner's alone, given from outside where that is wanted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.secrets import SecretError, open_secrets


def test_they_are_made_once_and_differ(tmp_path: Path) -> None:
    first, again = open_secrets(tmp_path, {}), open_secrets(tmp_path, {})
    assert first.ami_password == again.ami_password
    assert first.sip_password("ava") == again.sip_password("ava")
    assert first.sip_password("ava") != first.sip_password("ben")
    assert first.ami_password.encode() != first.cookie_key


def test_only_their_owner_reads_them(tmp_path: Path) -> None:
    open_secrets(tmp_path, {})
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    for file in (tmp_path / "secrets").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: open_secrets(tmp_path, {}).ami_password, range(32)))
    assert len(found) == 1


def test_outside_comes_first(tmp_path: Path) -> None:
    file = tmp_path / "mounted"
    file.write_text("s" * 32 + "\n")
    given = {"RINGDESK_AMI_PASSWORD": "a" * 20, "RINGDESK_COOKIE_KEY_FILE": str(file)}
    secrets = open_secrets(tmp_path, given)
    assert secrets.ami_password == "a" * 20
    assert secrets.cookie_key == b"s" * 32
    assert not (tmp_path / "secrets" / "ami_password").exists()


@pytest.mark.parametrize("value", ["", "short", "x" * 20 + ";", "x" * 20 + "\r\ny", "a b" * 9])
def test_an_unfit_one_is_refused_without_being_shown(tmp_path: Path, value: str) -> None:
    with pytest.raises(SecretError) as caught:
        open_secrets(tmp_path, {"RINGDESK_AMI_PASSWORD": value})
    assert not value or value not in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=r"RINGDESK_SIP_SECRET_FILE: No such file"):
        open_secrets(tmp_path, {"RINGDESK_SIP_SECRET_FILE": str(tmp_path / "none")})


def test_nothing_shows_them(tmp_path: Path) -> None:
    secrets = open_secrets(tmp_path, {})
    for shown in (repr(secrets), str(secrets), f"{secrets!r:>40}"):
        assert secrets.ami_password not in shown

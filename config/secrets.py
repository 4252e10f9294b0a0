"""Random secrets, made once and kept in `<data>/secrets/`, readable by their owner alone.

An environment variable (`RINGDESK_AMI_PASSWORD`) or a file that one names
(`RINGDESK_AMI_PASSWORD_FILE`, as container platforms mount them) takes the place of the made one.
Values never reach a log: `Secrets` shows nothing of itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

BYTES: Final = 32
AT_LEAST: Final = 16  # characters of a secret that is given to us


class SecretError(Exception):
    """A secret cannot be read or is unfit; one line, without the value."""


class Secrets:
    """What this installation must keep to itself."""

    def __init__(self, *, ami_password: str, sip_base: str, cookie_key: str) -> None:
        self.ami_password = ami_password
        self.cookie_key = cookie_key.encode()
        self._sip_base = sip_base.encode()

    def sip_password(self, name: str, generation: int = 0) -> str:
        """The SIP password of one endpoint: as good as random, and not to be kept anywhere.

        Each `generation` has another one: that of before is worth nothing any more.
        """
        said = f"sip:{name}" + (f":{generation}" if generation else "")
        digest = hmac.new(self._sip_base, said.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def mark(self, system: str) -> str:
        """What somebody else's Asterisk is called beside its name, so that nobody can guess it."""
        return hmac.new(self._sip_base, b"mark:" + system.encode(), hashlib.sha256).hexdigest()[:6]

    def __repr__(self) -> str:
        return "Secrets(...)"


def open_secrets(data_folder: Path, environment: Mapping[str, str] = os.environ) -> Secrets:
    """Read the secrets, make those that are missing. Raises SecretError."""
    folder = data_folder / "secrets"
    return Secrets(
        ami_password=_secret("ami_password", folder, environment),
        sip_base=_secret("sip_secret", folder, environment),
        cookie_key=_secret("cookie_key", folder, environment),
    )


def open_cookie_key(data_folder: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """What a process that only seals and reads tickets needs. Raises SecretError."""
    return _secret("cookie_key", data_folder / "secrets", environment).encode()


def given(name: str, environment: Mapping[str, str]) -> str | None:
    """A secret out of `NAME` or the file that `NAME_FILE` names; None when neither is set."""
    value = environment.get(name)
    file = environment.get(f"{name}_FILE")
    if value is None and file:
        try:
            value = Path(file).read_text().strip()
        except OSError as why:
            raise SecretError(f"{name}_FILE: {why.strerror}: {file}") from None
        except UnicodeDecodeError:
            raise SecretError(f"{name}_FILE: no text: {file}") from None
    if value is None:
        return None
    if len(value) < AT_LEAST or not _fits_a_file(value):
        raise SecretError(f'{name}: at least {AT_LEAST} printable characters, none of ; \\ " space')
    return value


def _secret(name: str, folder: Path, environment: Mapping[str, str]) -> str:
    from_outside = given(f"RINGDESK_{name.upper()}", environment)
    if from_outside is not None:
        return from_outside
    file = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            _make(file)
        return _read(file)
    except OSError as why:
        raise SecretError(f"{file}: {why.strerror}") from None


def _make(file: Path) -> None:
    """Of two starts at once one makes the secret: a link appears whole, and only once."""
    fresh = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(base64.urlsafe_b64encode(os.urandom(BYTES)).rstrip(b"="))
    try:
        file.hardlink_to(fresh)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _read(file: Path) -> str:
    try:
        value = file.read_text().strip()
    except UnicodeDecodeError:
        value = "\0"
    if not _fits_a_file(value):
        raise SecretError(f"{file}: broken; remove it to have a new one made")
    if len(value) < AT_LEAST:
        raise SecretError(f"{file}: too short; remove it to have a new one made")
    return value


def _fits_a_file(value: str) -> bool:
    """It stands in Asterisk's files as it is."""
    return value.isprintable() and not any(character in value for character in ';\\" ')

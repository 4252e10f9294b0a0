"""What stops a start: one clear line for a person, exit status 2, never a traceback."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path


class Problem(Exception):
    """Something a person must put right; `str` of it is the whole message, on one line."""


def port_is_free(what: str, host: str, port: int, key: str) -> None:
    """Raise Problem if `host:port` cannot be listened on; `key` is the setting that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Problem(
                    f"{what}: port {port} on {host} is in use; stop what uses it or change `{key}`"
                ) from None
            raise Problem(f"{what}: cannot listen on {host}:{port}: {error.strerror}") from None


def can_be_written(folder: Path, key: str) -> None:
    """Make the folder, for us alone, if need be. Raises Problem if nothing can be written there."""
    why = ""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            why = os.strerror(errno.EACCES)
    except OSError as error:
        why = str(error.strerror)
    if why:
        raise Problem(f"the data folder {folder} cannot be written: {why} (`{key}`)")


def one_line(error: BaseException) -> str:
    """What went wrong, on one line: also of an OSError, which shows itself as a tuple."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines) or type(error).__name__

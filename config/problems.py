"""What stops a start: one clear line for a person, exit status 2, never a traceback."""

from __future__ import annotations

import errno
import socket


class Problem(Exception):  # noqa: N818 - reads as what it says
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

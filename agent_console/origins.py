"""Which pages may open a websocket of ours, and the host name that stands for `{host}`.

One rule for the live screens and the gate of the browser phones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# What may stand for {host}: a name, an IPv4 address or a bracketed IPv6 address; never a header.
HOST_NAME = re.compile(
    r"\A(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])\Z"
)


def at_host(url: str, host: str) -> str:
    """`url` with `{host}` filled in; a host that is none becomes `localhost`."""
    if not HOST_NAME.match(host):
        host = "localhost"
    return url.replace("{host}", host)


def host_of(header: str) -> str:
    """The host name in a Host header, without its port."""
    if header.startswith("["):
        return header.partition("]")[0] + "]"
    return header.partition(":")[0]


def origin_fits(ours: Iterable[str], origins: Sequence[str], hosts: Sequence[str]) -> bool:
    """Whether a page's origin is one of `ours`, or the host and port that its socket asks for.

    `origins` and `hosts` are the request's headers of these names: there must be one of each.
    """
    if len(origins) != 1 or len(hosts) != 1:
        return False
    asked = hosts[0]
    allowed = {at_host(origin, host_of(asked)) for origin in ours}
    allowed |= {f"http://{asked}", f"https://{asked}"}
    return origins[0] in allowed

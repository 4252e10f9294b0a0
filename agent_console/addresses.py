"""Where a request came from, for the audit and for limiting the tries to sign in.

One rule for the pages and the live socket: the peer, or whom a proxy of ours says it speaks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from cti.bounds import lies_within


def address_behind(proxies: Sequence[str], peer: str, forwarded: Sequence[str]) -> str:
    """The browser's address: `peer`, or what `peer` says if it lies in one of the `proxies`.

    `forwarded` are the lines of X-Forwarded-For, in order: a proxy may append to the line that was
    there, or add one of its own.
    """
    if not proxies or not lies_within(peer, proxies):
        return peer
    # Only the last entry is the proxy's own word; the ones before it anybody can write.
    told = ",".join(forwarded).rpartition(",")[2].strip()
    return told if _is_address(told) else peer


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True

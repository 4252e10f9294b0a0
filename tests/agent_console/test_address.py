"""Where a request came from: the peer, or what a proxy of ours says, and nobody else's word."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from agent_console.app import build_app
from agent_console.web import address_of
from tests.agent_console.conftest import context_for


class Transport:
    """A connection from `peer`."""

    def __init__(self, peer: str) -> None:
        self.peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self.peer, 1) if name == "peername" else default


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("10.0.0.2", "192.0.2.7", "192.0.2.7"),
        ("10.0.0.2", "1.1.1.1, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.2", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.2", "<b>", "10.0.0.2"),
        ("10.0.0.2", "", "10.0.0.2"),
        ("198.51.100.1", "192.0.2.7", "198.51.100.1"),
    ],
)
def test_only_a_proxy_of_ours_is_believed(
    tmp_path: Path, peer: str, told: str, address: str
) -> None:
    app = build_app(context_for(tmp_path, proxies=("10.0.0.0/8",)))
    request = make_mocked_request(
        "GET",
        "/",
        headers={"X-Forwarded-For": told},
        app=app,
        transport=Transport(peer),  # as much of one as is asked
    )
    assert address_of(request) == address


def test_a_line_that_a_proxy_adds_counts_and_not_the_one_the_browser_sent(tmp_path: Path) -> None:
    """Some proxies append to X-Forwarded-For, others add a second line."""
    lines = CIMultiDict([("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "192.0.2.7")])
    request = make_mocked_request(
        "GET",
        "/",
        headers=lines,
        app=build_app(context_for(tmp_path, proxies=("10.0.0.0/8",))),
        transport=Transport("10.0.0.2"),  # as much of one as is asked
    )
    assert address_of(request) == "192.0.2.7"

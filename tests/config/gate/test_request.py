"""Whatever bytes come to the gate: they are refused, and nothing breaks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.gate.request import END, Refused, judge

LINES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            b"GET /ws HTTP/1.1",
            b"GET /ws?ticket=x HTTP/1.0",
            b"Host: a",
            b"Transfer-Encoding: chunked",
            b"Content-Length: -1",
            b"Content-Length: 5",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Key: x",
            b": no name",
            b" folded",
            b"X: " + b"y" * 9_000,
        ]
    ),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(LINES, max_size=140))
def test_what_is_no_request_is_refused(lines: list[bytes]) -> None:
    with pytest.raises(Refused):
        judge(b"\r\n".join(lines) + END, key=b"k" * 32, origins=(), now=0.0)

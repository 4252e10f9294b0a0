"""The head of a request at the gate: read, judged, and said anew to Asterisk; no sockets here."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from msgspec import Struct
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.streams import StreamReader
from websockets.typing import Subprotocol

from agent_console.origins import origin_fits
from config.gate.ticket import name_on

PATH: Final = "/ws"
MOST_HEAD: Final = 8 * 1024  # bytes, of a request or an answer
END: Final = b"\r\n\r\n"
SIP: Final = Subprotocol("sip")
TOLD: Final = {
    HTTPStatus.BAD_REQUEST: "Not a request for a telephone's websocket.",
    HTTPStatus.FORBIDDEN: "Sign in first.",
    HTTPStatus.NOT_FOUND: "Nothing is here.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "Too long.",
    HTTPStatus.REQUEST_TIMEOUT: "Too slow.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many connections.",
    HTTPStatus.BAD_GATEWAY: "The telephone system is away; try again.",
}


class Refused(Exception):
    """Not let in: the status of our answer, and why, for the figures."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why


class Admitted(Struct, frozen=True, kw_only=True):
    """A request that may pass: whose telephone, who spoke for whom, what Asterisk is asked."""

    name: str
    forwarded: tuple[str, ...]  # the lines of X-Forwarded-For
    onward: bytes


def is_whole(head: bytes) -> bool:
    """Whether these bytes are a head; False while it may become one. Raises Refused."""
    if len(head) > MOST_HEAD:
        raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request")
    end = head.find(END)
    if 0 <= end < len(head) - len(END):  # what stands behind it would be another request
        raise Refused(HTTPStatus.BAD_REQUEST, "request")
    return end >= 0


def judge(head: bytes, *, key: bytes, origins: Sequence[str], now: float) -> Admitted:
    """Read a whole head. Raises Refused. `now`: seconds since 1970."""
    request = _parsed(head)
    path, _, query = request.path.partition("?")
    if path != PATH:
        raise Refused(HTTPStatus.NOT_FOUND, "path")
    headers = request.headers
    if not origin_fits(origins, headers.get_all("Origin"), headers.get_all("Host")):
        raise Refused(HTTPStatus.FORBIDDEN, "origin")
    tickets = _tickets(query)
    name = name_on(key, tickets[0], now) if len(tickets) == 1 else None
    if name is None:
        raise Refused(HTTPStatus.FORBIDDEN, "ticket")
    asked = ServerProtocol(subprotocols=[SIP])
    try:
        asked.process_request(request)
    except InvalidHandshake:
        raise Refused(HTTPStatus.BAD_REQUEST, "request") from None
    return Admitted(
        name=name,
        forwarded=tuple(headers.get_all("X-Forwarded-For")),
        onward=_onward(headers["Sec-WebSocket-Key"]),
    )


def answer_of(status: HTTPStatus) -> bytes:
    """A whole answer that says no."""
    text = f"{TOLD[status]}\n"
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/plain; charset=utf-8",
        f"Content-Length: {len(text)}",
        "Cache-Control: no-store",
        "Connection: close",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode() + text.encode()


def _parsed(head: bytes) -> Request:
    reader = StreamReader()
    reader.feed_data(head)
    reader.feed_eof()
    parsing = Request.parse(reader.read_line)
    try:
        next(parsing)
    except StopIteration as whole:
        request: Request = whole.value
        return request
    except (EOFError, ValueError, NotImplementedError, InvalidHandshake):  # all it may raise
        raise Refused(HTTPStatus.BAD_REQUEST, "request") from None
    raise Refused(HTTPStatus.BAD_REQUEST, "request")


def _tickets(query: str) -> list[str]:
    try:
        return parse_qs(query, max_num_fields=4).get("ticket", [])
    except ValueError:
        return []


def _onward(key: str) -> bytes:
    """Asked anew, in our words: the ticket stays here, and nothing of the browser's slips through.

    `key` was found to be base64 of 16 bytes; extensions are left out, Asterisk has none.
    """
    lines = (
        f"GET {PATH} HTTP/1.1",
        "Host: asterisk",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key.strip()}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SIP}",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()

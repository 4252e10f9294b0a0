"""Errors to HTTP statuses and live error codes, in one place.

A domain error's class is looked up along its ancestors; one that is not in the table is ours: 500,
logged, and the person sees no traceback.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from agent_console.access import NotAllowed, SignInNeeded
from service_desk import errors as desk


class ConsoleError(Exception):
    """What the counter itself refuses: `text` with `{holes}`, `values` by hole (as `DeskError`)."""

    def __init__(self, text: str = "", **values: object) -> None:
        self.text = text
        self.values = values
        super().__init__(text.format(**values) if values else text)


class BadRequest(ConsoleError):
    """What was sent cannot be understood; the text says what is wrong with `field`, if with one."""

    def __init__(self, text: str, *, field: str = "", **values: object) -> None:
        super().__init__(text, **values)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}" if self.field else super().__str__()


class NotThere(ConsoleError):
    """There is no such thing to show."""


class Refused(ConsoleError):
    """The telephone would not do it; the text is its reason."""


class TooBusy(ConsoleError):
    """Too much at once from one place; the text says what to do."""

    def __init__(self, text: str, retry_after: float = 1.0, **values: object) -> None:
        super().__init__(text, **values)
        self.retry_after = retry_after


class BadToken(ConsoleError):
    """The form's CSRF token is missing or not this session's."""


STATUS: Mapping[type[BaseException], tuple[HTTPStatus, str]] = {
    SignInNeeded: (HTTPStatus.UNAUTHORIZED, "sign_in"),
    NotAllowed: (HTTPStatus.FORBIDDEN, "forbidden"),
    BadToken: (HTTPStatus.FORBIDDEN, "csrf"),
    TooBusy: (HTTPStatus.TOO_MANY_REQUESTS, "too_many"),
    BadRequest: (HTTPStatus.BAD_REQUEST, "bad_request"),
    msgspec.ValidationError: (HTTPStatus.BAD_REQUEST, "bad_request"),
    msgspec.DecodeError: (HTTPStatus.BAD_REQUEST, "bad_request"),
    NotThere: (HTTPStatus.NOT_FOUND, "not_found"),
    Refused: (HTTPStatus.CONFLICT, "refused"),
    desk.NotFound: (HTTPStatus.NOT_FOUND, "not_found"),
    desk.BadValue: (HTTPStatus.BAD_REQUEST, "bad_request"),
    desk.NotSignedIn: (HTTPStatus.UNAUTHORIZED, "sign_in"),
    desk.TooManyTries: (HTTPStatus.TOO_MANY_REQUESTS, "too_many"),
    desk.Refused: (HTTPStatus.CONFLICT, "refused"),
    desk.IllegalMove: (HTTPStatus.CONFLICT, "illegal_move"),
    desk.Conflict: (HTTPStatus.CONFLICT, "conflict"),
    desk.DatabaseAway: (HTTPStatus.SERVICE_UNAVAILABLE, "database"),
    desk.SchemaMismatch: (HTTPStatus.SERVICE_UNAVAILABLE, "database"),
    TimeoutError: (HTTPStatus.SERVICE_UNAVAILABLE, "timeout"),
}


def status_of(error: BaseException) -> tuple[HTTPStatus, str]:
    """(HTTP status, code for programs) of an error; unknown errors are 500 `internal`."""
    for kind in type(error).__mro__:
        if found := STATUS.get(kind):
            return found
    return HTTPStatus.INTERNAL_SERVER_ERROR, "internal"


def retry_after(error: BaseException) -> int | None:
    """Seconds until it is worth trying again, where the error knows."""
    if isinstance(error, desk.TooManyTries | TooBusy):
        return max(1, math.ceil(error.retry_after))
    return None

"""Where a failure ends: what is done beside a screen may fail, and the screen stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

import structlog

from cti.where import where

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Done(NamedTuple, Generic[T]):
    """It was done, and this came of it."""

    value: T


async def beside(
    event: str,
    work: Callable[[], Awaitable[T]],
    *,
    seconds: float | None,
    wrong: bool = False,
    **about: str,
) -> Done[T] | None:
    """Do it, in at most so many seconds (None: it has bounds of its own). If it fails, for whatever
    reason, that is logged as `event`, as an error if it is `wrong`, and None is returned."""
    try:
        async with asyncio.timeout(seconds):
            return Done(await work())
    except Exception as error:  # noqa: BLE001 - this is the edge: every kind of failure ends here
        say = log.error if wrong else log.warning
        say(event, **about, error=where(error))
    return None

"""How we log: one structured line an event on stderr, JSON unless a person reads it.

Of an exception the log gets its types and places, never its message: messages carry what people
said, wrote or dialled (a database repeats the values that it refuses).
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import structlog

from cti.bus import Bus
from service_desk.events import CaseOpened

log = structlog.get_logger(__name__)

MOST_FRAMES = 12  # of one exception, the innermost
MOST_CAUSES = 5


def configure(level: str = "INFO") -> None:
    """Set structlog and the standard library's logging up, once, before anything runs."""
    readable = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            places_only,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if readable
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlacesOnly(logging.BASIC_FORMAT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def name_cases(bus: Bus, acting: Callable[[], bool] = lambda: True) -> Callable[[], None]:
    """Log each case that a call opens: the way from its number to the call's id, by which every
    other line is found. The bridge that acts does it. Returns what undoes it."""

    def opened(told: CaseOpened) -> None:
        if told.call_id is not None and acting():
            log.info("case.opened", case=told.number, call_id=told.call_id)

    return bus.subscribe(CaseOpened, opened)


def places_only(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A structlog processor: `exc_info` becomes `exception`, without values."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = places(error)
    return event


class PlacesOnly(logging.Formatter):
    """The same for what libraries log by themselves."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the standard library's name
        """Types and places."""
        return places(ei[1])


def places(error: BaseException) -> str:
    """The types of an exception and of its causes, each with where it came through."""
    return "\n".join(_one(each) for each in _causes(error))


def _one(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    lines = [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    return "\n".join([f"{type(error).__module__}.{type(error).__qualname__}", *lines])


def _causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if following is None:
            return
        yield following
        following = following.__cause__ or following.__context__

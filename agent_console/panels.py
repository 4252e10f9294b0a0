"""What a counter's page reads beside its subject: one that fails leaves the rest as it is.

The same as `service_desk/queries/panels.py`, for what is a read of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import structlog

from cti.where import where

T = TypeVar("T")

log = structlog.get_logger(__name__)


async def aside(
    screen: str, panel: str, read: Awaitable[T], otherwise: T, missing: list[str] | None = None
) -> T:
    """What is read; `otherwise` if that fails, which is logged and noted in `missing`."""
    try:
        return await read
    except Exception as error:  # noqa: BLE001 - a panel's edge: whatever it is, the page stays
        log.error("panel.missing", screen=screen, panel=panel, error=where(error))
    if missing is not None:
        missing.append(panel)
    return otherwise

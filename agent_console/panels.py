"""What a counter's page reads beside its subject: one that fails leaves the rest as it is.

The same as `service_desk/queries/panels.py`, for what is a read of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from cti.where import where
from service_desk.bounded import READ_SECONDS
from service_desk.queries.panels import PANEL_SECONDS

T = TypeVar("T")

log = structlog.get_logger(__name__)

GRACE = 0.5  # seconds: the database breaks a read off by itself first, and keeps its connection


async def aside(
    screen: str, panel: str, read: Awaitable[T], otherwise: T, missing: list[str] | None = None
) -> T:
    """What is read; `otherwise` if that fails or takes longer than a panel may, which is logged and
    noted in `missing`."""
    token = READ_SECONDS.set(PANEL_SECONDS)
    try:
        async with asyncio.timeout(PANEL_SECONDS + GRACE):
            return await read
    except Exception as error:  # noqa: BLE001 - a panel's edge: whatever it is, the page stays
        log.error("panel.missing", screen=screen, panel=panel, error=where(error))
    finally:
        READ_SECONDS.reset(token)
    if missing is not None:
        missing.append(panel)
    return otherwise

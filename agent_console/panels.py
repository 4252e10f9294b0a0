"""What a counter's page reads beside its subject: one that fails leaves the rest as it is.

The same as `service_desk/queries/panels.py`, for what is a read of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from agent_console.edge import beside
from service_desk.bounded import READ_SECONDS
from service_desk.queries.panels import PANEL_SECONDS

T = TypeVar("T")

GRACE = 0.5  # seconds: the database breaks a read off by itself first, and keeps its connection


async def aside(
    screen: str, panel: str, read: Awaitable[T], otherwise: T, missing: list[str] | None = None
) -> T:
    """What is read; `otherwise` if that fails or takes longer than a panel may, which is logged and
    noted in `missing`."""
    token = READ_SECONDS.set(PANEL_SECONDS)
    try:
        done = await beside(
            "panel.missing",
            lambda: read,
            seconds=PANEL_SECONDS + GRACE,
            wrong=True,
            screen=screen,
            panel=panel,
        )
    finally:
        READ_SECONDS.reset(token)
    if done is not None:
        return done.value
    if missing is not None:
        missing.append(panel)
    return otherwise

"""Whether what was recorded is there: a full disk leaves rows whose files hold nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, or_, select

from service_desk.desk import Desk
from service_desk.model import Conversation, Recording

HEADER: Final = 44  # bytes of a WAV file before its first sound: with less it was not even begun
TALKED: Final = 2.0  # seconds: of less, nothing may be worth a file
MOST: Final = 5_000  # in one look


def is_missing(folder: Path, file: str) -> bool:
    """No file, or one that could not be written."""
    try:
        return (folder / file).stat().st_size < HEADER
    except (OSError, ValueError):
        return True


async def missing(desk: Desk, folder: Path, ids: Collection[int]) -> frozenset[int]:
    """Those of these recordings that nobody can hear. Raises DatabaseAway."""
    if not ids:
        return frozenset()
    files = await desk.fetch(_files, ids)
    return frozenset(
        await asyncio.to_thread(
            lambda: [i for i, file in files.items() if is_missing(folder, file)]
        )
    )


async def missing_since(
    desk: Desk, folder: Path, system: str, since: datetime, until: datetime
) -> Mapping[str, str]:
    """File -> call id of what calls that ended in this time should have left.

    Raises DatabaseAway.
    """
    files = await desk.fetch(_ended, system, since, until)
    return await asyncio.to_thread(
        lambda: {file: call_id for file, call_id in files.items() if is_missing(folder, file)}
    )


def _files(connection: Connection, ids: Collection[int]) -> dict[int, str]:
    rows = connection.execute(
        select(Recording.id, Recording.file).where(Recording.id.in_(sorted(ids)[:MOST]))
    )
    return {row.id: row.file for row in rows}


def _ended(connection: Connection, system: str, since: datetime, until: datetime) -> dict[str, str]:
    rows = connection.execute(
        select(Recording.file, Recording.call_id)
        .join(Conversation, Conversation.call_id == Recording.call_id)
        .where(
            Conversation.system == system,
            # The index is by arrival; nobody waits and talks for a day.
            Conversation.arrived_at > since - timedelta(days=1),
            Conversation.ended_at > since,
            Conversation.ended_at <= until,
            or_(Recording.kind == "message", Conversation.talked >= TALKED),
        )
        .limit(MOST)
    )
    return {row.file: row.call_id for row in rows}

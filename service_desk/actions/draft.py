"""What an agent typed and has not saved yet: per agent and call, the last text wins."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from service_desk.actions import checks
from service_desk.actor import Actor
from service_desk.desk import Desk, UnitOfWork
from service_desk.model import Draft

LONGEST = 10_000
KEPT = timedelta(days=14)


async def save_draft(desk: Desk, *, call_id: str, text: str, by: Actor) -> None:
    """Keep what was typed; empty text forgets it. Raises BadValue."""
    said = checks.text("text", text, most=LONGEST, least=0)
    name = checks.line("call_id", call_id, most=64)
    once: Any = sqlite.insert if desk.is_sqlite else postgresql.insert
    async with desk.write(by=by) as uow:
        await uow.execute(
            delete(Draft).where(
                (Draft.saved_at < uow.now - KEPT)
                | ((Draft.agent == by.name) & (Draft.call_id == name))
            )
        )
        if said:
            await uow.execute(
                once(Draft),
                {"agent": by.name, "call_id": name, "text": said, "saved_at": uow.now},
            )


async def forget(uow: UnitOfWork, name: str) -> None:
    """What was typed is saved elsewhere, in this unit of work."""
    mine = (Draft.agent == uow.by.name) & (Draft.call_id == name)
    await uow.execute(delete(Draft).where(mine))


async def load_draft(desk: Desk, *, call_id: str, by: Actor) -> str:
    """What was typed for this call; "" if nothing."""

    def read(connection: Connection) -> str:
        statement = select(Draft.text).where(Draft.agent == by.name, Draft.call_id == call_id)
        return connection.scalar(statement) or ""

    return await desk.fetch(read)

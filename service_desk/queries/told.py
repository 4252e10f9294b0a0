"""What was told of calls that have not ended: for a bridge that begins in the middle of them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, select

from cti.events import CallFact
from service_desk.desk import Desk
from service_desk.intake_known import unpack
from service_desk.model import Conversation, ConversationFacts
from service_desk.witnesses import agreed

# Calls. More than any Asterisk carries, less than would keep a start waiting.
MOST = 5_000
# A call is older than this only in the records: whatever would have told its end was lost.
OLDEST = timedelta(days=7)


async def told_of_live_calls(desk: Desk, system: str) -> list[CallFact]:
    """The facts of this Asterisk's unfinished calls, oldest first. Raises DatabaseAway."""
    since = desk.clock.now() - OLDEST

    def read(connection: Connection) -> list[CallFact]:
        rows = connection.execute(
            select(ConversationFacts.facts)
            .join(Conversation, Conversation.call_id == ConversationFacts.call_id)
            .where(
                Conversation.system == system,
                Conversation.ended_at.is_(None),
                Conversation.merged_into.is_(None),
                Conversation.arrived_at > since,
            )
            .order_by(Conversation.arrived_at.desc())
            .limit(MOST)
        )
        return [
            fact
            for row in rows
            for fact in agreed(sorted(unpack(row.facts).values(), key=lambda fact: fact.at))
        ]

    # Stable: what was told of one moment stays in the order it was told in.
    return sorted(await desk.fetch(read), key=lambda fact: fact.at)

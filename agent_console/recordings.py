"""Which recordings a page can offer to be heard."""

from __future__ import annotations

from collections.abc import Iterable

from agent_console.context import ConsoleContext
from service_desk.queries import recording_files
from service_desk.views import ConversationBrief


async def missing_of(context: ConsoleContext, calls: Iterable[ConversationBrief]) -> frozenset[int]:
    """Those of these calls' recordings whose files are not there. Raises DatabaseAway."""
    ids = [each for call in calls for each in call.recordings]
    return await recording_files.missing(context.desk, context.recordings, ids)

"""The desk port over service_desk: what a menu may ask and tell, and nothing more.

Every method is a single question or a single write; the session bounds its time. What the desk
refuses as a value (a customer who is gone, say) is no reason to try again: it is logged and done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog
from sqlalchemy import Connection, func, select

from cti.where import where
from ivr.desk_port import CallerIdentity, CaseSaid, Step, Words
from service_desk.actions import conversation, customer
from service_desk.actor import IVR
from service_desk.desk import Desk as ServiceDesk
from service_desk.errors import BadValue, CustomerNotFound
from service_desk.model import Conversation, QueueVisit, Recording
from service_desk.queries import conversations

log = structlog.get_logger(__name__)


class Desk:
    """A `DeskPort`. `limits`: how many may wait in a queue at once; a queue that is not in it, or
    with 0, is never full for the menu (Asterisk has its own limit, and gives `full` back)."""

    def __init__(
        self,
        desk: ServiceDesk,
        *,
        limits: Mapping[str, int] | None = None,
        system: str = "",
    ) -> None:
        self._desk = desk
        self._limits = dict(limits or {})
        self._system = system

    async def identify(self, _call_id: str, caller_number: str, /) -> CallerIdentity:
        """Who has this number."""
        found = await conversations.caller(self._desk, caller_number)
        return CallerIdentity(
            customer_id=found.customer_id,
            language=found.language or None,
            name=found.name,
            matches=found.matches,
        )

    async def case_status(self, digits: str, caller_number: str) -> CaseSaid | None:
        """The status of a case of this caller's."""
        found = await conversations.case_status_for(self._desk, digits=digits, number=caller_number)
        return None if found is None else CaseSaid(number=found[0], status=found[1])

    async def remember_language(self, call_id: str, customer_id: int, language: str) -> None:
        """Keep the language with the customer."""
        try:
            await customer.set_language(
                self._desk, customer_id=customer_id, language=language, by=IVR
            )
        except (BadValue, CustomerNotFound) as error:
            log.warning("ivr.language_not_kept", call_id=call_id, error=where(error))

    async def note_path(
        self, call_id: str, language: str, steps: list[Step], choice: Words | None = None
    ) -> None:
        """Keep the way through the menu, and what the caller chose."""
        await conversation.note_path(
            self._desk,
            call_id=call_id,
            steps=steps,
            choice=choice,
            language=language,
            by=IVR,
            system=self._system,
        )

    async def leave_message(self, call_id: str, file: str, seconds: float) -> None:
        """The call's case is about this message."""
        await conversation.leave_message(
            self._desk,
            call_id=call_id,
            file=file,
            seconds=seconds,
            by=IVR,
            system=self._system,
        )

    async def known_messages(self, files: Sequence[str]) -> frozenset[str]:
        """Which of them are recordings."""
        return await self._desk.fetch(_known, list(files))

    async def queue_is_full(self, queue: str) -> bool:
        """Whether as many wait as may, as far as the bridge has told the desk."""
        limit = self._limits.get(queue, 0)
        return limit > 0 and await self._desk.fetch(_waiting, queue) >= limit


def _known(connection: Connection, files: list[str]) -> frozenset[str]:
    statement = select(Recording.file).where(Recording.file.in_(files))
    return frozenset(connection.execute(statement).scalars())


def _waiting(connection: Connection, queue: str) -> int:
    """Callers in a queue whose call is live: a visit that lost its end does not count for ever."""
    found = connection.scalar(
        select(func.count())
        .select_from(QueueVisit)
        .join(Conversation, Conversation.call_id == QueueVisit.call_id)
        .where(
            QueueVisit.queue == queue,
            QueueVisit.left_at.is_(None),
            Conversation.ended_at.is_(None),
            Conversation.outcome == "live",
        )
    )
    return int(found or 0)

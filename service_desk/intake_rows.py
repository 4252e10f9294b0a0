"""What one batch of the intake writes: rows in which the story now told differs from the stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from service_desk.clock import year_of
from service_desk.intake_sql import ONLY_INSERTED
from service_desk.story import Story


class Rows:
    """Gathered so that each statement runs once for all calls."""

    def __init__(self) -> None:
        self.conversations: list[dict[str, Any]] = []
        self.legs: list[dict[str, Any]] = []
        self.visits: list[dict[str, Any]] = []
        self.recordings: list[dict[str, Any]] = []
        self.entries: list[dict[str, Any]] = []
        self.aliases: list[dict[str, Any]] = []
        self.cases: list[dict[str, Any]] = []
        self.linked: list[dict[str, Any]] = []
        self.attached: list[dict[str, Any]] = []
        self.taken: list[dict[str, Any]] = []
        self.renamed: list[dict[str, Any]] = []
        self.unlinked: list[dict[str, Any]] = []
        self.dropped_entries: list[dict[str, Any]] = []
        self.dropped_visits: list[dict[str, Any]] = []
        self.dropped_legs: list[dict[str, Any]] = []

    def story(
        self,
        old: Story | None,
        new: Story,
        customer_id: int | None,
        *,
        anew: bool,
        opens: bool,
    ) -> bool:
        """Gather what differs between what is stored and what is now known; anything?

        `anew`: no row is there; `opens`: the row gets the case that this call opens now.
        """
        before = self._count()
        call_id = new.call_id
        if (
            anew
            or opens
            or old is None
            or old.conversation != new.conversation
            or customer_id is not None
        ):
            self.conversations.append(
                {
                    "call_id": call_id,
                    "b_call": call_id if opens else "",
                    "customer_id": customer_id,
                    **ONLY_INSERTED,
                    **new.conversation,
                }
            )
        old_legs = old.legs if old else {}
        self.legs += [
            {"call_id": call_id, "leg_id": leg_id, **leg}
            for leg_id, leg in new.legs.items()
            if old_legs.get(leg_id) != leg
        ]
        old_visits = old.visits if old else {}
        self.visits += [
            {"call_id": call_id, **visit}
            for key, visit in new.visits.items()
            if old_visits.get(key) != visit
        ]
        old_recordings = old.recordings if old else {}
        self.recordings += [
            {"call_id": call_id, "file": file, **row}
            for file, row in new.recordings.items()
            if old_recordings.get(file) != row
        ]
        self._entries(old, new)
        self.aliases += [
            {"system": system, "alias": alias, "call_id": call_id}
            for system, alias in new.aliases - (old.aliases if old else frozenset())
        ]
        self.dropped_legs += [
            {"b_call": call_id, "b_leg": leg_id} for leg_id in old_legs.keys() - new.legs.keys()
        ]
        self.dropped_visits += [
            {"b_call": call_id, "b_queue": queue, "b_entered": entered}
            for queue, entered in old_visits.keys() - new.visits.keys()
        ]
        return self._count() > before

    def case(self, new: Story, customer_id: int | None, zone: str) -> None:
        """Gather the case that this call opens; `zone`: the company's, whose year it is."""
        arrived_at: datetime = new.conversation["arrived_at"]
        agents = new.conversation["agents"]
        self.cases.append(
            {
                "opened_by_call_id": new.call_id,
                "year": year_of(arrived_at, zone),
                "subject_kind": new.subject[0],
                "subject": new.subject[1],
                "subject_zh": "",
                "kind": "call",
                "status": "open" if agents else "new",
                "priority": "normal",
                "opened_at": arrived_at,
                "owner": agents[0] if agents else None,
                "customer_id": customer_id,
                "touched": False,
            }
        )

    def _entries(self, old: Story | None, new: Story) -> None:
        old_entries = old.entries if old else {}
        for key, entry in new.entries.items():
            known = old_entries.get(key)
            if known == entry:
                continue
            if known is not None:  # the end's figures may still be corrected
                self.dropped_entries.append({"b_call": new.call_id, "b_key": key})
            self.entries.append(
                {
                    "call_id": new.call_id,
                    "key": key,
                    "at": entry.at,
                    "kind": entry.kind,
                    "actor": entry.actor,
                    "text": "",
                    "data": entry.data,
                }
            )
        self.dropped_entries += [
            {"b_call": new.call_id, "b_key": key} for key in old_entries.keys() - new.entries.keys()
        ]

    def _count(self) -> int:
        return (
            len(self.conversations)
            + len(self.legs)
            + len(self.visits)
            + len(self.recordings)
            + len(self.entries)
            + len(self.dropped_entries)
        )

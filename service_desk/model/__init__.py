"""The tables, one noun a file; `metadata` knows them all."""

from service_desk.model.audit import Audit
from service_desk.model.base import Base
from service_desk.model.bridge_lock import BridgeLock
from service_desk.model.case import Case, CaseEntry, Disposition
from service_desk.model.conversation import (
    Conversation,
    ConversationAlias,
    ConversationFacts,
    Leg,
    QueueVisit,
)
from service_desk.model.customer import ContactPoint, Customer, CustomerWorth
from service_desk.model.draft import Draft
from service_desk.model.follow_up import FollowUp
from service_desk.model.job import Generation, Job
from service_desk.model.journal import Alarm, JournalCursor, JournalReject
from service_desk.model.lease import Lease
from service_desk.model.outbox import Outbox
from service_desk.model.presentation import Presentation
from service_desk.model.product import PairCount, Product, Purchase
from service_desk.model.recording import Recording
from service_desk.model.staff import ApiToken, LoginAttempt, Staff, StaffSession

metadata = Base.metadata

__all__ = [
    "Alarm",
    "ApiToken",
    "Audit",
    "Base",
    "BridgeLock",
    "Case",
    "CaseEntry",
    "ContactPoint",
    "Conversation",
    "ConversationAlias",
    "ConversationFacts",
    "Customer",
    "CustomerWorth",
    "Disposition",
    "Draft",
    "FollowUp",
    "Generation",
    "Job",
    "JournalCursor",
    "JournalReject",
    "Lease",
    "Leg",
    "LoginAttempt",
    "Outbox",
    "PairCount",
    "Presentation",
    "Product",
    "Purchase",
    "QueueVisit",
    "Recording",
    "Staff",
    "StaffSession",
    "metadata",
]

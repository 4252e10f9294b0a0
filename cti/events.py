"""The facts of the telephone world: frozen, past tense, each defined once.

A fact says what happened to a *call* (one conversation, whatever its legs), to an agent, or to the
link with Asterisk. Facts may come late, twice or not at all; whoever consumes them is idempotent
and moves states forward only.

Every `at` is UTC and timezone-aware: Asterisk's own time of the event (AMI `Timestamp`, CEL
`event_time`), not ours. `call_id` is our own id of the conversation (`conversation.call_id_of`);
`leg_id` is one channel's Asterisk uniqueid on `system` (its `systemname`), an opaque alias.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

Direction = Literal["inbound", "outbound", "internal"]
AgentStatus = Literal[
    "signed_out",
    "available",
    "ringing",
    "calling",
    "talking",
    "held",
    "reconnecting",
    "wrap_up",
    "not_answering",
    "paused",
    "unreachable",
]
# `calling`: somebody outside is being rung, or an agent dials;
# `outside`: it goes on without an agent; `handed_on`: it is on its way to whom an agent named.
CallState = Literal[
    "menu",
    "waiting",
    "calling",
    "ringing",
    "talking",
    "held",
    "reconnecting",
    "parked",
    "outside",
    "handed_on",
    "ending",
]
Party = Literal["caller", "agent", "external", "service"]
# `asterisk`: it ended or was started anew with the call up; `unknown`: nobody saw it.
EndedBy = Literal["caller", "agent", "external", "system", "unknown", "asterisk"]
Lost = Literal["unknown", "asterisk"]
# Of one leg: `transferred` when its owner handed the call on.
LegEnd = Literal["", "caller", "agent", "external", "system", "transferred", "unknown", "asterisk"]
OfferEnd = Literal["answered", "no_answer", "rejected", "answered_elsewhere", "withdrawn"]
# `full` and `closed`: it never let the caller in, who was one too many, or nobody was there.
QueueExit = Literal["answered", "abandoned", "timeout", "overflow", "full", "closed", "unknown"]
TURNED_AWAY: tuple[QueueExit, ...] = ("full", "closed")
TransferKind = Literal["blind", "attended"]
# Why whom an agent dialled was not reached.
NotReached = Literal["busy", "no_answer", "unreachable", "nobody", "denied", "limited"]


class Fact(Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, gc=False):
    """Something that happened, at Asterisk's time `at`, as told by the Asterisk named `system`.

    A fact can be part of no cycle: hundreds of thousands of them stay out of the collector's way.
    """

    at: datetime
    system: str


class CallFact(Fact, frozen=True, kw_only=True):
    """A fact about one call. `journal`: read from Asterisk's own records, not heard live."""

    call_id: str
    journal: bool = False


class CallArrived(CallFact, frozen=True, kw_only=True):
    """The first channel of a conversation exists. Numbers and names are raw and hostile."""

    leg_id: str
    channel: str
    direction: Direction
    caller_number: str
    caller_name: str
    dialed: str
    agent: str | None = None  # who placed it, when an agent's device did


class CallMerged(CallFact, frozen=True, kw_only=True):
    """Two ids turned out to be one conversation: `absorbed` is now an alias of `call_id`."""

    absorbed: str


class LegStarted(CallFact, frozen=True, kw_only=True):
    """A channel joined the conversation. `agent` is set when it is an agent's device."""

    leg_id: str
    channel: str
    party: Party
    address: str
    agent: str | None = None


class LegJoined(CallFact, frozen=True, kw_only=True):
    """A leg entered a bridge with another leg: talk time runs from here (BridgeEnter)."""

    leg_id: str
    bridge_id: str


class LegParted(CallFact, frozen=True, kw_only=True):
    """A leg left its bridge (BridgeLeave)."""

    leg_id: str
    bridge_id: str


class LegHeld(CallFact, frozen=True, kw_only=True):
    """A leg put the other side on hold."""

    leg_id: str


class LegResumed(CallFact, frozen=True, kw_only=True):
    """A leg took the other side back from hold."""

    leg_id: str


class LegEnded(CallFact, frozen=True, kw_only=True):
    """A channel is gone. `cause` is the Q.850 code (0 unknown, 16 normal clearing).

    `by`: whose doing it was, "" if the source does not tell.
    """

    leg_id: str
    cause: int
    cause_text: str = ""
    by: LegEnd = ""


class CallQueued(CallFact, frozen=True, kw_only=True):
    """The caller entered a queue, at `position` (1 is next)."""

    queue: str
    position: int
    leg_id: str


class CallLeftQueue(CallFact, frozen=True, kw_only=True):
    """The caller is out of the queue; `waited` in seconds."""

    queue: str
    reason: QueueExit
    waited: float


class CallOffered(CallFact, frozen=True, kw_only=True):
    """An agent's device is being rung for this call: the moment of the screen pop.

    `queue` is None when the call comes by transfer or extension instead of a queue.
    """

    agent: str
    leg_id: str
    queue: str | None = None


class CallOfferEnded(CallFact, frozen=True, kw_only=True):
    """An agent's device stopped ringing for this call."""

    agent: str
    leg_id: str
    reason: OfferEnd


class CallAnswered(CallFact, frozen=True, kw_only=True):
    """An agent took the call. `waited`: seconds in the queue, None outside one."""

    agent: str
    leg_id: str
    queue: str | None = None
    waited: float | None = None


class CallReleased(CallFact, frozen=True, kw_only=True):
    """An agent's part in the call is over (hung up, transferred away): wrap-up begins."""

    agent: str
    leg_id: str
    talked: float


class CallCutOff(CallFact, frozen=True, kw_only=True):
    """An agent's device was lost in mid-call (a page loaded anew, a crash): the others are kept.

    `CallAnswered` by the same agent gives them back; `CallReleased` of this leg ends the waiting.
    """

    agent: str
    leg_id: str
    talked: float


class WrapUpEnded(CallFact, frozen=True, kw_only=True):
    """The agent is done with the after-call work that began when their part was over."""

    agent: str


class CallTransferred(CallFact, frozen=True, kw_only=True):
    """The call was handed on. `by` is the agent who did it, `to` the extension or queue dialled."""

    kind: TransferKind
    by: str | None
    to: str


class CallParked(CallFact, frozen=True, kw_only=True):
    """A leg waits in a parking place until somebody fetches it; `place` is "" if nobody said."""

    leg_id: str
    place: str


class CallUnparked(CallFact, frozen=True, kw_only=True):
    """A leg is parked no more."""

    leg_id: str


class CallEnded(CallFact, frozen=True, kw_only=True):
    """The conversation's last leg is gone. `lost`: no word of its end; `by` is then a `Lost`."""

    cause: int
    by: EndedBy
    lost: bool = False


class RecordingStarted(CallFact, frozen=True, kw_only=True):
    """Asterisk writes `file` (relative to the recordings folder) for this call."""

    file: str


class RecordingStopped(CallFact, frozen=True, kw_only=True):
    """`file` is complete."""

    file: str


class AgentChanged(Fact, frozen=True, kw_only=True):
    """An agent's state as it is now; `since` is when that state began."""

    agent: str
    status: AgentStatus
    since: datetime
    reason: str = ""
    call_id: str | None = None
    queues: tuple[str, ...] = ()
    wrap_up_until: datetime | None = None


class QueueChanged(Fact, frozen=True, kw_only=True):
    """A queue's own counters as Asterisk tells them at a resync."""

    queue: str
    waiting: tuple[str, ...] = ()


class LinkLost(Fact, frozen=True, kw_only=True):
    """The AMI link is down: what screens show is true as of `at`."""

    why: str


class LinkRestored(Fact, frozen=True, kw_only=True):
    """The AMI link is up again and the board has been resynchronised."""

    boot: datetime


class LiveCall(Struct, frozen=True, kw_only=True):
    """One call as the board shows it; part of a `BoardResynced`."""

    call_id: str
    system: str
    direction: Direction
    caller_number: str
    caller_name: str
    dialed: str
    arrived_at: datetime
    state: CallState = "menu"
    since: datetime | None = None
    queue: str | None = None
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    agents: tuple[str, ...] = ()  # talking
    ringing: tuple[str, ...] = ()  # being offered
    calling: tuple[str, ...] = ()  # who dialled, until the other side answers
    kept_for: tuple[str, ...] = ()  # whose device was lost, and who are expected back
    legs: dict[str, str] = {}  # those on which an agent rings or talks -> the agent
    outside: tuple[str, ...] = ()  # numbers that were called, and are rung or talked to
    place: str | None = None  # where it is parked, "" if that is not known


class LiveAgent(Struct, frozen=True, kw_only=True):
    """One agent as the board shows them."""

    agent: str
    status: AgentStatus
    since: datetime
    reason: str = ""
    call_id: str | None = None
    queues: tuple[str, ...] = ()
    wrap_up_until: datetime | None = None


class LiveQueue(Struct, frozen=True, kw_only=True):
    """One queue as the board shows it. Counters run from `counted_since` (local midnight or start).

    Service level = in_time / (answered + abandoned_late); see docs/figures.md.
    """

    queue: str
    waiting: tuple[str, ...] = ()  # call ids, first is next
    offered: int = 0  # sent to it, let in or not
    answered: int = 0
    abandoned: int = 0
    abandoned_late: int = 0  # after the threshold
    turned_away: int = 0  # never let in: it was full, or nobody was there
    in_time: int = 0  # answered within the threshold
    threshold: int = 20  # seconds
    counted_since: datetime | None = None


class BoardSnapshot(Struct, frozen=True, kw_only=True):
    """Everything live, keyed by id. `stale_since` is set while the AMI link is down."""

    calls: dict[str, LiveCall] = field(default_factory=dict)
    agents: dict[str, LiveAgent] = field(default_factory=dict)
    queues: dict[str, LiveQueue] = field(default_factory=dict)
    stale_since: datetime | None = None


class EventsRefused(Fact, frozen=True, kw_only=True):
    """So many more events came that Asterisk did not write as they came: a caller forged them."""

    many: int


class CapReached(Fact, frozen=True, kw_only=True):
    """A call to the outside was not let out; `why`: the cap as the settings call it, or `night`."""

    agent: str
    why: str


class CallNotReached(Fact, frozen=True, kw_only=True):
    """Whom an agent dialled was not reached, and the agent's leg ends. Heard live alone."""

    call_id: str
    agent: str
    why: NotReached


class BoardResynced(Fact, frozen=True, kw_only=True):
    """The bridge compared itself with Asterisk: this replaces whatever a replica believed."""

    board: BoardSnapshot

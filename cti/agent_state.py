"""The legal moves of one agent: pure, from facts and news about the agent's device and queues.

What an agent does is kept as independent facts (legs that ring, legs that talk, an own pause, a
wrap-up, queues, the device); `status` is read off them by one table. So nothing is "restored"
after a call: a pause asked for while talking is simply there when the talk is over.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from cti.events import AgentChanged, AgentStatus

# Pause reasons of ours, for who let calls ring out, and who rejected the same one again and again;
# and why that is, in a word.
NOT_ANSWERING, REJECTING = "not-answering", "rejecting"
AWAY: dict[str, str] = {NOT_ANSWERING: "missed", REJECTING: "rejected"}
REMEMBERED = 50  # legs that are over, whose late facts are recognised


class Talk(Struct, frozen=True):
    """One leg an agent talks on. `queue` is where the call came from, if any."""

    call_id: str
    queue: str | None = None
    held: bool = False


class AgentState(Struct, frozen=True, kw_only=True):
    """One agent, as far as the telephone knows. Times are UTC."""

    agent: str
    since: datetime  # when `status` (or its reason or call) became what it is
    queues: tuple[str, ...] = ()  # signed in to
    reachable: bool = True  # the device is registered
    pause: str | None = None  # the agent's own pause, with its reason
    ringing: dict[str, str] = {}
    calling: dict[str, str] = {}  # legs they dial with, until the other side answers
    talking: dict[str, Talk] = {}
    kept: dict[
        str, Talk
    ] = {}  # legs that were lost in mid-call; the other side waits for a new one
    over: tuple[str, ...] = ()
    wrap_up_until: datetime | None = None
    wrap_up_call: str | None = None

    @property
    def status(self) -> AgentStatus:
        """What the agent does now."""
        return next(status for status, holds in PRECEDENCE if holds(self))

    @property
    def call_id(self) -> str | None:
        """The call the status is about."""
        if self.talking:
            return next(iter(self.talking.values())).call_id
        if self.calling:
            return next(iter(self.calling.values()))
        if self.ringing:
            return next(iter(self.ringing.values()))
        if self.kept:
            return next(iter(self.kept.values())).call_id
        return self.wrap_up_call if self.wrap_up_until is not None else None

    def part_on(self, leg: str) -> Talk | None:
        """What the agent talks on by this leg, or did until it was lost."""
        return self.talking.get(leg) or self.kept.get(leg)

    @property
    def keeps_calls_away(self) -> bool:
        """Whether no other call may ring: after-call work, or a caller who is kept for them."""
        return self.wrap_up_until is not None or bool(self.kept)

    @property
    def reason(self) -> str:
        """Why no calls come: the reason of the pause, `missed`, or `rejected`; else empty."""
        match self.status:
            case "paused":
                return self.pause or ""
            case "not_answering":
                return AWAY[self.pause or ""]
            case _:
                return ""


# The first that holds is the status.
PRECEDENCE: tuple[tuple[AgentStatus, Callable[[AgentState], bool]], ...] = (
    ("held", lambda s: bool(s.talking) and all(t.held for t in s.talking.values())),
    ("talking", lambda s: bool(s.talking)),
    ("calling", lambda s: bool(s.calling)),
    ("ringing", lambda s: bool(s.ringing)),
    ("reconnecting", lambda s: bool(s.kept)),
    ("wrap_up", lambda s: s.wrap_up_until is not None),
    ("signed_out", lambda s: not s.queues),
    ("not_answering", lambda s: s.pause in AWAY),
    ("paused", lambda s: s.pause is not None),
    ("unreachable", lambda s: not s.reachable),
    ("available", lambda _: True),
)


def offered(s: AgentState, leg: str, call_id: str) -> AgentState:
    """The device rings. A leg that talks, dials or is over does not ring any more."""
    if leg in s.over or leg in s.talking or leg in s.calling:
        return s
    return replace(s, ringing={**s.ringing, leg: call_id})


def offer_ended(s: AgentState, leg: str) -> AgentState:
    """The device rings no more, unanswered."""
    return s if leg in s.talking or leg in s.calling else _without(s, leg)


def calls(s: AgentState, leg: str, call_id: str) -> AgentState:
    """The agent dials. A wrap-up goes on meanwhile: they may reach nobody."""
    if leg in s.over or leg in s.talking or leg in s.calling:
        return s
    return replace(s, calling={**s.calling, leg: call_id})


def talks(s: AgentState, leg: str, call_id: str, queue: str | None) -> AgentState:
    """The agent took a call, or whom they called did: that ends a wrap-up, work has gone on."""
    if leg in s.over:
        return s
    known = s.talking.get(leg)
    lost = next((talk for talk in s.kept.values() if talk.call_id == call_id), None)
    came_by = queue or next((talk.queue for talk in (known, lost) if talk and talk.queue), None)
    talk = Talk(call_id, came_by, bool(known and known.held))
    return replace(
        s,
        ringing={k: v for k, v in s.ringing.items() if k != leg},
        calling={k: v for k, v in s.calling.items() if k != leg},
        talking={**s.talking, leg: talk},
        kept={k: v for k, v in s.kept.items() if v.call_id != call_id},
        wrap_up_until=None,
        wrap_up_call=None,
    )


def held(s: AgentState, leg: str, *, on: bool) -> AgentState:
    """The agent holds the other side, or took it back."""
    talk = s.talking.get(leg)
    if talk is None or talk.held is on:
        return s
    return replace(s, talking={**s.talking, leg: Talk(talk.call_id, talk.queue, on)})


def cut_off(s: AgentState, leg: str) -> AgentState:
    """The device was lost in mid-call: the call is still theirs, and comes back by another leg."""
    talk = s.talking.get(leg)
    if talk is None:
        return s
    return replace(_without(s, leg), kept={**s.kept, leg: Talk(talk.call_id, talk.queue)})


def released(s: AgentState, leg: str, at: datetime, wrap_up: float) -> AgentState:
    """The agent's part is over; `wrap_up` seconds of after-call work begin, of 0 none.

    Told twice or late it changes nothing: a wrap-up neither restarts nor ends by it.
    """
    talk = s.part_on(leg)
    s = replace(_without(s, leg), kept={k: v for k, v in s.kept.items() if k != leg})
    if talk is None or wrap_up <= 0:
        return s
    if any(other.call_id == talk.call_id for other in s.talking.values()):
        return s  # a consultation is over, the call is not
    return replace(s, wrap_up_until=at + timedelta(seconds=wrap_up), wrap_up_call=talk.call_id)


def leg_over(s: AgentState, leg: str) -> AgentState:
    """The channel is gone, however that came."""
    return _without(s, leg)


def merged(s: AgentState, call_id: str, absorbed: str) -> AgentState:
    """A call goes by another id now."""
    talks = (*s.talking.values(), *s.kept.values())
    own = (*s.ringing.values(), *s.calling.values(), *(talk.call_id for talk in talks))
    if absorbed not in own:
        return replace(s, wrap_up_call=call_id) if s.wrap_up_call == absorbed else s

    def now(one: str) -> str:
        return call_id if one == absorbed else one

    return replace(
        s,
        ringing={leg: now(call) for leg, call in s.ringing.items()},
        calling={leg: now(call) for leg, call in s.calling.items()},
        talking={k: Talk(now(t.call_id), t.queue, t.held) for k, t in s.talking.items()},
        kept={k: Talk(now(t.call_id), t.queue) for k, t in s.kept.items()},
    )


def in_queues(s: AgentState, queues: tuple[str, ...]) -> AgentState:
    """The agent is a member of these queues; of none means signed out, and the pause is over."""
    if not queues:
        return replace(s, queues=(), pause=None, wrap_up_until=None, wrap_up_call=None)
    return replace(s, queues=queues)


def paused(s: AgentState, reason: str | None) -> AgentState:
    """The agent's own pause; None: no pause. During a call it waits for the call's end."""
    return replace(s, pause=reason)


def reachable(s: AgentState, *, yes: bool) -> AgentState:
    """The device registered, or is gone."""
    return replace(s, reachable=yes)


def wraps_up(s: AgentState, until: datetime) -> AgentState:
    """A wrap-up that was on before we were (told by Asterisk's pause reason)."""
    return s if s.wrap_up_until is not None else replace(s, wrap_up_until=until)


def wrap_up_over(s: AgentState, now: datetime | None = None) -> AgentState:
    """The agent is done (`now` None), or the limit has passed."""
    if s.wrap_up_until is None or (now is not None and now < s.wrap_up_until):
        return s
    return replace(s, wrap_up_until=None, wrap_up_call=None)


def dated(before: AgentState, after: AgentState, at: datetime) -> AgentState:
    """`after`, with `since` set anew if what people see of it is another thing than before."""
    same = (before.status, before.reason, before.call_id) == (
        after.status,
        after.reason,
        after.call_id,
    )
    return after if same else replace(after, since=at)


def as_fact(s: AgentState, at: datetime, system: str) -> AgentChanged:
    """The state as everybody is told it."""
    return AgentChanged(
        at=at,
        system=system,
        agent=s.agent,
        status=s.status,
        since=s.since,
        reason=s.reason,
        call_id=s.call_id,
        queues=s.queues,
        wrap_up_until=s.wrap_up_until if s.status == "wrap_up" else None,
    )


def _without(s: AgentState, leg: str) -> AgentState:
    there = leg in s.ringing or leg in s.calling or leg in s.talking
    if leg in s.over and not there:
        return s
    return replace(
        s,
        ringing={k: v for k, v in s.ringing.items() if k != leg},
        calling={k: v for k, v in s.calling.items() if k != leg},
        talking={k: v for k, v in s.talking.items() if k != leg},
        over=(*s.over[-REMEMBERED + 1 :], leg),
    )

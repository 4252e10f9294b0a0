"""What each leg of a call did and for how long: ring, talk, hold, consultation, wait, wrap-up.

A leg *talks* while it is bridged with the customer, *consults* while it is bridged with anybody
else of the call, and *holds* while its agent has put the other side on hold. The customer of a call
that came in is its caller; of one an agent placed, whom they called; a call inside the house has
none, and all of it is talk.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from msgspec import Struct, field

from service_desk import intervals
from service_desk.intervals import Span
from service_desk.phone_number import printable

# Events of one moment come in any order: a consultation as short as that is none.
SLIVER = 0.3
SEEN = timedelta(seconds=0.1)
MOST_SPANS = 60  # of one leg; a call that is put on hold more often is a loop somewhere


class Leg(Struct, gc=False):
    """What is known of a leg while reading; `rooms`: (time, bridge, whether entered)."""

    started_at: datetime
    party: str = ""
    agent: str | None = None
    address: str = ""
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    cause: int | None = None
    ended_by: str = ""
    released: float = 0.0
    released_at: datetime | None = None
    wrapped_at: datetime | None = None
    ringing: float = 0.0
    silent: bool = False  # it rings no more
    rooms: list[tuple[datetime, str, bool]] = field(default_factory=list)
    hold: list[tuple[datetime, bool]] = field(default_factory=list)

    @property
    def is_agents(self) -> bool:
        """Whether an agent is at this leg."""
        return self.agent is not None or self.party == "agent"


Stay = tuple[datetime, datetime, str]  # from, until, bridge


class Parts(Struct, frozen=True, gc=False):
    """One leg's time, each list in order and without overlap."""

    ring: list[Span]
    talk: list[Span]
    hold: list[Span]
    consult: list[Span]
    wait: list[Span]
    wrap_up: list[Span]


def parts(
    legs: dict[str, Leg],
    customer: str | None,
    waits: list[Span],
    until: datetime | None,
    now: datetime | None = None,
) -> dict[str, Parts]:
    """The parts of every leg. `customer`: their leg; `waits` in queues; `until` the call's end;
    `now`: the call goes on, and what rings has rung until then."""
    stays = _in_company(
        {leg_id: _stays(leg, leg.ended_at or until) for leg_id, leg in legs.items()}
    )
    holds = {leg_id: _holds(leg, leg.ended_at or until) for leg_id, leg in legs.items()}
    theirs = stays.get(customer or "", [])
    held_in: dict[str, list[Span]] = {}
    company: dict[str, list[Span]] = {}  # when somebody but the customer was in a bridge
    for leg_id, each in holds.items():
        for begin, end, bridge in stays[leg_id]:
            if each:
                held_in.setdefault(bridge, []).extend(_both(each, [(begin, end)]))
            if leg_id != customer:
                company.setdefault(bridge, []).append((begin, end))
    found: dict[str, Parts] = {}
    for leg_id, leg in legs.items():
        if leg_id == customer:
            found[leg_id] = _customers(leg, theirs, held_in, waits, now)
            continue
        spoken, with_them = intervals.union((b, e) for b, e, _ in stays[leg_id]), list[Span]()
        for begin, end, bridge in stays[leg_id]:
            for their_begin, their_end, theirs_is in theirs:
                both = [(max(begin, their_begin), min(end, their_end))]
                if both[0][0] >= both[0][1]:
                    continue
                if theirs_is != bridge:
                    # With nobody beside them the customer is joined with who is elsewhere, by a
                    # Local channel; with somebody there, who is elsewhere talks without them.
                    both = intervals.minus(both, intervals.union(company.get(theirs_is, [])))
                with_them += both
        if not spoken and leg.released > 0 and leg.answered_at is not None:
            # No bridge was seen: what the telephone said when the agent's part was over.
            spoken = [(leg.answered_at, leg.answered_at + timedelta(seconds=leg.released))]
            with_them = spoken
        consult = (
            [span for span in intervals.minus(spoken, intervals.union(with_them)) if _long(span)]
            if customer is not None
            else []
        )
        hold = intervals.minus(holds[leg_id], consult)
        found[leg_id] = Parts(
            ring=_ring(leg, now),
            talk=intervals.minus(intervals.minus(spoken, consult), hold),
            hold=hold,
            consult=consult,
            wait=[],
            wrap_up=_wrap_up(leg),
        )
    return found


def row(leg: Leg, own: Parts) -> dict[str, Any]:
    """The row of a leg by column name; `spans` in seconds from the leg's start, for the picture."""
    spans = [
        [kind, _since(leg, begin), _since(leg, end)]
        for kind in Parts.__struct_fields__
        if (those := getattr(own, kind))
        for begin, end in _joined(those)
    ]
    if len(spans) > 1:
        spans.sort(key=lambda span: (span[1], span[2]))
    return {
        "party": leg.party or "external",
        "agent": leg.agent,
        "address": printable(leg.address, 120),
        "started_at": leg.started_at,
        "answered_at": leg.answered_at,
        "ended_at": leg.ended_at,
        "ringing": leg.ringing,
        "talked": intervals.length(own.talk),
        "held": intervals.length(own.hold),
        "consulted": intervals.length(own.consult),
        "wrapped_up": intervals.length(own.wrap_up) if leg.wrapped_at is not None else None,
        "cause": leg.cause,
        "ended_by": leg.ended_by or None,
        "spans": spans[:MOST_SPANS],
    }


def _customers(
    leg: Leg,
    stays: list[Stay],
    held_in: dict[str, list[Span]],
    waits: list[Span],
    now: datetime | None,
) -> Parts:
    spoken = intervals.union((begin, end) for begin, end, _ in stays)
    held = intervals.union(
        span
        for begin, end, bridge in stays
        for span in _both(held_in.get(bridge, []), [(begin, end)])
    )
    # Between two talks nobody was with them: parked, or a colleague's device rang.
    between = [(spoken[0][0], spoken[-1][1])] if spoken else []
    return Parts(
        ring=_ring(leg, now),
        talk=intervals.minus(spoken, held),
        hold=held,
        consult=[],
        wait=intervals.minus(intervals.union([*waits, *between]), spoken),
        wrap_up=[],
    )


def _stays(leg: Leg, until: datetime | None) -> list[Stay]:
    """Where the leg was and when; one still open at the end runs to `until`."""
    found: list[Stay] = []
    here: tuple[datetime, str] | None = None
    for at, bridge, enters in leg.rooms:
        # What leaves a bridge it is not in any more is old news.
        if here is not None and (here[1] != bridge if enters else here[1] == bridge):
            found.append((here[0], at, here[1]))
            here = None
        if enters and here is None:
            here = at, bridge
    if here is not None and until is not None and until > here[0]:
        found.append((here[0], until, here[1]))
    return found


def _in_company(stays: dict[str, list[Stay]]) -> dict[str, list[Stay]]:
    """The same without the time when nobody else of the call was in any bridge: beside a Local
    channel that led to nobody yet."""
    if (
        sum(map(bool, stays.values())) > 1
        and len({s[2] for own in stays.values() for s in own}) == 1
    ):
        return stays
    there: dict[str, set[str]] = {}
    for leg_id, own in stays.items():
        for _, _, bridge in own:
            there.setdefault(bridge, set()).add(leg_id)
    if all(len(each) > 1 for each in there.values()):
        return stays
    found: dict[str, list[Stay]] = {}
    for leg_id, own in stays.items():
        others = [
            (b, e) for other, theirs in stays.items() if other != leg_id for b, e, _ in theirs
        ]
        found[leg_id] = [
            (begin, end, stay[2])
            for stay in own
            for begin, end in ([stay[:2]] if len(there[stay[2]]) > 1 else _both([stay[:2]], others))
        ]
    return found


def _holds(leg: Leg, until: datetime | None) -> list[Span]:
    """When the leg held the other side. Who goes to another bridge holds there nobody any more:
    a transfer by star code begins with a hold and knows no end of it."""
    if not leg.hold:
        return []
    entered = [(at, bridge) for at, bridge, enters in leg.rooms if enters]
    moves = [(at, False) for (_, before), (at, bridge) in pairwise(entered) if bridge != before]
    return intervals.spans(sorted([*leg.hold, *moves], key=lambda mark: mark[0]), until)


def _ring(leg: Leg, now: datetime | None) -> list[Span]:
    over = leg.answered_at or leg.ended_at or now
    if leg.party == "external" and leg.rang_at is None:  # whom we called
        return [(leg.started_at, over)] if over is not None and over > leg.started_at else []
    if leg.rang_at is None:
        return []
    if over is not None and over is now and now > leg.rang_at:  # it rings
        return [(leg.rang_at, now)]
    if leg.ringing <= 0:
        return []
    return [(leg.rang_at, leg.rang_at + timedelta(seconds=leg.ringing))]


def _wrap_up(leg: Leg) -> list[Span]:
    if leg.released_at is None or leg.wrapped_at is None or leg.wrapped_at <= leg.released_at:
        return []
    return [(leg.released_at, leg.wrapped_at)]


def _joined(parts: list[Span]) -> list[Span]:
    """For a picture: a gap that nobody sees is none, nor is a part as short."""
    if len(parts) == 1:
        return parts if parts[0][1] - parts[0][0] >= SEEN else []
    found: list[Span] = []
    for begin, end in parts:
        if found and begin - found[-1][1] < SEEN:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return [(begin, end) for begin, end in found if end - begin >= SEEN]


def _both(these: list[Span], those: list[Span]) -> list[Span]:
    """What lies in both; `those` may overlap."""
    if not these or not those:
        return []
    cut = intervals.union(those)
    return intervals.minus(these, intervals.minus(these, cut))


def _long(span: Span) -> bool:
    return (span[1] - span[0]).total_seconds() >= SLIVER


def _since(leg: Leg, at: datetime) -> float:
    return round((at - leg.started_at).total_seconds(), 3)

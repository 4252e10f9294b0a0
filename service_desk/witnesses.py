"""Two witnesses of one call: what was heard live (AMI) and what Asterisk wrote down (CEL).

Each thing is told once. Live knows more (hold, positions, why a device rang no more), the journal
misses nothing: it fills the gaps, and corrects what live could only guess after a gap (the end of a
leg that vanished while nobody listened, the order of what came in another order than it happened).
Where both tell the same thing within `SAME` the live word stands, so that a call that was heard
from beginning to end does not change when the journal comes.

Pure, and a function of the set of facts: in whichever order the two came, the outcome is one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import structs

from cti import events as cti

SAME = timedelta(seconds=1.5)
CLOSE = timedelta(seconds=0.1)  # who talked with whom, and for how long: the records are exact
_PEOPLE = ("caller", "agent", "external", "transferred")  # whose doing an end can be

Facts = list[cti.CallFact]
Choose = Callable[[Any, Any], cti.CallFact]


def agreed(facts: Sequence[cti.CallFact]) -> Facts:
    """Facts in order of time -> the same with each thing told once, not in order any more."""
    journal = [fact for fact in facts if fact.journal]
    if not journal or len(journal) == len(facts):
        return list(facts)
    live = _aware([fact for fact in facts if not fact.journal], journal)
    begun = {fact.leg_id for fact in journal if isinstance(fact, cti.LegStarted)}
    whole = begun & {fact.leg_id for fact in journal if isinstance(fact, cti.LegEnded)}
    mixed = _mixed_up(live)
    over = any(isinstance(fact, cti.CallEnded) for fact in journal)
    told: Facts = []
    for key, (heard, written) in _pairs(live, journal).items():
        kind = key[0]
        if kind in _BRIDGE and key[1] in whole:
            told += heard if key[1] not in mixed and _alike(heard, written) else written
        elif kind in _ONCE:
            told += _once(_addressed(heard), written, _CHOOSE.get(kind, _live))
        elif kind is cti.CallLeftQueue and over:
            told += _in_turn(heard, written, _left_queue)
        else:
            told += _each(heard, written, _CHOOSE.get(kind, _live))
    return _without_guesses(told)


def _aware(live: Facts, journal: Facts) -> Facts:
    """Back after a gap, live takes a device that was lost meanwhile for one that was released, and
    its way back for a new ring: not so where the records, read beyond it, saw the loss."""
    seen = {fact.leg_id for fact in live if isinstance(fact, cti.CallCutOff)}
    lost = [each for each in journal if isinstance(each, cti.CallCutOff) if each.leg_id not in seen]
    if not lost:
        return live
    legs = {fact.leg_id for fact in lost}
    since = {fact.agent: fact.at for fact in reversed(lost)}
    until = max(fact.at for fact in journal)
    begun = {fact.leg_id for fact in journal if isinstance(fact, cti.LegStarted)}
    rung = begun - {fact.leg_id for fact in journal if isinstance(fact, cti.CallOffered)}

    def guessed(fact: cti.CallFact) -> bool:
        if isinstance(fact, cti.CallReleased):
            return fact.leg_id in legs and fact.at <= until
        if isinstance(fact, cti.CallOffered | cti.CallOfferEnded):
            return fact.leg_id in rung and fact.at > since.get(fact.agent, fact.at)
        return False

    return [fact for fact in live if not guessed(fact)]


def adds_nothing(known: Iterable[cti.CallFact], new: Iterable[cti.CallFact]) -> bool:
    """Whether the journal's facts only repeat what was heard live and is committed.

    Most calls are heard from beginning to end: their second telling need not be folded, nor kept.
    Where some of it was kept all of it is: of a leg the journal has everything, or not its start.
    """
    old = list(known)
    if not old:
        return False
    if any(fact.journal for fact in old) or not all(fact.journal for fact in new):
        return False
    old.sort(key=_when)
    return set(agreed(sorted([*old, *new], key=_when))) == set(old)


def _when(fact: cti.CallFact) -> datetime:
    return fact.at


def _pairs(live: Iterable[cti.CallFact], journal: Iterable[cti.CallFact]) -> dict[Any, Any]:
    """By what they are about: what was heard, what was written."""
    found: dict[tuple[Any, ...], tuple[Facts, Facts]] = {}
    for place, facts in enumerate((live, journal)):
        for fact in facts:
            kind = type(fact)
            about = _ABOUT.get(kind, _itself)(fact)
            found.setdefault((kind, *about), ([], []))[place].append(fact)
    return found


def _alike(heard: Facts, written: Facts) -> bool:
    return len(heard) == len(written) and all(
        abs(one.at - other.at) <= CLOSE for one, other in zip(heard, written, strict=True)
    )


def _mixed_up(live: Iterable[cti.CallFact]) -> set[str]:
    """Legs that enter a bridge and are in one, or leave one they are not in: told out of order."""
    within: dict[str, str] = {}
    found: set[str] = set()
    for fact in live:
        if isinstance(fact, cti.LegJoined):
            if fact.leg_id in within:
                found.add(fact.leg_id)
            within[fact.leg_id] = fact.bridge_id
        elif isinstance(fact, cti.LegParted) and within.pop(fact.leg_id, "") != fact.bridge_id:
            found.add(fact.leg_id)
    return found


def _once(heard: Facts, written: Facts, choose: Choose) -> Facts:
    """What happens once to a leg: far apart in time, the journal knows when it was. Nobody hears of
    a beginning before it is: where the journal is later, its record of it was lost."""
    if not heard or not written:
        return heard[:1] or written[:1]
    one, other = heard[0], written[0]
    near = abs(one.at - other.at) <= SAME or (isinstance(one, _BEGINS) and one.at < other.at)
    return [choose(one, other) if near else _written(one, other)]


def _addressed(heard: Facts) -> Facts:
    """A leg outside is told again when what was dialled to reach it is known."""
    if len(heard) < 2 or not isinstance(heard[0], cti.LegStarted):
        return heard
    known = (fact.address for fact in heard if isinstance(fact, cti.LegStarted))
    return [structs.replace(heard[0], address=next((each for each in known if each), ""))]


def _in_turn(heard: Facts, written: Facts, choose: Choose) -> Facts:
    """Stays in one queue: as many by both are the same ones, whenever each was said to end."""
    if len(heard) != len(written):
        return _each(heard, written, choose)
    pairs = zip(heard, written, strict=True)
    return [told for one, other in pairs for told in _once([one], [other], choose)]


def _each(heard: Facts, written: Facts, choose: Choose) -> Facts:
    """What may happen again: the nearest in time belong together."""
    told: Facts = []
    left = heard[:]
    for fact in written:
        same = next((other for other in left if abs(other.at - fact.at) <= SAME), None)
        if same is None:
            told.append(fact)
        else:
            left.remove(same)
            told.append(choose(same, fact))
    return told + left


def _without_guesses(facts: Facts) -> Facts:
    """An end that was only guessed does not stand beside one that was seen."""
    if any(isinstance(fact, cti.CallEnded) and fact.journal and not fact.lost for fact in facts):
        return [fact for fact in facts if not (isinstance(fact, cti.CallEnded) and fact.lost)]
    return facts


# Which of two tellings of one thing counts


def _live(heard: cti.CallFact, _written: cti.CallFact) -> cti.CallFact:
    return heard


def _written(heard: cti.CallFact, written: cti.CallFact) -> cti.CallFact:
    """The journal's, with what only live can know of it."""
    if isinstance(heard, cti.CallArrived) and isinstance(written, cti.CallArrived):
        return structs.replace(written, dialed=written.dialed or heard.dialed)
    if isinstance(heard, cti.CallOfferEnded) and isinstance(written, cti.CallOfferEnded):
        return structs.replace(_offer_end(heard, written), at=written.at)
    if isinstance(written, cti.LegEnded) and written.by in ("unknown", "asterisk"):
        return heard  # no record told it: Asterisk was found to have no such channel
    return written


def _leg_end(heard: cti.LegEnded, written: cti.LegEnded) -> cti.CallFact:
    told = written if written.cause and not heard.cause else heard
    # Live, whose doing it was may be told only after the end; the records name the channel.
    if written.by == "asterisk":
        by = written.by if heard.by == "unknown" else heard.by
        return structs.replace(told, by=by)
    if written.by in _PEOPLE or (heard.by in ("", "unknown") and written.by not in ("", "unknown")):
        return structs.replace(told, by=written.by)
    return structs.replace(told, by=heard.by)


# What live was told late, or of one channel before the other, it understood as far as it could. The
# records are read in one order.


def _arrived(heard: cti.CallArrived, written: cti.CallArrived) -> cti.CallFact:
    """Without a number dialled nobody knows from the records where a call goes."""
    if not written.dialed:
        return heard
    return structs.replace(heard, direction=written.direction, dialed=written.dialed)


def _started(heard: cti.LegStarted, written: cti.LegStarted) -> cti.CallFact:
    if heard.party == written.party:
        return heard
    address = written.address or heard.address
    return structs.replace(heard, party=written.party, agent=written.agent, address=address)


def _offered(heard: cti.CallOffered, written: cti.CallOffered) -> cti.CallFact:
    return structs.replace(heard, queue=heard.queue or written.queue)


def _offer_end(heard: cti.CallOfferEnded, written: cti.CallOfferEnded) -> cti.CallFact:
    """A device that nobody answered, or that was refused, rings no more for that reason."""
    if heard.reason == "withdrawn" or (heard.reason, written.reason) == ("no_answer", "rejected"):
        return structs.replace(heard, reason=written.reason)
    return heard


def _call_end(heard: cti.CallEnded, written: cti.CallEnded) -> cti.CallFact:
    """Who hung up is in the records, unless it was done by command or by the dialplan."""
    if heard.lost and not written.lost:
        return written
    if written.by == "asterisk" and not heard.lost:
        return heard
    by = written.by if written.by in ("asterisk", *_PEOPLE) else heard.by
    return structs.replace(heard, by=by, cause=written.cause or heard.cause)


def _left_queue(heard: cti.CallLeftQueue, written: cti.CallLeftQueue) -> cti.CallFact:
    if heard.reason == "unknown" or (written.reason == "answered" and heard.reason != "answered"):
        return written
    return heard


def _answered(heard: cti.CallAnswered, written: cti.CallAnswered) -> cti.CallFact:
    return written if heard.queue is None and written.queue is not None else heard


def _leg(fact: Any) -> tuple[Hashable, ...]:
    return (fact.leg_id,)


def _queue(fact: Any) -> tuple[Hashable, ...]:
    return (fact.queue,)


def _itself(fact: Any) -> tuple[Hashable, ...]:
    """Of a kind that only one of the two tells."""
    return (fact,)


def _file(fact: Any) -> tuple[Hashable, ...]:
    return (fact.file,)


_ABOUT: dict[type[Any], Callable[[Any], tuple[Hashable, ...]]] = {
    cti.CallArrived: _leg,
    cti.CallMerged: lambda fact: (frozenset((fact.call_id, fact.absorbed)),),
    cti.LegStarted: _leg,
    cti.LegJoined: _leg,
    cti.LegParted: _leg,
    cti.LegHeld: _leg,
    cti.LegResumed: _leg,
    cti.LegEnded: _leg,
    cti.CallQueued: _queue,
    cti.CallLeftQueue: _queue,
    cti.CallOffered: _leg,
    cti.CallOfferEnded: _leg,
    cti.CallAnswered: _leg,
    cti.CallReleased: _leg,
    cti.CallCutOff: _leg,
    cti.CallTransferred: lambda fact: (fact.kind, fact.by),
    cti.CallEnded: lambda fact: (fact.call_id,),
    cti.RecordingStarted: _file,
    cti.RecordingStopped: _file,
}
_BEGINS = (cti.CallArrived, cti.LegStarted, cti.CallOffered)
_BRIDGE = frozenset({cti.LegJoined, cti.LegParted})
_ONCE = frozenset(
    {
        cti.CallArrived,
        cti.CallMerged,
        cti.LegStarted,
        cti.LegEnded,
        cti.CallOffered,
        cti.CallOfferEnded,
        cti.CallAnswered,
        cti.CallReleased,
        cti.CallCutOff,
        cti.RecordingStarted,
        cti.RecordingStopped,
    }
)
_CHOOSE: dict[type[Any], Choose] = {
    cti.CallArrived: _arrived,
    cti.LegStarted: _started,
    cti.CallOffered: _offered,
    cti.CallOfferEnded: _offer_end,
    cti.LegEnded: _leg_end,
    cti.CallEnded: _call_end,
    cti.CallLeftQueue: _left_queue,
    cti.CallAnswered: _answered,
}

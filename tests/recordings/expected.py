"""What each recorded call is: one conversation, written out by hand from what the people did.

Read it beside `kinds.py`. Times are seconds, true within `WITHIN`; the agents' telephones ring for
one second, and who talks does it for two or three. What is not said is zero, none or nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, field

WITHIN = 0.7  # T is one second: telephones and a busy machine take their time


@dataclass(frozen=True)
class Leg:
    """One telephone. `who`: an agent, `caller`, or the outside number; `by`: who ended it."""

    who: str
    by: str
    ring: float = 0
    talk: float = 0
    hold: float = 0
    consult: float = 0
    wait: float = 0
    cause: int = 16


@dataclass(frozen=True)
class Visit:
    """A stay in a queue, and how it ended."""

    queue: str
    reason: str
    waited: float
    agent: str | None = None


@dataclass(frozen=True)
class Call:
    """One conversation. `aliases`: of how many channels; `by`: who hung up."""

    outcome: str
    by: str
    legs: tuple[Leg, ...]
    direction: str = "inbound"
    dialed: str = "2000"
    cause: int = 16
    waited: float | None = 1
    talked: float | None = None
    held: float | None = 0
    visits: tuple[Visit, ...] = ()
    transfers: tuple[tuple[str, str, str], ...] = ()  # kind, by, to
    recordings: int = 1
    case: bool = True
    merged: int = 0  # ids that Asterisk had for other calls at first
    agents: tuple[str, ...] = field(default=("ava",))


OUTSIDE = "+4930111222"
SUPPORT = Visit("support", "answered", 1, "ava")
# Ava before a transfer that she leaves by: rang 1, talked 2.
FIRST = Leg("ava", "transferred", ring=1, talk=2)
# Ben after it: rang 1, talked 3, the caller hung up.
THEN = Leg("ben", "caller", ring=1, talk=3)
BOTH = ("ava", "ben")


def _blind(to: str, caller: Leg, last: Leg = THEN, **more: object) -> Call:
    values = {
        "talked": 5,
        "visits": (SUPPORT,),
        "agents": BOTH,
        "by": "caller",
        "legs": (caller, FIRST, last),
        "transfers": (("blind", "ava", to),),
    }
    return Call(outcome="answered", **{**values, **more})


EXPECTED: dict[str, Call] = {
    "answered": Call(
        "answered",
        "caller",
        (Leg("caller", "caller", talk=2, wait=1), Leg("ava", "caller", ring=1, talk=2)),
        talked=2,
        visits=(SUPPORT,),
    ),
    "agent_hangs_up": Call(
        "answered",
        "agent",
        (Leg("caller", "agent", talk=2, wait=1), Leg("ava", "agent", ring=1, talk=2)),
        talked=2,
        visits=(SUPPORT,),
    ),
    # The 0.7 s before a page that went is rung again are a wait like the ring that follows.
    "refreshed": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, wait=2.7),
            Leg("ava", "system", ring=1, talk=2, cause=27),
            Leg("ava", "caller", talk=3),
        ),
        talked=5,
        visits=(SUPPORT,),
    ),
    # 21 stays on the caller's channel from the leg that was rejected; Asterisk tells it at the end.
    "lost_to_the_queue": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, wait=3.7, cause=21),
            Leg("ava", "system", ring=1, talk=2, cause=27),
            Leg("ava", "agent", cause=21),
            Leg("ava", "agent", cause=17),
            Leg("ben", "caller", ring=1, talk=3, cause=21),
        ),
        dialed="2003",
        cause=21,
        waited=2,
        talked=5,
        visits=(Visit("two", "answered", 1, "ava"), Visit("two", "answered", 1, "ben")),
        agents=BOTH,
    ),
    "abandoned": Call(
        "abandoned",
        "caller",
        (Leg("caller", "caller", wait=2, cause=0), Leg("ava", "caller", ring=2, cause=0)),
        cause=0,
        waited=2,
        held=None,
        visits=(Visit("support", "abandoned", 2),),
        agents=(),
    ),
    "ring_all": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=2, wait=1),
            Leg("ben", "system", ring=1, cause=26),
            Leg("ava", "caller", ring=1, talk=2),
        ),
        dialed="2001",
        talked=2,
        visits=(Visit("everyone", "answered", 1, "ava"),),
    ),
    "rejected": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=3, wait=2),
            Leg("ava", "agent", ring=1, cause=17),
            THEN,
        ),
        waited=2,
        talked=3,
        visits=(Visit("support", "answered", 2, "ben"),),
        agents=("ben",),
    ),
    "second_agent": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=2, wait=7),
            Leg("ava", "system", ring=5, cause=0),
            Leg("ben", "caller", ring=1, talk=2),
        ),
        dialed="2003",
        waited=7,
        talked=2,
        visits=(Visit("two", "answered", 7, "ben"),),
        agents=("ben",),
    ),
    "hold": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=3, hold=2, wait=1),
            Leg("ava", "caller", ring=1, talk=3, hold=2),
        ),
        talked=3,
        held=2,
        visits=(SUPPORT,),
    ),
    "menu_only": Call(
        "menu",
        "system",
        (Leg("caller", "system"),),
        dialed="1000",
        waited=None,
        held=None,
        recordings=0,
        agents=(),
    ),
    "message": Call(
        "menu",
        "caller",
        (Leg("caller", "caller", cause=0),),
        dialed="3000",
        cause=0,
        waited=None,
        held=None,
        recordings=0,  # the menu tells the desk itself of its message
        agents=(),
    ),
    "queue_timeout": Call(
        "abandoned",
        "system",
        (
            Leg("caller", "system", wait=10),
            Leg("ava", "system", ring=5, cause=0),
            Leg("ben", "system", ring=5, cause=0),
            Leg("ava", "system", ring=5, cause=0),
        ),
        dialed="2005",
        waited=10,
        held=None,
        visits=(Visit("two", "timeout", 5), Visit("everyone", "timeout", 5)),
        recordings=0,
        agents=(),
    ),
    "turned_away": Call(
        "abandoned",
        "system",
        (Leg("caller", "system"),),
        dialed="2008",
        waited=0,
        held=None,
        visits=(Visit("nobody", "closed", 0),),
        recordings=0,
        agents=(),
    ),
    "overflow": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=3, wait=6),
            Leg("ava", "system", ring=5, cause=0),
            THEN,
        ),
        dialed="2004",
        waited=6,
        talked=3,
        visits=(Visit("brief", "timeout", 5), Visit("single", "answered", 1, "ben")),
        agents=("ben",),
    ),
    "blind_to_agent": _blind("102", Leg("caller", "caller", talk=5, wait=2)),
    "blind_to_queue": _blind(
        "q-single",
        Leg("caller", "caller", talk=5, wait=2),
        waited=2,
        visits=(SUPPORT, Visit("single", "answered", 1, "ben")),
    ),
    "via_local": _blind("112", Leg("caller", "caller", talk=5, wait=2)),
    "refer_to_agent": _blind("102", Leg("caller", "caller", talk=5, wait=2)),
    "refer_to_outside": _blind(
        OUTSIDE,
        Leg("caller", "external", talk=5, wait=2),
        Leg(OUTSIDE, "external", ring=1, talk=3),
        by="external",
        talked=2,  # of agents: what the caller says to the outside is not theirs
        agents=("ava",),
    ),
    "attended": Call(
        "answered",
        "caller",
        (
            # The star code's own dialling is hold; while she consults, the caller waits alone.
            Leg("caller", "caller", talk=5, hold=1, wait=4.2),
            Leg("ava", "transferred", ring=1, talk=2, hold=1, consult=2),
            Leg("ben", "caller", ring=1, talk=3, consult=2),
        ),
        dialed="2006",
        talked=5,
        held=1,
        visits=(SUPPORT,),
        transfers=(("attended", "ava", "102"),),
        agents=BOTH,
    ),
    "attended_to_agent": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, hold=3.3, wait=1),
            Leg("ava", "transferred", ring=1, talk=2, hold=3.3),
            Leg("ava", "transferred", consult=2),
            Leg("ben", "caller", ring=1, talk=3, consult=2),
        ),
        talked=5,
        held=3.3,
        visits=(SUPPORT,),
        transfers=(("attended", "ava", "102"),),
        agents=BOTH,
        merged=1,
    ),
    "attended_to_queue": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, hold=3.3, wait=1),
            Leg("ava", "transferred", ring=1, talk=2, hold=3.3),
            Leg("ava", "transferred", consult=2),
            Leg("ben", "caller", ring=1, talk=3, consult=2),
        ),
        waited=2,
        talked=5,
        held=3.3,
        visits=(SUPPORT, Visit("single", "answered", 1, "ben")),
        transfers=(("attended", "ava", "102"),),
        recordings=2,  # the caller's, and that of the consultation
        agents=BOTH,
        merged=1,
    ),
    "attended_to_waiting": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, hold=1.3, wait=2),
            Leg("ava", "transferred", ring=1, talk=2, hold=1.3),
            Leg("ava", "transferred"),
            Leg("ben", "caller", ring=2, talk=3),
        ),
        waited=3,
        talked=5,
        held=1.3,
        visits=(SUPPORT, Visit("single", "answered", 2, "ben")),
        transfers=(("attended", "ava", "q-single"),),
        recordings=2,
        agents=BOTH,
        merged=1,
    ),
    "attended_to_outside": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, hold=3.3, wait=1),
            Leg("ava", "transferred", ring=1, talk=2, hold=3.3),
            Leg("ava", "transferred", consult=2),
            Leg(OUTSIDE, "caller", ring=1, talk=3, consult=2),
        ),
        talked=2,
        held=3.3,
        visits=(SUPPORT,),
        transfers=(("attended", "ava", OUTSIDE),),
        merged=1,
    ),
    "consulted": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=5, hold=3.3, wait=1),
            Leg("ava", "caller", ring=1, talk=5, hold=3.3),
            Leg("ava", "agent", consult=2),
            Leg("ben", "agent", ring=1, consult=2),
        ),
        talked=5,
        held=3.3,
        visits=(SUPPORT,),
        agents=BOTH,
        merged=1,
    ),
    "pickup": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=3, wait=1),
            Leg("ava", "system", ring=1),
            Leg("ben", "caller", talk=3),
        ),
        talked=3,
        visits=(Visit("support", "answered", 1, "ben"),),
        agents=("ben",),
        merged=1,
    ),
    "parked": Call(
        "answered",
        "caller",
        (
            # Parked until the colleague fetches them: for what her telephone takes to leave, and 2.
            Leg("caller", "caller", talk=5, wait=5.6),
            FIRST,
            Leg("ben", "caller", talk=3),
        ),
        talked=5,
        visits=(SUPPORT,),
        transfers=(("blind", "ava", "700"),),
        agents=BOTH,
        merged=1,
    ),
    "conference": Call(
        "answered",
        "caller",
        (
            Leg("caller", "caller", talk=9, wait=1),
            Leg("ava", "agent", ring=1, talk=7),
            Leg("ben", "agent", talk=5),  # the caller has gone: he hangs up for himself
        ),
        talked=9,
        visits=(SUPPORT,),
        agents=BOTH,
        merged=1,
    ),
    "local_agents": Call(
        "answered",
        "caller",
        (Leg("caller", "caller", talk=3, wait=1), THEN),
        dialed="2007",
        talked=3,
        visits=(Visit("locals", "answered", 1, "ben"),),
        agents=("ben",),
    ),
    "internal": Call(
        "answered",
        "agent",
        (Leg("ava", "agent", talk=2), Leg("ben", "agent", ring=1, talk=2)),
        direction="internal",
        dialed="102",
        waited=None,
        talked=2,
        recordings=0,
        case=False,
        agents=BOTH,
    ),
    "internal_abandoned": Call(
        "failed",
        "agent",
        (Leg("ava", "agent", cause=127), Leg("ben", "agent", ring=2, cause=127)),
        cause=127,
        direction="internal",
        dialed="102",
        waited=None,
        talked=None,
        held=None,
        recordings=0,
        case=False,
        agents=("ava",),
    ),
    "outbound": Call(
        "answered",
        "agent",
        (Leg("ava", "agent", talk=2), Leg(OUTSIDE, "agent", ring=1, talk=2)),
        direction="outbound",
        dialed=OUTSIDE,
        waited=None,
        talked=2,
        recordings=0,
    ),
    "originate": Call(
        "answered",
        "agent",
        (Leg("ava", "agent", talk=2), Leg(OUTSIDE, "agent", ring=1, talk=2)),
        direction="outbound",
        dialed="",  # the bridge knows what it asked for; Asterisk's first event does not
        waited=None,
        talked=2,
        recordings=0,
    ),
    "callback": Call(
        "answered",
        "caller",
        (Leg("ava", "caller", talk=2), Leg(OUTSIDE, "caller", ring=1, talk=2)),
        direction="outbound",
        dialed="",
        waited=None,
        talked=2,
        recordings=0,
    ),
    # What somebody else's program dials for an agent it does not tell; two seconds it rings there.
    "originate_internal": Call(
        "answered",
        "agent",
        (Leg("ava", "agent", talk=2), Leg("ben", "agent", ring=2, talk=2)),
        direction="internal",
        dialed="",
        waited=None,
        talked=2,
        recordings=0,
        case=False,
        agents=BOTH,
    ),
    "originate_local": Call(
        "answered",
        "caller",
        (Leg("ava", "caller", talk=2), Leg(OUTSIDE, "caller", ring=2, talk=2)),
        direction="outbound",
        dialed="",
        waited=None,
        talked=2,
        recordings=0,
    ),
    "originate_local_internal": Call(
        "answered",
        "agent",
        (Leg("ava", "agent", talk=2), Leg("ben", "agent", ring=2, talk=2)),
        direction="internal",
        dialed="",
        waited=None,
        talked=2,
        recordings=0,
        case=False,
        agents=BOTH,
    ),
}

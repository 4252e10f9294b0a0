"""A caller whose agent's device was lost in mid-call: kept for that agent, by the dialplan.

Who hangs up means it. A device is *lost* when the page was loaded anew, the tab crashed or the
network went; what tells the two apart is the cause with which the agent's leg ends. The dialplan
(`ringdesk-parted` in extensions.conf.j2) decides by the same causes, with nobody's help.
"""

from __future__ import annotations

from datetime import datetime

from cti import events as e
from cti.interpret.legs import Call, Kept, Leg
from cti.interpret.world import Facts, World

# Q.850: 27 is what our page says when it goes in mid-call (static/core/softphone.ts); 44 is
# Asterisk's own word for a leg whose sound has stopped (rtp_timeout); 38, 41 and 102 are a network
# that failed.
LOST_CAUSES = frozenset({27, 38, 41, 44, 102})


def cut_off(world: World, out: Facts, at: datetime, leg: Leg, cause: int) -> None:
    """An agent's leg ends, out of its bridge: if it was lost, the party left alone is kept."""
    call = leg.call
    if cause not in LOST_CAUSES or leg.agent is None or call.waiting is not None:
        return
    if not leg.answered or leg.released or leg.handed_on:
        return
    others = [o for o in call.legs.values() if o is not leg and not o.is_local and not o.hanging_up]
    if not others or any(other.joined_at is not None for other in others):
        return  # nobody is left, or they talk without this agent
    call.kept = Kept(leg.agent, leg.id, round(leg.talked, 3))
    # Nobody hung up, and the records' later word on who did is this leg's.
    leg.released, leg.hanging_up = True, False
    call.by, call.by_leg = None, ""
    for other in others:
        other.left_by = None
    out.append(
        e.CallCutOff(
            **world.about(at, call.id), agent=leg.agent, leg_id=leg.id, talked=call.kept.talked
        )
    )


def is_back(leg: Leg) -> bool:
    """Whether this leg is the way back of the agent for whom its call is kept."""
    return leg.call.kept is not None and leg.call.kept.agent == leg.agent


def let_go(world: World, out: Facts, at: datetime, call: Call) -> None:
    """The agent did not come back: their part was over when the device was lost."""
    kept, call.kept = call.kept, None
    if kept is not None:
        about = world.about(at, call.id)
        out.append(
            e.CallReleased(**about, agent=kept.agent, leg_id=kept.leg_id, talked=kept.talked)
        )

"""A caller whose agent's device was lost in mid-call: kept for that agent, by the dialplan.

Who hangs up means it. A device is *lost* when the page was loaded anew, the tab crashed or the network
went; what tells the two apart is the cause with which the agent's leg ends. The dialplan
(`ringdesk-parted` in extensions.conf.j2) decides by the same causes, with nobody's help.
"""

from __future__ import annotations

# Q.850: 27 is what our page says when it goes in mid-call (static/core/softphone.ts); 44 is Asterisk's
# own word for a leg whose sound has stopped (rtp_timeout); 38, 41 and 102 are a network that failed.
LOST_CAUSES = frozenset({27, 38, 41, 44, 102})

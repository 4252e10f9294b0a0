"""Whether Asterisk wrote an event, or somebody on the telephone had it written.

Asterisk decodes `%0d%0a` in the user part of a SIP address and writes it as it is into the events
of that channel: a caller can end a line, begin headers of their own, even end the event and begin
another one. What they cannot know is Asterisk's own name with the mark of its start
(`systemname`): it heads each event, and each channel's id begins with it. So an event is genuine
that carries the name where Asterisk puts it, whose ids all begin with it, and none of whose
headers comes twice. The items of a list carry no name: they are known by the id of our own
question, which nobody can guess either.
"""

from __future__ import annotations

import re
from typing import Final

from cti.ami.wire import Message

# Headers that Asterisk itself repeats in one message.
REPEATED: Final = frozenset({"ChanVariable", "DestChanVariable", "Variable", "Output"})
HEAD: Final = 240  # characters within which the name must stand: before anything a caller chooses
_NAMES: Final = re.compile(r"\n([^:\r\n]*)")


class Genuine:
    """The judge of one connection; `mark` is Asterisk's name as it told us."""

    def __init__(self, mark: str) -> None:
        self.mark = mark
        self._named = f"\r\nSystemName: {mark}\r\n"
        # An id of a channel that is not there is empty; those of bridges are Asterisk's own random.
        self._foreign = re.compile(
            r"\n(?!\w*Bridge)\w*(?:Uniqueid|Linkedid): (?!" + re.escape(mark) + r"-|\r|\Z)"
        )

    def event(self, message: Message) -> bool:
        """An event that nobody asked for."""
        return message.text.find(self._named, 0, HEAD) >= 0 and self.item(message)

    def item(self, message: Message) -> bool:
        """An item of a list that we asked for."""
        text = message.text
        names = _NAMES.findall(text)
        if len(names) != len(set(names)):
            once = [name for name in names if name not in REPEATED and "(" not in name]
            if len(once) != len(set(once)):
                return False
        return self._foreign.search(text) is None

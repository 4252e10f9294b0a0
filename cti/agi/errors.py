"""What can go wrong on a call's AGI session, as one tree.

AgiError
├── AgiEnded         the session is over: let it end the handler
│   ├── AgiHangup    the caller (or Asterisk) hung up
│   ├── AgiDead      511: the channel is dead, commands are no longer permitted
│   ├── AgiClosed    the connection is gone, or we are shutting down
│   ├── AgiTimeout   no reply within the verb's time; replies would be out of step: it is closed
│   └── AgiGarbled   what came is no AGI; it is closed
├── AgiFailed        the command failed and the channel lives (a missing file, no such application)
├── AgiUnknown       510 or 520: Asterisk does not know the command, or not like this
└── AgiUnsendable    (also a ValueError) an argument that must not travel; nothing was sent

Messages never contain an argument or a reply: they may be card numbers.
"""

from __future__ import annotations


class AgiError(Exception):
    """The base of everything a channel raises."""


class AgiEnded(AgiError):
    """The session is over."""


class AgiHangup(AgiEnded):
    """The caller (or Asterisk) hung up."""


class AgiDead(AgiEnded):
    """511: the channel is dead."""


class AgiClosed(AgiEnded):
    """The connection is gone."""


class AgiTimeout(AgiEnded):
    """No reply in time; the session is closed, since a late reply would answer the next command."""


class AgiGarbled(AgiEnded):
    """What came is no AGI."""


class AgiFailed(AgiError):
    """The command failed although the channel lives."""


class AgiUnknown(AgiError):
    """510 or 520: no such command, or not with such arguments."""


class AgiUnsendable(AgiError, ValueError):
    """An argument that would be, or could hide, another command; it is not quoted here."""

"""What can go wrong on the AMI link, as one tree.

AmiError
├── AmiDown        there is no logged-in link, or it broke before the answer came
├── AmiBusy        too much is already under way; nothing was sent
├── AmiTimeout     sent, and no answer in time: it may or may not have been carried out
├── AmiRefused     Asterisk answered `Response: Error`
└── AmiUnsendable  (also a ValueError) a name or value that must not travel; nothing was sent
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cti.ami.wire import Message


class AmiError(Exception):
    """The base of everything the link raises."""


class AmiDown(AmiError):
    """There is no logged-in link, or it broke before the answer came."""


class AmiBusy(AmiError):
    """Too many actions are under way, or Asterisk does not read: nothing was sent."""


class AmiTimeout(AmiError):
    """No (complete) answer in time. The action may have been carried out all the same."""


class AmiRefused(AmiError):
    """Asterisk said no; `message` is its answer."""

    def __init__(self, message: Message) -> None:
        super().__init__(message.get("Message") or "refused without a reason")
        self.message = message


class AmiUnsendable(AmiError, ValueError):
    """A header that would be, or could hide, another action. `header` names it, never its value."""

    def __init__(self, header: str, why: str) -> None:
        super().__init__(f"{header}: {why}")
        self.header = header
        self.why = why

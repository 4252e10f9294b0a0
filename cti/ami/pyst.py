"""pyst2's `Manager` as a vocabulary: its verbs, our transport.

Every verb of `asterisk.manager.Manager` builds a dictionary and hands it to `send_action`. Ours
returns an awaitable of the answer instead of blocking a thread, so `await link.pyst.redirect(...)`
is native. None of its reader, threads, queues or dispatch is used (docs/decisions/001).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn

from asterisk.manager import Manager

from cti.ami.errors import AmiUnsendable
from cti.ami.wire import Message

# As strong as a shell: never by a verb (FIELD-NOTES on Originate with Application).
_REFUSED_HEADERS = frozenset({"application", "data", "command"})


class Vocabulary(Manager):  # type: ignore[misc] # pyst2 ships no types: its Manager is Any
    """The verbs. `send(name, headers)` is what carries them."""

    def __init__(
        self, send: Callable[[str, Sequence[tuple[str, str]]], Awaitable[Message]]
    ) -> None:
        # Not super().__init__(): it makes threads and queues, and nothing here needs them.
        self._send = send

    def __del__(self) -> None:
        """Nothing to close (pyst2's would log off by a socket that never was)."""

    def send_action(
        self, cdict: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Awaitable[Message]:
        """Send an action; a list as value repeats its header. Await the answer."""
        fields = {**(cdict or {}), **kwargs}
        name = str(fields.pop("Action"))
        headers: list[tuple[str, str]] = []
        for key, value in fields.items():
            if key.lower() in _REFUSED_HEADERS:
                raise AmiUnsendable(key, "runs programs, not sent by a verb")
            values = value if isinstance(value, list | tuple) else (value,)
            headers.extend((key, str(each)) for each in values)
        return self._send(name, headers)

    def _not_here(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise NotImplementedError("the link connects, logs in and dispatches by itself")

    connect = close = login = logoff = _not_here
    register_event = unregister_event = event_dispatch = message_loop = _not_here

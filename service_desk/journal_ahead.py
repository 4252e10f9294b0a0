"""The process that reads the journal ahead (cti/journal_ahead.py) says what each call is, too.

To fold a call costs a third of what it costs to bring it into the tables, and needs no table as
long as nothing is known of the call: the usual case for one who is far behind. Whoever writes takes
these stories where they hold, and folds the others.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from cti import events as cti
from cti.journal_ahead import child
from cti.journal_reader import Encoded, Portion
from service_desk.fold import fold
from service_desk.intake_known import CallFacts
from service_desk.story import Foretold

_encode = msgspec.msgpack.Encoder().encode
_foretold = msgspec.msgpack.Decoder(dict[str, Foretold])


class Ready(Struct, gc=False):
    """A portion with its facts as the intake takes them, and the stories that came with it."""

    portion: Portion
    facts: list[tuple[bytes, cti.CallFact]]
    foretold: Mapping[str, Foretold]


def ready(what: Encoded) -> Ready:
    """All that can be done for a portion before it is written."""
    facts = list(zip(what.facts, what.portion.facts, strict=True))
    return Ready(what.portion, facts, foretold(what.more))


def command(region: str) -> tuple[str, str]:
    """The module and its argument for `ReadAhead.start`."""
    return __name__, region


def foretell(what: Encoded, region: str) -> bytes:
    """The stories of a portion's calls; not of those that become one: tables say which stays."""
    calls: dict[str, CallFacts] = {}
    merged: set[str] = set()
    for encoded, fact in zip(what.facts, what.portion.facts, strict=True):
        calls.setdefault(fact.call_id, {})[encoded] = fact
        if isinstance(fact, cti.CallMerged):
            merged |= {fact.call_id, fact.absorbed}
    return _encode(
        {
            call_id: Foretold(len(facts), fold(call_id, facts, region))
            for call_id, facts in calls.items()
            if call_id not in merged
        }
    )


def foretold(more: bytes) -> Mapping[str, Foretold]:
    """What `foretell` made; nothing of what cannot be read."""
    try:
        return _foretold.decode(more) if more else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


if __name__ == "__main__":
    child(lambda what: foretell(what, sys.argv[1]))

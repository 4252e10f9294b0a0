"""The process that reads the journal ahead (cti/journal_ahead.py) says what each call is, too.

To fold a call costs a third of what it costs to bring it into the tables, and needs no table as
long as nothing is known of the call: the usual case for one who is far behind. Whoever writes takes
these stories where they hold, and looks at the facts of the others only.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import msgspec
from msgspec import Struct, structs

from cti import events as cti
from cti.journal_ahead import AheadError, child
from cti.journal_reader import Encoded, Portion
from service_desk.fold import fold
from service_desk.intake_known import MOST_FACTS, CallFacts, pack, unpack
from service_desk.story import Foretold

_encode = msgspec.msgpack.Encoder().encode
_foretold = msgspec.msgpack.Decoder(dict[str, Foretold])


class Ready(Struct, gc=False):
    """A portion with its facts as the intake takes them, and what is foretold of other calls."""

    portion: Portion
    facts: list[tuple[bytes, cti.CallFact]]
    foretold: Mapping[str, Foretold]

    def everything(self) -> list[tuple[bytes, cti.CallFact]]:
        """All facts, those of the foretold calls too."""
        packed = (found.packed for found in self.foretold.values())
        return [*self.facts, *(each for those in packed for each in unpack(those).items())]


def ready(what: Encoded) -> Ready:
    """All that can be done for a portion before it is written."""
    facts = list(zip(what.facts, what.portion.facts, strict=True))
    return Ready(what.portion, facts, foretold(what.instead))


def command(region: str) -> tuple[str, str]:
    """The module and its argument for `ReadAhead.start`."""
    return __name__, region


def foretell(what: Encoded, region: str) -> Encoded:
    """The same with the stories of its calls in place of their facts; not of those that become one:
    tables say which stays."""
    calls: dict[str, CallFacts] = {}
    merged: set[str] = set()
    for encoded, fact in zip(what.facts, what.portion.facts, strict=True):
        calls.setdefault(fact.call_id, {})[encoded] = fact
        if isinstance(fact, cti.CallMerged):
            merged |= {fact.call_id, fact.absorbed}
    left = [
        calls.pop(call_id)
        for call_id, facts in list(calls.items())
        if call_id in merged or len(facts) > MOST_FACTS
    ]
    told: dict[str, Foretold] = {}
    for call_id, facts in calls.items():
        try:
            told[call_id] = _told(call_id, facts, region)
        except Exception:  # noqa: BLE001 - who writes meets it again, and puts this call aside alone
            left.append(facts)
    return Encoded(
        structs.replace(what.portion, facts=[fact for each in left for fact in each.values()]),
        [encoded for each in left for encoded in each],
        _encode(told),
    )


def _told(call_id: str, facts: CallFacts, region: str) -> Foretold:
    began = any(isinstance(fact, cti.CallArrived) for fact in facts.values())
    return Foretold(len(facts), pack(facts), began, fold(call_id, facts, region))


def foretold(instead: bytes) -> Mapping[str, Foretold]:
    """What `foretell` made. Raises AheadError if it cannot be read: its facts came with it."""
    try:
        return _foretold.decode(instead) if instead else {}
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AheadError(type(error).__name__) from error


if __name__ == "__main__":
    child(lambda what: foretell(what, sys.argv[1]))

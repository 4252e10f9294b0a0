"""What a `CelInterpreter` knows, as bytes: kept beside the journal's cursor, it goes on after a
restart as if there had been none, whatever has become of the files meanwhile.

Only what lives is kept, and of the channels that ended last their ids: of calls that have ended no
record is to come, but some may come once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

import msgspec
from msgspec import Struct

from cti.events import EndedBy, OfferEnd, Party
from cti.interpret.cel import CelInterpreter
from cti.interpret.legs import Call, Kept, Leg, Waiting

OVER_KEPT = 200  # channels


class _SavedLeg(Struct, omit_defaults=True):
    channel: str
    call: str
    party: Party
    agent: str | None = None
    queue: str | None = None
    offer: bool | OfferEnd = False
    refused: bool = False
    answered: bool = False
    released: bool = False
    hanging_up: bool = False
    handed_on: bool = False
    held: bool = False
    parked: bool = False
    recording: str = ""
    bridge: str | None = None
    joined_at: datetime | None = None
    left_by: EndedBy | None = None
    talked: float = 0.0
    other_half: str = ""
    through: str = ""
    turned_away: datetime | None = None
    address: str = ""


_LEG = tuple(name for name in _SavedLeg.__struct_fields__ if name != "call")


class _SavedCall(Struct, omit_defaults=True):
    arrived_at: datetime
    aliases: list[str]
    by: EndedBy | None = None
    by_leg: str = ""
    called_in: bool = False
    cause: int | None = None
    own: str | None = None
    gone: dict[str, EndedBy] = {}
    waiting: tuple[str, str, datetime] | None = None  # queue, leg, since
    kept: Kept | None = None


class _Saved(Struct, omit_defaults=True):
    legs: dict[str, _SavedLeg] = {}
    calls: dict[str, _SavedCall] = {}
    out_of_queue: dict[str, datetime] = {}
    in_vain: dict[str, datetime] = {}
    causes: dict[str, int] = {}
    queued: dict[str, str] = {}
    dialed: dict[str, str] = {}
    over: list[str] = []  # channels that have ended, the last ones


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Saved)


def saved(by: CelInterpreter) -> bytes:
    """All that lives."""
    world = by.world
    calls = {}
    for call_id, call in world.calls.items():
        waiting = call.waiting
        calls[call_id] = _SavedCall(
            arrived_at=call.arrived_at,
            aliases=world.ids.aliases_of(call_id),
            by=call.by,
            by_leg=call.by_leg,
            called_in=call.called_in,
            cause=call.cause,
            own=call.own,
            gone=call.gone,
            kept=call.kept,
            waiting=None if waiting is None else (waiting.queue, waiting.leg_id, waiting.joined_at),
        )
    legs = {}
    for leg_id, leg in world.legs.items():
        values: dict[str, Any] = {name: getattr(leg, name) for name in _LEG}
        legs[leg_id] = _SavedLeg(call=leg.call.id, **values)
    return _encoder.encode(
        _Saved(
            legs=legs,
            calls=calls,
            out_of_queue=by.out_of_queue,
            in_vain=by.in_vain,
            causes=by.causes,
            queued=by.queued,
            dialed=by.dialed,
            over=sorted(islice(reversed(world.over), OVER_KEPT)),
        )
    )


def restored(stored: bytes, system: str, extensions: Mapping[str, str]) -> CelInterpreter:
    """The interpreter that was saved; raises msgspec.MsgspecError for what is none."""
    found = _decoder.decode(stored) if stored else _Saved()
    by = CelInterpreter(system, extensions)
    world = by.world
    for call_id, kept in found.calls.items():
        call = Call(call_id, kept.arrived_at)
        call.by, call.by_leg, call.called_in = kept.by, kept.by_leg, kept.called_in
        call.gone, call.kept, call.cause = kept.gone, kept.kept, kept.cause
        call.own = kept.own
        if kept.waiting is not None:
            call.waiting = Waiting(*kept.waiting)
        world.calls[call_id] = call
        for alias in ("", *kept.aliases):
            world.ids.recall(call_id, alias)
    for leg_id, each in found.legs.items():
        owner = world.calls.get(each.call)
        if owner is None:
            continue
        leg = Leg(leg_id, each.channel, owner, each.agent)
        for name in _LEG:
            setattr(leg, name, getattr(each, name))
        world.legs[leg_id] = owner.legs[leg_id] = leg
        if leg.bridge is not None:
            world.bridges.setdefault(leg.bridge, {})[leg_id] = leg
    by.out_of_queue = {key: at for key, at in found.out_of_queue.items() if key in world.legs}
    by.in_vain = {key: at for key, at in found.in_vain.items() if key in world.legs}
    by.causes = {key: cause for key, cause in found.causes.items() if key in world.legs}
    by.queued = {key: queue for key, queue in found.queued.items() if key in world.legs}
    by.dialed = {key: said for key, said in found.dialed.items() if key in world.legs}
    world.over = dict.fromkeys(found.over)
    return by

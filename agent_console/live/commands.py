"""The commands a socket may send: a TABLE. To add one: a struct in `schemas.py`, a handler, a line.

A command is decoded by its own schema, checked against its permission, carried out within a time,
and always answered once: `{"re", "ok", "result"}` or `{"re", "ok", "error": {code, message}}`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog
from structlog.contextvars import bound_contextvars

from agent_console import shown
from agent_console.access import Permission as Needs
from agent_console.access import require
from agent_console.errors import BadRequest, status_of
from agent_console.live import schemas as s
from agent_console.live import telephone, work
from agent_console.live.screens import BOARD, DESK
from agent_console.live.session import Session
from agent_console.live.topics import TOPICS, Topic
from agent_console.refusals import in_words
from agent_console.words import N_
from cti.about import about

log = structlog.get_logger(__name__)

SECONDS = 7.0  # for one command, all included: less than the page waits for its answer


class Command(msgspec.Struct, frozen=True):
    """One line of the table."""

    schema: type[Any]
    permission: Needs
    handler: Callable[[Session, Any], Awaitable[dict[str, Any]]]


async def subscribe(session: Session, command: s.OnTopic) -> dict[str, Any]:
    """Snapshot now, deltas from now on; again: a fresh snapshot."""
    topic = _topic(session, command.topic)
    viewer, screens = session.viewer, session.screens
    topic.open(screens, session.client)
    extra = await work.drafts(session) if command.topic == DESK else {}
    if command.topic == BOARD:
        await work.watched(session)
    session.hub.subscribe(
        session.client, topic.key(viewer), lambda: topic.now(screens, viewer), extra
    )
    return {}


async def unsubscribe(session: Session, command: s.OnTopic) -> dict[str, Any]:
    """No more of a topic."""
    topic = _topic(session, command.topic)
    session.hub.unsubscribe(session.client, topic.key(session.viewer))
    return {}


async def ping(_session: Session, _command: s.Nothing) -> dict[str, Any]:
    """The page asks whether anybody is there."""
    return {}


def _topic(session: Session, name: str) -> Topic:
    topic = TOPICS.get(name)
    if topic is None:
        raise BadRequest(N_("There is no such topic."))
    require(session.viewer, topic.permission)
    return topic


COMMANDS: Mapping[str, Command] = {
    "subscribe": Command(s.OnTopic, Needs.SIGNED_IN, subscribe),  # and the topic's own permission
    "unsubscribe": Command(s.OnTopic, Needs.SIGNED_IN, unsubscribe),
    "sign_in": Command(s.Nothing, Needs.DESK_USE, telephone.sign_in),
    "sign_out": Command(s.Nothing, Needs.DESK_USE, telephone.sign_out),
    "pause": Command(s.PauseFor, Needs.DESK_USE, telephone.pause),
    "unpause": Command(s.Nothing, Needs.DESK_USE, telephone.unpause),
    "end_wrap_up": Command(s.Nothing, Needs.DESK_USE, telephone.end_wrap_up),
    "hang_up": Command(s.OnCall, Needs.DESK_USE, telephone.hang_up),
    "transfer": Command(s.TransferTo, Needs.DESK_USE, telephone.transfer),
    "hold_phone": Command(s.HoldPhone, Needs.DESK_USE, telephone.hold_phone),
    "dial": Command(s.DialTo, Needs.DESK_USE, telephone.dial),
    "choose_customer": Command(s.Choose, Needs.CUSTOMER_WRITE, work.choose_customer),
    "take_along": Command(s.OnCall, Needs.CUSTOMER_WRITE, work.take_along),
    "new_customer": Command(s.NewCustomer, Needs.CUSTOMER_WRITE, work.new_customer),
    "note": Command(s.Note, Needs.CASE_WRITE, work.note),
    "disposition": Command(s.Disposition, Needs.CASE_WRITE, work.disposition),
    "status": Command(s.Status, Needs.CASE_WRITE, work.status),
    "priority": Command(s.CasePriority, Needs.CASE_WRITE, work.priority),
    "subject": Command(s.Subject, Needs.CASE_WRITE, work.subject),
    "follow_up": Command(s.FollowUp, Needs.CASE_WRITE, work.follow_up),
    "file_under": Command(s.FileUnder, Needs.CASE_WRITE, work.file_under),
    "resolve": Command(s.Resolve, Needs.CASE_WRITE, work.resolve),
    "offer_outcome": Command(s.Outcome, Needs.CASE_WRITE, work.offer_outcome),
    "ping": Command(s.Nothing, Needs.SIGNED_IN, ping),
    "forget_last": Command(s.Nothing, Needs.DESK_USE, work.forget_last),
    "draft": Command(s.Draft, Needs.DESK_USE, work.draft),
}

# They show and change nothing: not worth asking whether the session is current.
HARMLESS = frozenset({"ping", "unsubscribe"})

_envelope = msgspec.json.Decoder(s.Envelope)
_decoders = {name: msgspec.json.Decoder(command.schema) for name, command in COMMANDS.items()}


async def carry_out(session: Session, message: str | bytes) -> None:
    """Answer one message; whatever it holds, the socket lives on."""
    try:
        envelope = _envelope.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last: nested too deeply
        _answer(session, None, BadRequest(N_("That is no command.")))
        return
    wanted: Any = None
    try:
        command = _command(session, envelope.do)
        if envelope.do not in HARMLESS:
            await session.watch.allowed(session.client)
        wanted = _decoders[envelope.do].decode(message)
        with bound_contextvars(**about(wanted)):
            async with asyncio.timeout(SECONDS):
                result = await command.handler(session, wanted)
    except Exception as error:
        _answer(session, envelope.id, error)
        if status_of(error)[1] == "internal":
            log.exception("live.command_failed", command=envelope.do, **about(wanted))
    else:
        session.client.send(shown.encode({"re": envelope.id, "ok": True, "result": result}))


def _command(session: Session, name: str) -> Command:
    command = COMMANDS.get(name)
    if command is None:
        raise BadRequest(N_("There is no such command."))
    require(session.viewer, command.permission)
    return command


def _answer(session: Session, number: int | None, error: Exception) -> None:
    _, code = status_of(error)
    translator = session.translator
    words = in_words(error, translator)
    if code == "forbidden":
        words = translator.say(N_("You may not do this."))
    if not words:
        words = translator.say(N_("That did not work just now. Try again."))
    body = {"code": code, "message": words}
    session.client.send(shown.encode({"re": number, "ok": False, "error": body}))

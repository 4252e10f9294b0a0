"""Queues and agents as they are now: asked of the bridge, which alone knows."""

from __future__ import annotations

import msgspec
from msgspec import structs

from agent_console import reading, writing
from agent_console.api import shapes
from agent_console.api.endpoint import Call
from agent_console.errors import Refused
from agent_console.queue_days import QueueDay, as_counted, longest_since
from cti.events import BoardSnapshot, LiveQueue
from cti.wishes import BoardWanted, CommandDone


async def queues(call: Call) -> shapes.Queues:
    """GET /queues"""
    board = await _board(call)
    day = await reading.queue_day(call.context)
    return shapes.Queues(
        items=tuple(_queue(call, queue, board, day) for queue in board.queues.values()),
        stale_since=board.stale_since,
    )


async def agents(call: Call) -> shapes.Agents:
    """GET /agents"""
    board = await _board(call)
    return shapes.Agents(items=tuple(board.agents.values()), stale_since=board.stale_since)


def _queue(call: Call, queue: LiveQueue, board: BoardSnapshot, day: QueueDay) -> shapes.QueueNow:
    title = call.context.title_of(queue.queue)
    return shapes.QueueNow(
        **structs.asdict(as_counted(queue, day)),
        title=title.en,
        title_zh=title.zh,
        longest_since=longest_since(queue, board.calls),
    )


async def _board(call: Call) -> BoardSnapshot:
    await writing.board_watched(call.context, "api", by=call.actor)
    reply = await call.context.bus.request(BoardWanted(), 5.0)
    if isinstance(reply, CommandDone):
        return msgspec.json.decode(reply.board, type=BoardSnapshot)
    raise Refused(reply.reason, **reply.values)

"""The menu's mind: `step(flow, state, input) -> (commands, state)`. Pure: no I/O, no clock.

Whatever comes in, a step gives commands of which the last awaits an answer or ends the flow.
If a flow should run in circles in spite of the loader's checks, the caller goes to the default
queue: a person is the best end of a mistake.
"""

from __future__ import annotations

from typing import Final

from ivr.flow import Flow
from ivr.protocol import Began, Command, Input
from ivr.turn import State, Turn

MAX_STEPS_PER_SPRINT: Final = 100  # nodes visited without waiting for anybody
MAX_INPUTS: Final = 300  # answers in one call: a caller (or a machine) that never stops pressing


def step(flow: Flow, state: State, said: Input) -> tuple[tuple[Command, ...], State]:
    """One input, what to do about it, and the state thereafter. Never raises on any input."""
    if state.ended:
        return (), state
    turn = Turn(flow, state, said.at)
    inputs = state.inputs + 1
    if inputs > MAX_INPUTS:
        turn.queue("")
        return tuple(turn.commands), turn.freeze(inputs)
    if not state.node:
        _begin(turn, said)
    else:
        turn.placed.node.resume(turn, said)
    _sprint(turn)
    return tuple(turn.commands), turn.freeze(inputs)


def _begin(turn: Turn, said: Input) -> None:
    flow = turn.flow
    turn.node = flow.start
    if isinstance(said, Began):
        turn.caller_number = said.caller_number
        turn.night = said.night
        if said.language in flow.languages:
            turn.language = said.language
        if said.reason:
            turn.given_back = True
            after = flow.after.get(said.reason)
            if after is None:  # never the whole menu again: that would be a circle through a queue
                turn.hang_up()
                return
            turn.node = after
    turn.moved = True


def _sprint(turn: Turn) -> None:
    """Go from node to node until somebody must answer or the flow is over."""
    for _ in range(MAX_STEPS_PER_SPRINT):
        if turn.waiting or turn.ended or not turn.moved:
            break
        turn.moved = False
        turn.placed.node.enter(turn)
    if not (turn.waiting or turn.ended):
        turn.queue("")

"""One connection's reader: it takes turns with everybody else."""

from __future__ import annotations

import asyncio

import pytest

from cti.ami.session import MUCH, AmiSession

EVENT = b"Event: Newchannel\r\nChannel: PJSIP/carrier-00000001\r\n\r\n"


class Pipe(asyncio.Transport):
    """A transport that says whether it may be read."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.closing = False

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True


@pytest.mark.parametrize(
    ("size", "told"), [(MUCH, ["pause", "resume"]), (MUCH - 1, [])], ids=["behind", "in time"]
)
async def test_a_reader_that_is_behind_lets_others_run_between_two_reads(
    size: int, told: list[str]
) -> None:
    pipe, heard = Pipe(), []
    session = AmiSession(None, lambda message: heard.append(message.name))
    session.connection_made(pipe)
    data = b"Asterisk Call Manager/11.0.0\r\n" + EVENT * (size // len(EVENT) + 1)
    session.data_received(data[:size])
    assert heard
    assert pipe.told == told[:1]
    await asyncio.sleep(0)
    assert pipe.told == told


async def test_a_connection_that_was_cut_meanwhile_is_not_read_any_more() -> None:
    pipe = Pipe()
    session = AmiSession(None, lambda _message: session.cut("enough"))
    session.connection_made(pipe)
    session.data_received((b"Asterisk Call Manager/11.0.0\r\n" + EVENT * MUCH)[:MUCH])
    await asyncio.sleep(0)
    assert pipe.told == []

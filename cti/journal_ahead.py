"""Reading the journal ahead in a process of its own, for who is far behind.

To read and interpret records costs about as much as to write what they tell; in one process one
waits for the other. The child (`python -m cti.journal_ahead`) does the first, from a cursor on.
Each portion says where it ends, as those of `JournalReader.next` do, since they are the same: who
commits them can go on alone from there at any time, whatever becomes of the child. A module of the
layers above may be the child instead (`child`), and send what it makes of facts in their place.
While one portion is committed the next is taken from the child and unpacked.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import struct
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import BinaryIO, Generic, TypeVar

import msgspec
from msgspec import Struct, structs

from cti.journal import Cursor, Journal, Reject
from cti.journal_reader import AnyJournalFact, Encoded, JournalReader, Portion, encoded

AHEAD = 2  # portions that are asked for before they are wanted
MOST_FRAME = 256 * 1024 * 1024  # bytes; a portion is far smaller
BUFFER = 8 * 1024 * 1024  # bytes taken from the child before they are wanted: a portion
PATIENCE = 60.0  # seconds for a portion; whoever waits longer reads alone
GRACE = 2.0  # seconds for the child to end by itself
_LENGTH = struct.Struct(">I")
_GO = b"."
_GO_WITHOUT = b"-"  # a portion as it is, with nothing made of it

T = TypeVar("T")
More = Callable[[Encoded], Encoded]


class AheadError(Exception):
    """The child is of no use any more: read alone."""


class _Job(Struct, frozen=True):
    """What is to be read, from where, in portions of how many bytes."""

    folder: str
    name: str
    system: str
    extensions: Mapping[str, str]
    cursor: Mapping[str, int]
    state: bytes
    most: int


class _Sent(Struct, kw_only=True):
    """An `Encoded` portion: nobody encodes its facts again."""

    system: str
    facts: list[msgspec.Raw]
    cursor: Cursor
    state: bytes
    records: int
    rejects: list[Reject]
    rejected: int
    told_at: datetime | None
    left: int
    # Named anew when it means something else: an owner started from older files then finds none,
    # and reads alone.
    instead: bytes


_encode = msgspec.msgpack.Encoder().encode
_sent = msgspec.msgpack.Decoder(_Sent)
_job = msgspec.msgpack.Decoder(_Job)
_fact = msgspec.msgpack.Decoder(AnyJournalFact)


class ReadAhead(Generic[T]):
    """The child, as its owner sees it: `start` it, ask for `next` portions in order, `stop` it."""

    def __init__(self, process: Process, ready: Callable[[Encoded], T]) -> None:
        self._process = process
        self._ready = ready
        self.late = False  # the last portion was waited for: the child has more to do
        self._more = True
        self._there = False  # the next portion has come, though it may not be unpacked yet
        self._coming = self._fetch()

    @classmethod
    async def start(
        cls,
        reader: JournalReader,
        most: int,
        ready: Callable[[Encoded], T],
        command: Sequence[str] = (__name__,),
    ) -> ReadAhead[T]:
        """Read on from where `reader` stands, in portions of `most` bytes.

        `ready`: what is made of each, in a thread, before it is wanted. `command`: the module
        that is the child, and its arguments. Raises OSError if no process can be started.
        """
        journal = reader.journal
        cursor, state = reader.place()
        job = _Job(
            folder=str(journal.folder.absolute()),
            name=journal.name,
            system=journal.system,
            extensions=reader.extensions,
            cursor=cursor,
            state=state,
            most=most,
        )
        here = str(Path(__file__).parent.parent)
        paths = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # What ends it, its owner meets again when it reads alone.
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
            limit=BUFFER,
        )
        encoded = _encode(job)
        assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        process.stdin.write(_LENGTH.pack(len(encoded)) + encoded + _GO * AHEAD)
        return cls(process, ready)

    async def next(self, *, more: bool = True) -> T | None:
        """What was made of the next portion, None if there is nothing more. Raises AheadError.

        `more`: the child is to make something of the one that it reads next.
        """
        self._more = more
        self.late = not self._there
        found = await self._coming
        if found is not None:
            self._coming = self._fetch()
        return found

    def _fetch(self) -> asyncio.Task[T | None]:
        self._there = False
        return asyncio.create_task(self._take(), name="journal-ahead")

    async def _take(self) -> T | None:
        out = self._process.stdout
        assert out is not None  # noqa: S101 - for the type checker: it is a pipe
        try:
            async with asyncio.timeout(PATIENCE):
                (length,) = _LENGTH.unpack(await out.readexactly(_LENGTH.size))
                if length > MOST_FRAME:
                    raise AheadError("not a portion")
                frame = await out.readexactly(length)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            raise AheadError(type(error).__name__) from error
        self._there = True
        self._say(_GO if self._more else _GO_WITHOUT)
        return await asyncio.to_thread(self._unpack, frame) if frame else None

    def _unpack(self, frame: bytes) -> T:
        return self._ready(_opened(frame))

    async def stop(self) -> None:
        """Let the child end, soon."""
        self._coming.cancel()
        await asyncio.gather(self._coming, return_exceptions=True)
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            # What it still wrote must be read, or it waits for that.
            await asyncio.wait_for(self._process.communicate(), GRACE)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _say(self, data: bytes) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(data)  # a few bytes: nobody need wait for them to leave


def _opened(frame: bytes) -> Encoded:
    try:
        sent = _sent.decode(frame)
        facts = [bytes(raw) for raw in sent.facts]
        told = structs.asdict(sent) | {"facts": [_fact.decode(each) for each in facts]}
        instead = told.pop("instead")
        return Encoded(Portion(**told), facts, instead)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise AheadError(type(error).__name__) from error


def _frame(what: Encoded) -> bytes:
    facts = [msgspec.Raw(each) for each in what.facts]
    return _encode(structs.asdict(what.portion) | {"facts": facts, "instead": what.instead})


def serve(asked: BinaryIO, told: BinaryIO, more: More | None = None) -> None:
    """The child: a portion for every byte, until there are no more."""
    (length,) = _LENGTH.unpack(asked.read(_LENGTH.size))
    job = _job.decode(asked.read(length))
    reader = JournalReader(Journal(Path(job.folder), job.system, job.name), job.extensions)
    reader.restore(job.cursor, job.state)
    # The owner is slow to take a portion while it writes one: who reads need not wait for that.
    frames: Queue[bytes | None] = Queue(1)
    teller = Thread(target=_tell, args=(frames, told), name="telling")
    teller.start()
    try:
        while go := asked.read(1):
            portion = reader.next(job.most)
            if portion is None:
                frames.put(b"")
                continue
            what = encoded(portion)
            if more is not None and go == _GO:
                what = more(what)
            frames.put(_frame(what))
    finally:
        frames.put(None)
        teller.join()


def _tell(frames: Queue[bytes | None], told: BinaryIO) -> None:
    with contextlib.suppress(OSError):
        while (frame := frames.get()) is not None:
            told.write(_LENGTH.pack(len(frame)) + frame)
            told.flush()
        return
    while frames.get() is not None:  # nobody listens any more; whoever reads must not wait
        pass


def child(more: More | None = None) -> None:
    """Be the child until the owner wants no more; `more` makes of a portion what is sent of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, who closes the pipe
    serve(sys.stdin.buffer, sys.stdout.buffer, more)


if __name__ == "__main__":
    child()

"""A caller made of sipp, led by the test: dial, press keys, hang up; and told of what happens.

sipp's command socket (its "3pcc" mode) is what leads it: the scenario connects to us, says when it
is up, and then does one thing for each line it gets.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from tests.journeys.tones import DIGIT_NAMES

SCENARIO = Path(__file__).with_name("caller.xml")
END = b"\x1b"  # sipp ends each command with ESC
SETUP_SECONDS = 20
KEY_GAP_SECONDS = 0.6  # one tone file, played out before the next


def scenario(tones: Path) -> str:
    """The scenario with one branch a key. sipp 3.6 knows no keyword in a stream's file name."""
    eregs = "\n".join(
        f'<ereg regexp="Do: {name}" search_in="msg" assign_to="{name}"/>'
        for name in DIGIT_NAMES.values()
    )
    nops = "\n".join(
        f'<nop condexec="{name}"><action>'
        f'<exec rtp_stream="[tones]/{name}.ul,1,0,PCMU/8000"/></action></nop>'
        for name in DIGIT_NAMES.values()
    )
    text = SCENARIO.read_text().replace("DIGIT_EREGS", eregs).replace("DIGIT_NOPS", nops)
    return text.replace("[tones]", str(tones))


@dataclass
class Caller:
    """One call from outside. `exit_code` is sipp's: 0 when the call went as a call should."""

    process: asyncio.subprocess.Process
    server: asyncio.Server
    up: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.StreamWriter | None = None
    _call_id: str = ""

    async def answered(self) -> None:
        """Wait until Asterisk has answered."""
        await asyncio.wait_for(self.up.wait(), SETUP_SECONDS)

    async def press(self, keys: str) -> None:
        """Send the keys as tones in the voice, one after the other."""
        for key in keys:
            await self._do(DIGIT_NAMES[key])
            # The gap is the length of the tone itself: sipp plays one file at a time.
            await asyncio.sleep(KEY_GAP_SECONDS)

    async def hang_up(self) -> int:
        """Say BYE; returns sipp's exit code."""
        await self._do("bye")
        return await self.ended()

    async def ended(self, seconds: float = 60) -> int:
        """Wait until the call is over, by whoever; returns sipp's exit code."""
        code = await asyncio.wait_for(self.process.wait(), seconds)
        self.server.close()
        return code

    async def _do(self, what: str) -> None:
        await self.answered()
        assert self._writer is not None
        self._writer.write(f"{self._call_id}\r\nDo: {what}\r\n\r\n".encode() + END)
        await self._writer.drain()

    async def close(self) -> None:
        """Hang up if the call is still up, and end sipp."""
        if self.process.returncode is None and self.up.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                await self._do("bye")
                await self.ended(5)
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 5)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        if self._writer is not None:
            self._writer.close()
        self.server.close()


async def dial(
    sipp: list[str],
    target: tuple[str, int],
    number: str,
    *,
    folder: Path,
    tones: Path,
    caller: str = "+493055550142",
    name: str = "Caller",
    source: str = "127.0.0.2",
) -> Caller:
    """Call `number` at `target` from `source`, as the caller id `caller` and `name`."""
    sheet = folder / "caller.xml"
    if not sheet.exists():
        sheet.write_text(scenario(tones))
    holder: list[Caller] = []
    connected = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connected.wait()
        me = holder[0]
        me._writer = writer
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                message = (await reader.readuntil(END)).decode()
                me._call_id = next(x for x in message.splitlines() if x.startswith("Call-ID:"))
                me.up.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    host, sip_port = target
    process = await asyncio.create_subprocess_exec(
        *sipp, f"{host}:{sip_port}", "-i", source, "-sf", str(sheet), "-m", "1", "-nostdin",
        "-3pcc", f"127.0.0.1:{port}",
        "-key", "number", number, "-key", "from", caller, "-key", "name", name,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    me = Caller(process, server)
    holder.append(me)
    connected.set()
    return me

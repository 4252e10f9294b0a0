"""sipp as many callers and many agents: one process each, with counts of its own.

The callers come from a trunk's address, each with a number of their own, dial, wait until
somebody answers, talk, and hang up. The agents are one static contact for all of them.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from config import parts

SCENARIOS = Path(__file__).parent
TRUNK = "127.0.0.2"
NUMBER = "+4930{:08d}"
SLACK = 25.0  # seconds for the last calls to end
END_SECONDS = 5.0
UNTIL_OTHERS_END = """<recv request="BYE" timeout="3600000"/>
<send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


@dataclass(frozen=True)
class Counts:
    """How many calls went as a call should, and how many did not, by sipp's own count."""

    good: int
    failed: int


class Sipp:
    """A sipp in the background that runs until it is ended."""

    def __init__(
        self,
        folder: Path,
        scenario: str,
        *arguments: str,
        within: Sequence[str] = (),
        media: int | None = None,
    ) -> None:
        """`within`: what the command begins with, if it runs somewhere else. `media`: the port
        where somebody else listens to all of its calls; callers then leave the end to others."""
        sheet = SCENARIOS / f"sipp_{scenario}.xml"
        if media is not None:
            text = sheet.read_text().replace("[auto_media_port]", str(media))
            before, pause, _ = text.partition("<pause/>")
            sheet = folder / f"{sheet.stem}_{media}.xml"
            sheet.write_text(before + (UNTIL_OTHERS_END if pause else ""))
        self.process = subprocess.Popen(
            [*within, parts.sipp(), "-sf", str(sheet), "-nostdin", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End it, gently first."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Agents(Sipp):
    """Everybody who is called at this port answers after 200 ms."""

    def __init__(
        self,
        folder: Path,
        port: int,
        address: str = "127.0.0.1",
        *,
        within: Sequence[str] = (),
        media: int | None = None,
    ) -> None:
        super().__init__(
            folder, "agent", "-i", address, "-p", str(port), within=within, media=media
        )


class Callers(Sipp):
    """So many calls at a rate; `numbers` are theirs, in order."""

    def __init__(
        self,
        folder: Path,
        name: str,
        sip: int,
        port: int,
        *,
        count: int,
        rate: float,
        first: int,
        talk: float = 2.3,
        patience: float = 20.0,
        dialed: str = "2000",
        within: Sequence[str] = (),
        media: int | None = None,
        echo: bool = False,
        log: Path | None = None,
    ) -> None:
        """`sip`: Asterisk's port; `port`: the callers'. `talk`, `patience`: seconds. `echo`: who is
        at `media` is sipp itself, and says what it hears. `log`: where each message is written
        with its time."""
        self.numbers: Sequence[str] = [NUMBER.format(first + number) for number in range(count)]
        self._seconds = count / rate + talk + patience
        self._statistics = folder / f"{name}.stat"
        sheet = folder / f"{name}.csv"
        sheet.write_text("\n".join(["SEQUENTIAL", *self.numbers]) + "\n")
        super().__init__(
            folder, "caller", f"127.0.0.1:{sip}", "-i", TRUNK, "-p", str(port), "-s", dialed,
            "-inf", str(sheet), "-r", str(max(int(rate), 1)), "-m", str(count),
            "-l", str(max(int(rate * (talk + patience)), 10)), "-d", str(int(talk * 1000)),
            "-recv_timeout", str(int(patience * 1000)),
            "-trace_stat", "-stf", str(self._statistics), "-fd", "1",
            *(("-mp", str(media), "-rtp_echo") if echo else ()),
            *(("-trace_msg", "-message_file", str(log)) if log else ()),
            within=within,
            media=media,
        )  # fmt: skip

    def wait(self) -> Counts:
        """Wait until the last call has ended, not for ever."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(self._seconds + SLACK)
        self.end()
        with self._statistics.open() as file:
            last = list(csv.DictReader(file, delimiter=";"))[-1]
        return Counts(int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"]))

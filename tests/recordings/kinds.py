"""Every kind of call, played by people at telephones: one function a kind, its docstring its name.

`T` is the unit of time: whoever does something does it for a small number of these, so that the
times in `expected.py` can be told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tests.recordings.phone import Call
from tests.recordings.stage import CALLER, CALLER_NAME, OUTSIDE, Stage

T = 1.0

Kind = Callable[[Stage], Awaitable[None]]
KINDS: dict[str, Kind] = {}


def kind(play: Kind) -> Kind:
    """Enter it in the table."""
    KINDS[play.__name__] = play
    return play


async def pause(units: float = 1) -> None:
    """So many units of time go by."""
    await asyncio.sleep(units * T)


def caller(stage: Stage, number: str = "2000") -> Call:
    """Somebody calls us."""
    return stage.phones["carrier"].dial(number, CALLER, CALLER_NAME)


async def rings(stage: Stage, who: str, after: float = 0) -> Call:
    """Their telephone rings, for so many units."""
    call = await stage.phones[who].rings()
    await pause(after)
    return call


async def talking(stage: Stage, number: str = "2000", units: float = 2) -> tuple[Call, Call]:
    """A caller and Ava, who rang for one unit, have talked for `units`."""
    call = caller(stage, number)
    ava = (await rings(stage, "ava", 1)).answer()
    await call.until_up()
    await pause(units)
    return call, ava


async def consult(stage: Stage, ava: Call, number: str, who: str) -> tuple[Call, Call]:
    """Ava holds the caller, dials `number`; who rings there answers, they talk for 2 units."""
    ava.hold()
    await pause(0.3)
    second = stage.phones["ava"].dial(number)
    third = (await rings(stage, who, 1)).answer()
    await second.until_up()
    await pause(2)
    return second, third


async def finish(call: Call, *others: Call, units: float = 3) -> None:
    """They talk for `units`, then `call` hangs up, and all are free."""
    await pause(units)
    call.hang_up()
    for each in others:
        await each.until_over()


@kind
async def answered(stage: Stage) -> None:
    """A queue call is answered by the first agent; the caller hangs up."""
    call, ava = await talking(stage)
    await finish(call, ava, units=0)


@kind
async def agent_hangs_up(stage: Stage) -> None:
    """A queue call; the agent hangs up."""
    call, ava = await talking(stage)
    await finish(ava, call, units=0)


@kind
async def refreshed(stage: Stage) -> None:
    """Ava's page is loaded anew in mid-call; it rings for one unit, she takes the caller back."""
    call, ava = await talking(stage)
    ava.leave()
    again = (await rings(stage, "ava", 1)).answer()
    await again.until_up()
    await finish(call, again)


@kind
async def lost_to_the_queue(stage: Stage) -> None:
    """Ava's page is loaded anew, she will not take it back (603): the queue, and Ben does."""
    call, ava = await talking(stage, "2003")
    ava.leave()
    (await rings(stage, "ava", 1)).refuse("603 Decline")
    (await rings(stage, "ava")).refuse()
    ben = (await rings(stage, "ben", 1)).answer()
    await ben.until_up()
    await finish(call, ben)


@kind
async def abandoned(stage: Stage) -> None:
    """The caller gives up while the first agent rings."""
    call = caller(stage)
    ava = await rings(stage, "ava", 2)
    call.hang_up()
    await ava.until_over()


@kind
async def ring_all(stage: Stage) -> None:
    """Both agents ring; one answers, the other is told: answered elsewhere (cause 26)."""
    call = caller(stage, "2001")
    ben = await rings(stage, "ben")
    ava = (await rings(stage, "ava", 1)).answer()
    await ben.until_over()
    await finish(call, ava, units=2)


@kind
async def rejected(stage: Stage) -> None:
    """The first agent rejects (486); the second one takes it."""
    call = caller(stage)
    (await rings(stage, "ava", 1)).refuse()
    ben = (await rings(stage, "ben", 1)).answer()
    await finish(call, ben)


@kind
async def second_agent(stage: Stage) -> None:
    """The first agent does not answer in time; the second one takes it."""
    call = caller(stage, "2003")
    ava = await rings(stage, "ava")
    ben = await rings(stage, "ben", 1)
    ben.answer()
    await ava.until_over()
    await finish(call, ben, units=2)


@kind
async def hold(stage: Stage) -> None:
    """The agent holds and takes back (re-INVITE)."""
    call, ava = await talking(stage)
    ava.hold()
    await pause(2)
    ava.resume()
    await finish(call, ava, units=1)


@kind
async def menu_only(stage: Stage) -> None:
    """The dialplan plays and hangs up: no queue."""
    await caller(stage, "1000").until_over()


@kind
async def message(stage: Stage) -> None:
    """The menu records a message; the caller hangs up while speaking."""

    async def menu(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        file = stage.settings.recordings_folder / "message"
        for line in (
            "SET VARIABLE TIMEOUT(absolute) 30",
            "ANSWER",
            f'RECORD FILE "{file}" wav "#" 20000',
        ):
            writer.write(f"{line}\n".encode())
            await reader.readline()

    stage.menu = menu
    call = await caller(stage, "3000").until_up()
    await pause(3)
    call.hang_up()
    await stage.ami.event("Hangup")
    stage.menu = None


@kind
async def queue_timeout(stage: Stage) -> None:
    """Two queues one after the other, each with a time limit; then the dialplan hangs up.

    QueueCallerAbandon comes although nobody gave up.
    """
    call = caller(stage, "2005")
    rang = [await rings(stage, "ava"), await rings(stage, "ben"), await rings(stage, "ava")]
    await call.until_over()
    for each in rang:
        await each.until_over()


@kind
async def turned_away(stage: Stage) -> None:
    """A queue in which nobody is there does not let the caller in; the menu says goodbye."""

    async def menu(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SET VARIABLE RINGDESK_NEXT hangup\n")
        await reader.readline()

    stage.menu = menu
    await caller(stage, "2008").until_over()


@kind
async def overflow(stage: Stage) -> None:
    """Nobody answers in the first queue within its longest wait; an agent of the second does."""
    call = caller(stage, "2004")
    ava = await rings(stage, "ava")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_over()
    await finish(call, ben)


@kind
async def blind_to_agent(stage: Stage) -> None:
    """AMI BlindTransfer to a colleague. The first agent is free when his own leg ends.

    Unhold comes although nobody was held.
    """
    call, ava = await talking(stage)
    await transfer(stage, "102")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_over()
    await finish(call, ben)


async def transfer(stage: Stage, to: str) -> None:
    """Ava's page hands the caller on."""
    began = await stage.ami.event("Newchannel", lambda m: m["Channel"].startswith("PJSIP/ava-"))
    await stage.ami.do(
        "BlindTransfer", Channel=began["Channel"], Context="ringdesk-transfer", Exten=to
    )


@kind
async def blind_to_queue(stage: Stage) -> None:
    """AMI BlindTransfer to another queue."""
    call, ava = await talking(stage)
    await transfer(stage, "q-single")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_over()
    await finish(call, ben)


@kind
async def via_local(stage: Stage) -> None:
    """A blind transfer whose target is dialled through a Local channel.

    Asterisk takes the Local channel out as soon as both sides talk (LocalOptimization).
    """
    call, ava = await talking(stage)
    await transfer(stage, "112")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_over()
    await finish(call, ben)


@kind
async def refer_to_agent(stage: Stage) -> None:
    """The agent's phone transfers by SIP REFER."""
    call, ava = await talking(stage)
    ava.refer("102")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_over()
    await finish(call, ben)


@kind
async def refer_to_outside(stage: Stage) -> None:
    """The agent's phone transfers to an outside number by SIP REFER; the other side hangs up."""
    call, ava = await talking(stage)
    ava.refer(OUTSIDE)
    out = (await rings(stage, "carrier", 1)).answer()
    await ava.until_over()
    await finish(out, call)


@kind
async def attended(stage: Stage) -> None:
    """Attended transfer by feature code: consult through a Local channel, then joined."""
    call, ava = await talking(stage, "2006")
    await ava.press("*2")
    await pause(0.5)
    await ava.press("102")
    ben = (await rings(stage, "ben", 1)).answer()
    await pause(2)
    ava.hang_up()
    await finish(call, ben)


@kind
async def attended_to_agent(stage: Stage) -> None:
    """The agent's phone consults a colleague, then joins both: REFER with Replaces."""
    call, ava = await talking(stage)
    second, ben = await consult(stage, ava, "102", "ben")
    ava.refer("102", replaces=second)
    await ava.until_over()
    await finish(call, ben)


@kind
async def attended_to_queue(stage: Stage) -> None:
    """The agent's phone consults another queue, is answered, then joins both."""
    call, ava = await talking(stage)
    second, ben = await consult(stage, ava, "q-single", "ben")
    ava.refer("q-single", replaces=second)
    await ava.until_over()
    await finish(call, ben)


@kind
async def attended_to_waiting(stage: Stage) -> None:
    """The agent's phone joins the caller with a queue that nobody has answered yet."""
    call, ava = await talking(stage)
    ava.hold()
    await pause(0.3)
    second = await stage.phones["ava"].dial("q-single").until_up()
    ben = await rings(stage, "ben", 1)
    ava.refer("q-single", replaces=second)
    await ava.until_over()
    await pause(1)
    ben.answer()
    await finish(call, ben)


@kind
async def attended_to_outside(stage: Stage) -> None:
    """The agent's phone consults an outside number, then joins both."""
    call, ava = await talking(stage)
    second, out = await consult(stage, ava, OUTSIDE, "carrier")
    ava.refer(OUTSIDE, replaces=second)
    await ava.until_over()
    await finish(call, out)


@kind
async def consulted(stage: Stage) -> None:
    """The agent consults a colleague and goes back to the caller: no transfer."""
    call, ava = await talking(stage)
    second, ben = await consult(stage, ava, "102", "ben")
    second.hang_up()
    await ben.until_over()
    ava.resume()
    await finish(call, ava)


@kind
async def pickup(stage: Stage) -> None:
    """The first agent's telephone rings; a colleague picks the call up with *8."""
    call = caller(stage)
    ava = await rings(stage, "ava", 1)
    ben = await stage.phones["ben"].dial("*8").until_up()
    await ava.until_over()
    await finish(call, ben)


@kind
async def parked(stage: Stage) -> None:
    """The agent parks the caller (REFER to 700); a colleague takes the call from its place."""
    call, ava = await talking(stage)
    ava.refer("700")
    place = await stage.ami.event("ParkedCall")
    await ava.until_over()
    await pause(2)
    ben = await stage.phones["ben"].dial(place["ParkingSpace"]).until_up()
    await finish(call, ben)


@kind
async def conference(stage: Stage) -> None:
    """Caller, agent and a colleague in one room; the first agent leaves, then the caller."""
    call, ava = await talking(stage)
    began = await stage.ami.event("Newchannel", lambda m: m["Channel"].startswith("PJSIP/ava-"))
    there = await stage.ami.event("Newchannel", lambda m: "carrier" in m["Channel"])
    await stage.ami.do(
        "Redirect",
        Channel=there["Channel"], Context="ringdesk-rooms", Exten="three", Priority="1",
        ExtraChannel=began["Channel"], ExtraContext="ringdesk-rooms", ExtraExten="three",
        ExtraPriority="1",
    )  # fmt: skip
    await pause(1)
    await stage.ami.do(
        "Originate",
        Channel="PJSIP/ben", Context="ringdesk-rooms", Exten="three", Priority="1", Async="true",
    )  # fmt: skip
    ben = (await rings(stage, "ben", 1)).answer()
    await pause(3)
    ava.hang_up()
    await pause(2)
    call.hang_up()
    await pause(0.2)
    ben.hang_up()


@kind
async def local_agents(stage: Stage) -> None:
    """The queue's member is a Local channel that dials the agent's telephone, and stays (/n)."""
    where = {"Queue": "locals", "Interface": "Local/102@ringdesk-agents/n"}
    await stage.ami.do("QueueAdd", **where, MemberName="ben", StateInterface="PJSIP/ben")
    call = caller(stage, "2007")
    ben = (await rings(stage, "ben", 1)).answer()
    await finish(call, ben)
    await stage.ami.do("QueueRemove", **where)


@kind
async def internal(stage: Stage) -> None:
    """One agent calls another."""
    ava = stage.phones["ava"].dial("102")
    ben = (await rings(stage, "ben", 1)).answer()
    await ava.until_up()
    await finish(ava, ben, units=2)


@kind
async def internal_abandoned(stage: Stage) -> None:
    """One agent calls another and gives up while it rings."""
    ava = stage.phones["ava"].dial("102")
    ben = await rings(stage, "ben", 2)
    ava.hang_up()
    await ben.until_over()


@kind
async def outbound(stage: Stage) -> None:
    """An agent dials out from the phone."""
    ava = stage.phones["ava"].dial(OUTSIDE)
    out = (await rings(stage, "carrier", 1)).answer()
    await ava.until_up()
    await finish(ava, out, units=2)


async def _originate(stage: Stage, mark: str) -> tuple[Call, Call]:
    await stage.ami.do(
        "Originate",
        Channel="PJSIP/ava", ChannelId=f"ringdesk-1-dial-{mark}", Context="ringdesk-agents",
        Exten=OUTSIDE, Priority="1", Timeout="30000", Async="true",
    )  # fmt: skip
    ava = (await rings(stage, "ava", 1)).answer()
    out = (await rings(stage, "carrier", 1)).answer()
    await pause(2)
    return ava, out


@kind
async def originate(stage: Stage) -> None:
    """Click to dial: AMI Originate rings the agent, then dials out; AMI Hangup ends his leg."""
    ava, out = await _originate(stage, "click")
    began = await stage.ami.event("Newchannel")
    await stage.ami.do("Hangup", Channel=began["Channel"], Cause="16")
    await ava.until_over()
    await out.until_over()


@kind
async def callback(stage: Stage) -> None:
    """A call back: the agent's telephone first, then the customer's; the customer hangs up."""
    ava, out = await _originate(stage, "callback")
    await finish(out, ava, units=0)


async def _dialled_for(
    stage: Stage, channel: str, to: str, other: str, **more: str
) -> tuple[Call, Call]:
    """Somebody else's program rings ava at `channel` and dials `to` for her."""
    await stage.ami.do(
        "Originate",
        Channel=channel, Context="ringdesk-agents", Exten=to, Priority="1", Timeout="30000",
        Async="true", **more,
    )  # fmt: skip
    ava = (await rings(stage, "ava", 1)).answer()
    second = (await rings(stage, other, 2)).answer()
    await pause(2)
    return ava, second


@kind
async def originate_internal(stage: Stage) -> None:
    """Click to dial a colleague: AMI Originate rings ava, then ben; he hangs up."""
    ava, ben = await _dialled_for(stage, "PJSIP/ava", "102", "ben")
    await finish(ben, ava, units=0)


@kind
async def originate_local(stage: Stage) -> None:
    """Click to dial through a Local channel, which is left in place: ava waits two seconds in it
    for the other side, who hangs up."""
    ava, out = await _dialled_for(stage, "Local/101@ringdesk-agents/n", OUTSIDE, "carrier")
    await finish(out, ava, units=0)


@kind
async def originate_local_internal(stage: Stage) -> None:
    """The same to a colleague, through a Local channel that Asterisk takes out when it can."""
    ava, ben = await _dialled_for(stage, "Local/101@ringdesk-agents", "102", "ben")
    await finish(ben, ava, units=0)

"""The doctor's checks of Asterisk: what its manager lets us do, and what it says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final

from config import parts, parts_of, pbx
from config.asterisk_found import asterisk_to_run
from config.findings import Console, Finding, Manager, Patient, fine, warning, wrong
from config.own_asterisk import OwnAsterisk
from config.problems import Problem
from config.settings import Settings, Trunk
from cti.ami.errors import AmiError
from cti.ami.link import AmiLink

AMI_SECONDS: Final = 5.0
CONSOLE_SECONDS: Final = 10.0
NAME_SECONDS: Final = 5.0
CLOCKS: Final = 2.0  # seconds two clocks may differ

# What the bridge asks for, and the class of rights that gives it ("": none is needed).
NEEDED: Final[Mapping[str, str]] = {
    "CoreStatus": "reporting",
    "CoreShowChannels": "reporting",
    "Status": "reporting",
    "Ping": "",
    "QueueStatus": "",
    "BridgeList": "",
    "QueueAdd": "agent",
    "QueueRemove": "agent",
    "QueuePause": "agent",
    "QueuePenalty": "agent",
    "Hangup": "call",
    "PlayDTMF": "call",
    "BlindTransfer": "call",
    "Originate": "originate",
}
# With these whoever gets the account's password owns the machine, or may change its dialplan.
TOO_MUCH: Final[Mapping[str, str]] = {
    "Command": "command",
    "UpdateConfig": "config",
    "GetConfig": "config",
    "Reload": "system",
    "ModuleLoad": "system",
    "DBPut": "system",
}
# A module and what shows that it is loaded to an account without rights to ask for modules.
SHOWS: Final[Mapping[str, str]] = {
    "app_queue": "QueueStatus",
    "app_mixmonitor": "StopMixMonitor",
    "app_senddtmf": "PlayDTMF",
    "res_pjsip": "PJSIPQualify",
    "chan_pjsip": "PJSIPHangup",
}
# Asked on the console of our own Asterisk.
MODULES: Final = (
    "app_queue", "app_mixmonitor", "app_senddtmf", "chan_pjsip", "res_agi", "cel_custom",
    "pbx_config", "res_pjsip_transport_websocket", "res_srtp", "func_timeout",
)  # fmt: skip
MANAGER: Final = "Asterisk's manager"


async def ask(patient: Patient) -> None:
    """Log in as the bridge does, and ask all that the checks want to know."""
    settings = patient.settings
    try:
        password = parts_of.secrets_of(settings).ami_password
    except Problem as why:
        patient.why = str(why)
        return
    ami = settings.asterisk.ami
    up = asyncio.Event()

    async def on_up() -> None:
        up.set()

    link = AmiLink(
        ami.host,
        ami.port,
        ami.user,
        password,
        wanted=frozenset(),
        on_event=lambda _message: None,
        on_up=on_up,
        on_down=lambda _why: None,
    )
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(AMI_SECONDS):
            await up.wait()
            patient.manager = await _asked(link, settings)
    except TimeoutError:
        patient.why = f"does not let us in at {ami.host}:{ami.port}: {link.why or 'it is silent'}"
    except AmiError as error:
        patient.why = f"does not answer: {type(error).__name__}"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if patient.manager is not None and settings.asterisk.mode == "own":
        patient.console = _console(settings)


async def _asked(link: AmiLink, settings: Settings) -> Manager:
    commands = await link.action("ListCommands")
    actions = frozenset(name for name, said in commands.headers() if "(Priv: " in said)
    version, system = "", ""
    if "CoreSettings" in actions:
        core = await link.action("CoreSettings")
        version, system = core.get("AsteriskVersion"), core.get("SystemName")
    before = time.time()
    pong = await link.action("Ping")
    ours = (before + time.time()) / 2
    registrations = {}
    if any(trunk.register for trunk in settings.trunks.values()):
        with contextlib.suppress(AmiError):  # no registrations at all is an error there
            for item in await link.listing("PJSIPShowRegistrationsOutbound"):
                registrations[item.get("ObjectName")] = item.get("Status")
    return Manager(
        boot=link.boot,
        version=version,
        system=system,
        ahead=_seconds(pong.get("Timestamp"), ours),
        actions=actions,
        registrations=registrations,
    )


def _seconds(said: str, ours: float) -> float | None:
    try:
        return float(said) - ours
    except ValueError:
        return None


def _console(settings: Settings) -> Console | None:
    """`asterisk -rx` of our own Asterisk, if it is the one that runs."""
    own = OwnAsterisk(settings, parts_of.secrets_of(settings))
    if own.find() is None:
        return None
    command = asterisk_to_run().command
    conf = str(pbx.own_place(settings, asterisk_to_run().modules).etc / "asterisk.conf")

    async def say(words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            command, "-C", conf, "-rx", words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(CONSOLE_SECONDS):
            out, _ = await process.communicate()
        return out.decode(errors="replace")

    return say


async def manager(patient: Patient) -> AsyncIterator[Finding]:
    """It answers; with our own Asterisk stopped, its port must be free."""
    settings, there = patient.settings, patient.manager
    if there is not None:
        yield fine(MANAGER, f"answers; started {there.boot}")
        if there.system and not pbx.is_named(there.system, settings.system):
            yield wrong(
                MANAGER,
                f"it calls itself {there.system!r}, the settings name {settings.system!r}",
                "another installation's Asterisk? set `system` or asterisk.ami, render its files",
            )
        return
    if settings.asterisk.mode == "external":
        yield wrong(MANAGER, patient.why, "start Asterisk with the files of `ringdesk pbx render`")
        return
    try:
        own = OwnAsterisk(settings, parts_of.secrets_of(settings))
        if (pid := own.find()) is not None:
            advice = (
                "a silent one hangs: see its log; one that refuses has another password: "
                "RINGDESK_AMI_PASSWORD and the secrets folder as at its start, or restart Ringdesk"
            )
            yield wrong(MANAGER, f"our own Asterisk (process {pid}) {patient.why}", advice)
            return
        own.check_ports()
    except Problem as why:
        advice = "another program has the port, or another installation's Asterisk: ss -lpn"
        yield wrong("Asterisk's ports", str(why), advice)
        return
    yield fine(MANAGER, "not running now; `ringdesk serve` starts it")


async def rights(patient: Patient) -> AsyncIterator[Finding]:
    """All that we need, and no more."""
    what, there = "manager account", patient.manager
    if there is None:
        return
    missing = {name: right for name, right in NEEDED.items() if name not in there.actions}
    too_much = {name: right for name, right in TOO_MUCH.items() if name in there.actions}
    render = "give it the rights of our manager.conf (`ringdesk pbx render`), reload Asterisk"
    if missing:
        names = ", ".join(missing)
        classes = ", ".join(sorted({right for right in missing.values() if right})) or "app_queue"
        yield wrong(what, f"may not {names}", f"needs {classes}: {render}")
    if too_much:
        classes = ", ".join(sorted(set(too_much.values())))
        said = f"may more than it needs: {', '.join(too_much)}"
        yield warning(what, said, f"take {classes} away: {render}")
    if not missing and not too_much:
        yield fine(what, "may what it needs, and no more")


async def version(patient: Patient) -> AsyncIterator[Finding]:
    """The one that runs, which may be older than the one that is installed."""
    what, there = "Asterisk's version", patient.manager
    if there is None or not there.version:
        return
    found = tuple(int(number) for number in re.findall(r"\d+", there.version)[:3])
    least = ".".join(map(str, parts.ASTERISK_AT_LEAST))
    if found < parts.ASTERISK_AT_LEAST:
        advice = f"{least} or newer is needed: earlier ones have known holes"
        yield wrong(what, f"{there.version} runs", advice)
    else:
        yield fine(what, f"{there.version} runs")


async def modules(patient: Patient) -> AsyncIterator[Finding]:
    """Loaded and running."""
    what, there = "Asterisk's modules", patient.manager
    if there is None:
        return
    missing = [name for name, action in SHOWS.items() if action not in there.actions]
    if patient.console is not None:
        said = await patient.console("module show")
        running = {line.split(".so", 1)[0] for line in said.splitlines() if " Running " in line}
        missing = [name for name in MODULES if name not in running]
    if missing:
        advice = "a file of theirs is missing or wrong: see Asterisk's log, render its files anew"
        yield wrong(what, f"not loaded: {', '.join(missing)}", advice)
    else:
        yield fine(what, "all that is needed is loaded")


async def clock(patient: Patient) -> AsyncIterator[Finding]:
    """Events carry its time; ours must be the same."""
    if patient.manager is not None and patient.manager.ahead is not None:
        yield clocks_agree("Asterisk's clock", patient.manager.ahead)


def clocks_agree(what: str, ahead: float) -> Finding:
    """`ahead`: seconds that the other clock is before ours."""
    side = "ahead of" if ahead > 0 else "behind"
    said = f"{abs(ahead):.1f} s {side} ours"
    if abs(ahead) > CLOCKS:
        return warning(what, said, "times of calls will be wrong: run NTP on both machines")
    return fine(what, said)


async def trunks(patient: Patient) -> AsyncIterator[Finding]:
    """Names that resolve; and, where Asterisk can be asked, endpoint, contact and addresses."""
    settings = patient.settings
    if not settings.trunks:
        yield fine("trunks", "none: only the demo's phone and agents call")
    for name, trunk in settings.trunks.items():
        what = f"trunk {name}"
        found = [each async for each in _names(what, trunk)]
        if patient.manager is not None:
            found += _registered(what, name, trunk, patient.manager)
            found += [each async for each in _endpoint(what, name, trunk, patient.console)]
        for each in found:
            yield each
        if not found:
            yield fine(what, "as the settings say")


async def _names(what: str, trunk: Trunk) -> AsyncIterator[Finding]:
    hosts = [each for each in trunk.addresses if not re.fullmatch(r"[0-9a-fA-F.:/]+", each)]
    if trunk.dial:
        hosts.append(re.sub(r"\Asips?:(?:[^@]*@)?|[:;].*\Z", "", trunk.dial))
    for host in hosts:
        try:
            async with asyncio.timeout(NAME_SECONDS):
                await asyncio.get_running_loop().getaddrinfo(host, None)
        except (OSError, TimeoutError) as error:
            why = "" if isinstance(error, socket.gaierror) else f" ({type(error).__name__})"
            advice = "mend the name in the settings, or the machine's DNS"
            yield wrong(what, f"{host} has no address{why}", advice)


def _registered(what: str, name: str, trunk: Trunk, there: Manager) -> Iterator[Finding]:
    if not trunk.register:
        return
    found = [status for each, status in there.registrations.items() if name in each]
    if "Registered" not in found:
        said = f"not registered with the carrier ({', '.join(found) or 'not tried'})"
        yield wrong(what, said, f"check dial, user and the password in {trunk.password_env}")


async def _endpoint(
    what: str, name: str, trunk: Trunk, console: Console | None
) -> AsyncIterator[Finding]:
    """What our own Asterisk has; another's does not tell an account without `system` rights."""
    if console is None:
        return
    said = await console(f"pjsip show endpoint {name}")
    if "Unable to find object" in said or "Endpoint:" not in said:
        yield wrong(what, "Asterisk does not know it", "restart Ringdesk: its files are older")
        return
    if trunk.addresses and "Match:" not in said.partition("=====")[2]:
        advice = "calls from its addresses are refused: see Asterisk's log for the identify section"
        yield wrong(what, "no address is known to be the carrier's", advice)
    if trunk.dial and re.search(r"Contact: +\S+ +\S+ +Unavail", said):
        advice = "it does not answer OPTIONS: check its address, the firewall, the NAT settings"
        yield warning(what, "the carrier does not answer", advice)

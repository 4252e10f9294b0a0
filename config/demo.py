"""`ringdesk demo`: everything at once with a demo company, and three links to try it with."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from config import logs
from config.bootstrap import Say, start
from config.parts_of import ALL_ROLES
from config.progress import Progress
from config.running import Running
from config.settings import Settings
from service_desk import demo as company
from service_desk.demo_data import STAFF
from service_desk.desk import Desk
from service_desk.queries.staff import staff_count

LOGINS = "demo_logins.json"


async def serve_demo(settings: Settings, *, say: Say) -> None:
    """Run everything until cancelled, with the demo company in an empty database."""
    settings = msgspec.structs.replace(settings, demo=True)
    if settings.night_switch == "auto":
        # Who tries it on a Sunday evening wants to reach the agent, not the closed menu.
        settings = msgspec.structs.replace(settings, night_switch="open")
    logs.configure("WARNING")
    async with Running() as running:
        await start(settings, ALL_ROLES, running, say=say, prepare=_filler(settings, say))
        running.settle()
        say(_welcome(settings, _logins_kept(settings)))
        await running.until_one_ends()


def _filler(settings: Settings, say: Say) -> Callable[[Desk], Awaitable[None]]:
    async def fill(desk: Desk) -> None:
        if await staff_count(desk) == 0:
            await load_company(desk, folder=settings.data_folder, say=say)

    return fill


async def load_company(desk: Desk, *, folder: Path, say: Say) -> None:
    """Load the demo company; its logins are kept in the data folder for their owner."""
    say("Loading the demo company: 300 customers, 40 products, 2,000 past cases ...")
    passwords = {name: secrets.token_urlsafe(9) for name, *_ in STAFF}
    keep = folder / "secrets" / LOGINS
    keep.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(keep, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump(passwords, out)
    await company.load_demo(
        desk,
        now=desk.clock.now(),
        passwords=passwords,
        progress=Progress(say, "Writing the demo company's past calls"),
    )


def _logins_kept(settings: Settings) -> dict[str, str]:
    """The demo's logins, if this database was filled by the demo here."""
    try:
        kept = json.loads((settings.data_folder / "secrets" / LOGINS).read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): str(password) for name, password in kept.items()}


def _welcome(settings: Settings, logins: dict[str, str]) -> str:
    base = f"http://{_shown(settings.web.host)}:{settings.web.port}"
    rows = [
        ("Agent", "/desk", "ava"),
        ("Supervisor", "/board", "sam"),
        ("Customer's phone", "/phone", ""),
    ]
    lines = ["", f"{settings.company.name} is ready. Open these in three browser tabs:", ""]
    for what, path, name in rows:
        password = logins.get(name, "(ringdesk user password NAME)")
        login = f"   sign in as {name} / {password}" if name else ""
        lines.append(f"  {what:<17} {base}{path}{login}")
    others = ", ".join(f"{n} / {p}" for n, p in logins.items() if n not in {"ava", "sam"})
    if others:
        lines += ["", f"  Also there: {others}"]
    number = next(iter(settings.dids), "1000")
    lines += [
        "",
        f"On the phone dial {number} and follow the menu; answer as the agent (F2).",
        "Two people on one machine: use a private window for the second login.",
        "Ctrl-C ends everything.",
        "",
    ]
    return "\n".join(lines)


def _shown(host: str) -> str:
    """The host as a browser on this machine says it: names as they are, our own as localhost."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost" if address.is_unspecified or address.is_loopback else host

"""Settings turned into what each part of the house is built from; nothing runs here."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from agent_console.context import (
    AgentDevice,
    ConsoleContext,
    DemoCaller,
    PauseReason,
    QueueInfo,
    bare_metrics,
)
from config import parts
from config.dialling import dialling_of
from config.gate.plan import key_of
from config.gate.ticket import ticket_of
from config.problems import Problem
from config.secrets import SecretError, Secrets, open_secrets
from config.settings import Settings
from cti.bridge import AgentPlan, Bridge, QueuePlan
from cti.bus import Bus, InProcessBus
from cti.events import CallFact, Fact
from ivr.counter import Counter, Routes
from ivr.desk import Desk as DeskForMenus
from ivr.flow import Flow
from ivr.loader import FlowErrors, load_flows
from ivr.prompts import Prompts
from ivr.simulate import simulate
from ivr.voice import EspeakVoice
from service_desk.desk import Desk
from service_desk.errors import DatabaseAway
from service_desk.events import DeskEvent
from service_desk.queries.demo_callers import demo_callers
from service_desk.queries.told import told_of_live_calls
from service_desk.settings import DeskSettings, Title

log = structlog.get_logger(__name__)

ALL_ROLES = frozenset({"bridge", "ivr", "web", "live"})
FLOWS = Path(__file__).parent / "flows"
Lock = Callable[[], AbstractAsyncContextManager[None]]


def secrets_of(settings: Settings) -> Secrets:
    """The installation's secrets. Raises Problem."""
    try:
        return open_secrets(settings.data_folder)
    except SecretError as why:
        raise Problem(f"secrets: {why}") from None


def flow_paths(settings: Settings) -> list[Path]:
    """Where the phone menus are: the shipped ones, and `<data>/flows` if it is there."""
    own = settings.data_folder / "flows"
    return [FLOWS, own] if own.is_dir() else [FLOWS]


def flows_of(settings: Settings) -> dict[str, Flow]:
    """The phone menus. Raises Problem with the first mistake, and how many more there are."""
    try:
        flows = load_flows(flow_paths(settings), settings.queues)
    except FlowErrors as errors:
        more = len(errors.errors) - 1
        rest = f" (and {more} more: ringdesk flow check)" if more else ""
        raise Problem(f"the phone menu is refused: {errors.errors[0]}{rest}") from None
    wanted = {did.flow for did in settings.dids.values() if did.flow} | {settings.default_flow}
    if missing := sorted(wanted - set(flows)):
        raise Problem(f"the settings name a flow that is not there: {', '.join(missing)}")
    return flows


def title_of(settings: Settings, queue: str) -> Title:
    """What people call a queue; without a title by its name."""
    title = settings.queues[queue].title
    if isinstance(title, str):
        return Title(en=title or queue)
    return Title(en=title.en, zh=title.zh)


def desk_settings(settings: Settings) -> DeskSettings:
    """What the desk needs of the settings."""
    company = settings.company
    return DeskSettings(
        region=company.country,
        system=settings.system,
        languages=company.languages,
        time_zone=company.time_zone,
        extensions={agent.extension: name for name, agent in settings.agents.items()},
        titles={name: title_of(settings, name) for name in settings.queues},
        # The demo's customer says who it is, and is believed.
        trusted_trunks=frozenset(
            name for name, trunk in settings.trunks.items() if trunk.trust_identity
        )
        | (frozenset({"customer"}) if settings.demo else frozenset()),
    )


def prompts_of(settings: Settings) -> Prompts:
    """The prompts' cache and the voice that fills it. Raises Problem."""
    try:
        voice = EspeakVoice(parts.espeak())
    except parts.PartMissingError as why:
        raise Problem(f"the phone menu's voice: {why}") from None
    return Prompts(settings.data_folder / "prompts", voice)


def counter_of(settings: Settings, flows: dict[str, Flow], prompts: Prompts, desk: Desk) -> Counter:
    """The caller's counter."""
    dids = settings.dids.items()
    return Counter(
        routes=Routes(
            flows=flows,
            dids={number: did.flow for number, did in dids if did.flow},
            queues={number: did.queue for number, did in dids if did.queue},
            default_flow=settings.default_flow,
        ),
        desk=DeskForMenus(
            desk,
            limits={name: queue.max_callers for name, queue in settings.queues.items()},
            system=settings.system,
        ),
        prompts=prompts,
        recordings=settings.recordings_folder,
        zone=ZoneInfo(settings.company.time_zone),
        system=settings.system,
        night=settings.night_switch,
    )


async def demo_callers_of(settings: Settings, desk: Desk) -> tuple[DemoCaller, ...]:
    """Whom the customer's phone may be; nobody where there is no such page."""
    if not settings.demo:
        return ()
    return tuple(
        DemoCaller(number=each.number, name=" · ".join(each.names), note=each.story)
        for each in await demo_callers(desk)
    )


def console_of(
    settings: Settings,
    secrets: Secrets,
    desk: Desk,
    bus: Bus,
    *,
    callers: tuple[DemoCaller, ...] = (),
    metrics: Callable[[], Awaitable[bytes]] = bare_metrics,
) -> ConsoleContext:
    """What the agents' counter stands on."""
    return ConsoleContext(
        desk=desk,
        bus=bus,
        company=settings.company.name,
        sip_secret=secrets.sip_password,
        recordings=settings.recordings_folder,
        languages=settings.company.languages,
        time_zone=settings.company.time_zone,
        system=settings.system,
        live_url=settings.live.url or f"ws://{{host}}:{settings.live.port}/live",
        ticket=partial(ticket_of, key_of(secrets.cookie_key)),
        sip_url=settings.gate.url or f"ws://{{host}}:{settings.gate.port}/ws",
        origins=settings.page_origins,
        cookie_secure=settings.cookie_secure,
        proxies=settings.web.proxies,
        demo=settings.demo,
        demo_callers=callers,
        metrics=metrics,
        hotline=next(iter(settings.dids), ""),
        agents={
            name: AgentDevice(
                name=name,
                extension=agent.extension,
                label=agent.name,
                kind=agent.device.kind,
                queues=tuple(agent.queues),
            )
            for name, agent in settings.agents.items()
        },
        queues={
            name: QueueInfo(
                name=name,
                title=title_of(settings, name),
                threshold=queue.threshold,
                wrap_up=queue.wrap_up,
            )
            for name, queue in settings.queues.items()
        },
        pause_reasons={
            code: PauseReason(
                code=code,
                labels={"en": reason.en, "zh": reason.zh or reason.en},
                limit_minutes=reason.limit_minutes or None,
            )
            for code, reason in settings.pause_reasons.items()
        },
    )


def play_flow(
    settings: Settings,
    flows: dict[str, Flow],
    name: str,
    *,
    caller: str,
    at: object,
    reason: str,
) -> None:
    """Play a flow between this terminal and a canned desk."""
    zone = ZoneInfo(settings.company.time_zone)
    when = at if isinstance(at, datetime) else None
    simulate(
        flows[name],
        sys.stdin,
        sys.stdout,
        lambda: when or datetime.now(zone),
        caller_number=caller,
        reason=reason,
    )


def bus_of(settings: Settings, roles: frozenset[str], *, apart: bool) -> Bus:
    """The bus: within this process, or over Redis. Raises Problem if it cannot serve the roles.

    `apart`: there are other processes with the other roles.
    """
    url = settings.bus.url
    if url.startswith("redis"):
        from cti.redis_bus import RedisBus  # noqa: PLC0415 - only installations with Redis need it

        return RedisBus(url, events=(Fact, DeskEvent))
    if apart and not roles <= {"web"}:
        raise Problem(
            "roles that run apart need a bus between them: set `bus: {url: redis://...}`"
            " (or RINGDESK_REDIS_URL)"
        )
    return InProcessBus()


def _agent_plans(settings: Settings) -> dict[str, AgentPlan]:
    """The agents, as the bridge knows them."""
    return {
        name: AgentPlan(
            name=name,
            extension=agent.extension,
            queues=dict(agent.queues),
            desk_phone=agent.device.kind == "phone",
        )
        for name, agent in settings.agents.items()
    }


def _queue_plans(settings: Settings) -> dict[str, QueuePlan]:
    """The queues, as the bridge knows them."""
    return {
        name: QueuePlan(
            name=name,
            threshold=queue.threshold,
            ring=queue.ring,
            missed_limit=queue.missed_limit,
            ring_all=queue.strategy == "ringall",
            wrap_up=queue.wrap_up,
        )
        for name, queue in settings.queues.items()
    }


def bridge_to(settings: Settings, secrets: Secrets, bus: Bus, **rest: Any) -> Bridge:
    """The bridge to this installation's Asterisk, with nothing behind it; `rest` as it takes it."""
    ami = settings.asterisk.ami
    return Bridge.over_ami(
        ami.host,
        ami.port,
        ami.user,
        secrets.ami_password,
        bus,
        system=settings.system,
        agents=_agent_plans(settings),
        queues=_queue_plans(settings),
        **rest,
    )


def bridge_of(settings: Settings, secrets: Secrets, bus: Bus, desk: Desk, *, lock: Lock) -> Bridge:
    """The bridge to this installation's Asterisk; `lock` is held while it acts."""

    async def recall() -> list[CallFact]:
        try:
            return await told_of_live_calls(desk, settings.system)
        except DatabaseAway as why:  # Asterisk itself tells most of it, if less exactly
            log.warning("bridge.nothing_recalled", why=str(why))
            return []

    return bridge_to(
        settings,
        secrets,
        bus,
        zone=ZoneInfo(settings.company.time_zone),
        lock=lock,
        recall=recall,
        reach=dialling_of(settings).reach,
    )

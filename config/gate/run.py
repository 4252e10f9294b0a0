"""A process that is a gate: its listener, its health port, its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from config import descriptors, logs
from config.gate.plan import Plan
from config.gate.server import Gate
from config.health import Health
from config.settings import Settings

ROLE: Final = "gate"


async def run_gate(
    plan: Plan,
    *,
    say: Callable[[str], object],
    pid_file: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> None:
    """Until cancelled. `pid_file` is written once it listens. Raises OSError if it cannot."""
    logs.configure()
    files = descriptors.raise_limit()
    bounds = descriptors.bounds_of(ROLE, files, {ROLE}, trusted=plan.proxies)
    gate = Gate(plan, bounds)
    async with AsyncExitStack() as stack:
        health = Health(_settings(plan), frozenset({ROLE}), environment)
        health.check("Asterisk", gate.trouble)
        provide = health.metrics.provide
        both = (bounds, health.bounds)
        provide("ringdesk_connections", lambda: {b.name: b.held for b in both})
        provide("ringdesk_connections_refused", lambda: {b.name: b.refused for b in both})
        provide("ringdesk_gate_refused", lambda: dict(gate.refusals))
        health.metrics.alarm("descriptors_low", descriptors.nearly_out)
        await stack.enter_async_context(health)
        await gate.start()
        stack.push_async_callback(gate.close)
        if pid_file is not None:
            _write(pid_file, str(os.getpid()))
        health.ready()
        say("Ringdesk is ready: gate. Ctrl-C ends it.")
        await gate.keep()


def _settings(plan: Plan) -> Settings:
    """As much of them as a health port is made of."""
    return replace(Settings(queues={}), health=plan.health)


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(file)

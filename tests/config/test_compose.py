"""The compose file fits the settings, the images and the proxy that it brings together."""

from __future__ import annotations

import asyncio
import os
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.doctor_here import SIP_HOST
from config.gate.plan import plan_of
from config.health import port_of
from config.pbx import Place, render
from config.secrets import open_cookie_key, open_secrets
from config.settings import Settings, load
from tests.polling import until

CHECKOUT = Path(__file__).resolve().parents[2]
DOCKER = CHECKOUT / "config" / "docker"


@pytest.fixture
def services() -> dict[str, Any]:
    """What docker-compose.yml starts."""
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
    return dict(found["services"])


@pytest.fixture
def settings() -> Settings:
    """The settings it starts with."""
    return load(DOCKER / "ringdesk.yaml", {})


def test_asterisk_has_a_name_that_browser_phones_answer(services: dict[str, Any]) -> None:
    """The container's id, which it would have else, may begin with a digit: no SIP host name."""
    assert SIP_HOST.match(services["asterisk"]["hostname"])


def test_asterisk_waits_for_todays_files(services: dict[str, Any]) -> None:
    """The volume still holds the last start's: only a healthy Ringdesk has rendered."""
    assert services["asterisk"]["depends_on"] == {"ringdesk": {"condition": "service_healthy"}}


def test_settings_of_ones_own_need_no_new_image(services: dict[str, Any]) -> None:
    mounts = [each for each in services["ringdesk"]["volumes"] if isinstance(each, dict)]
    assert [each["source"] for each in mounts] == [
        "${SETTINGS_FILE:-./config/docker/ringdesk.yaml}"
    ]
    used = re.search(r"RINGDESK_SETTINGS=(\S+)", (DOCKER / "Dockerfile").read_text())
    assert used is not None
    assert mounts[0]["target"] == used[1]


def test_what_is_published_is_what_asterisk_and_the_proxy_use(
    services: dict[str, Any], settings: Settings
) -> None:
    published = {name: each["ports"] for name, each in services.items() if "ports" in each}
    sip, rtp = settings.asterisk.sip.port, settings.asterisk.rtp
    media = f"{rtp.first}-{rtp.last}"
    assert published == {
        "asterisk": [f"{sip}:{sip}/udp", f"{media}:{media}/udp"],
        "proxy": ["${HTTPS_PORT:-443}:8443"],
    }


def test_browsers_are_told_the_public_address_for_the_containers(
    services: dict[str, Any], tmp_path: Path
) -> None:
    """Uncommenting the one line is all: own address and networks are those of the compose file."""
    line = "    # public_address: 203.0.113.7\n"
    text = (DOCKER / "ringdesk.yaml").read_text()
    assert line in text
    (tmp_path / "s.yaml").write_text(text.replace(line, line.replace("# ", "")))
    settings = load(tmp_path / "s.yaml", {})
    own = services["asterisk"]["networks"]["inner"]["ipv4_address"]
    place = Place(etc=tmp_path, own=False)
    render(settings, tmp_path, secrets=open_secrets(tmp_path, {}), environment={}, place=place)
    assert f"{own} => 203.0.113.7" in (tmp_path / "rtp.conf").read_text()
    assert "external_media_address = 203.0.113.7" in (tmp_path / "pjsip.conf").read_text()


def test_every_service_says_how_it_is(services: dict[str, Any]) -> None:
    assert [name for name, each in services.items() if "healthcheck" not in each] == []


def test_every_secret_it_wants_is_one_that_make_env_writes(services: dict[str, Any]) -> None:
    wanted = set(re.findall(r"\$\{(\w+):\?", (CHECKOUT / "docker-compose.yml").read_text()))
    assert wanted
    assert all(f'"{name}"' in (CHECKOUT / "Makefile").read_text() for name in wanted)


def test_the_proxy_carries_the_pages_and_both_websockets(settings: Settings) -> None:
    text = (DOCKER / "Caddyfile").read_text()
    for path, port in (
        ("handle /live", settings.live.port),
        ("handle /ws", settings.gate.port),
        ("handle", settings.web.port),
    ):
        assert re.search(rf"{path} \{{\s+reverse_proxy \w+:{port}\s", text)


def test_browsers_telephones_come_by_the_gate(services: dict[str, Any], settings: Settings) -> None:
    """It needs the settings and the key of its tickets; nothing leads past it to Asterisk."""
    gate = services["gate"]
    assert gate["command"] == ["gate"]
    assert list(gate["environment"]) == ["RINGDESK_COOKIE_KEY"]
    assert gate["image"] == services["ringdesk"]["image"]
    assert [each for each in services["ringdesk"]["volumes"] if each in gate["volumes"]]
    caddy = (DOCKER / "Caddyfile").read_text()
    assert "reverse_proxy gate:" in caddy
    assert "asterisk:" not in caddy
    assert (settings.asterisk.http.host, settings.asterisk.http.bind) == ("asterisk", "0.0.0.0")
    port = port_of(settings, frozenset({"gate"}), {})
    assert f":{port}/readyz" in gate["healthcheck"]["test"][-1]


def test_the_gate_starts_with_no_more_than_that(services: dict[str, Any], tmp_path: Path) -> None:
    """No folder is made, no other secret is asked for."""
    key = open_cookie_key(tmp_path / "none", {"RINGDESK_COOKIE_KEY": "k" * 40})
    assert plan_of(load(DOCKER / "ringdesk.yaml", {}), key).asterisk == "asterisk"
    assert not (tmp_path / "none").exists()


async def test_the_logs_in_asterisks_container_stay_small(tmp_path: Path) -> None:
    """Put away by Asterisk, four of each kept; seen with an Asterisk that only renames."""
    logs, programs = tmp_path / "logs", tmp_path / "bin"
    (logs / "cdr-csv").mkdir(parents=True)
    programs.mkdir()
    fakes = {
        "sleep": "exec /bin/sleep 0.05",
        "asterisk": f'[ "$4" = "logger rotate" ] && mv {logs}/messages.log {logs}/messages.log.0',
    }
    for name, text in fakes.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", str(DOCKER / "logs.sh"), str(logs)),
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
    )
    try:
        for _ in range(7):
            for name in ("messages.log", "cdr-csv/Master.csv"):
                with (logs / name).open("wb") as file:
                    file.truncate(17 * 1024 * 1024)
                there = partial(asyncio.to_thread, (logs / name).exists)
                await until(there, lambda still: not still, every=0.02)
        put_away = partial(asyncio.to_thread, _put_away, logs)
        left = await until(put_away, lambda found: len(found) <= 8, every=0.05)
        assert {name.partition(".")[0] for name in left} == {"messages", "Master"}
    finally:
        process.kill()
        await process.wait()


def _put_away(logs: Path) -> list[str]:
    return [file.name for file in (*logs.glob("*.log.*"), *logs.glob("cdr-csv/*.csv.*"))]


def test_the_proxy_serves_an_address_and_announces_no_port_that_is_not_published() -> None:
    """A browser names no server when it asks for an address; HTTP/3 would be on the inner port."""
    text = (DOCKER / "Caddyfile").read_text()
    assert "default_sni {$RINGDESK_HOST:localhost}" in text
    assert "protocols h1 h2\n" in text

"""`/healthz`, `/readyz` and `/metrics` of each role, on a port of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from agent_console.access import may_read_metrics
from config.health import Health, port_of
from config.problems import Problem
from config.settings import load
from config.settings_checks import HEALTH_PORTS
from tests.config.outside import Command, Site, ringdesk

SECONDS = 30.0
ALL = frozenset({"bridge", "ivr", "web", "live"})


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text; (0, "") while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def until(port: int, path: str, status: int) -> str:
    deadline = time.monotonic() + SECONDS
    while (found := ask(port, path))[0] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found[1]


EACH = ("bridge", "ivr", "web", "live", "gate")


def test_each_role_has_a_port_of_its_own(site: Site) -> None:
    settings = load(site.file)
    first = settings.health.port
    ports = [port_of(settings, frozenset({role}), {}) for role in EACH]
    assert [port_of(settings, ALL, {}), *ports] == list(range(first, first + HEALTH_PORTS))
    assert port_of(settings, frozenset({"web"}), {"RINGDESK_HEALTH_PORT": "9999"}) == 9999
    for said in ("70000", "-1", "http"):
        with pytest.raises(Problem, match="RINGDESK_HEALTH_PORT"):
            port_of(settings, ALL, {"RINGDESK_HEALTH_PORT": said})
    site.config["health"] = {"port": 0}
    site.write()
    assert port_of(load(site.file), frozenset({"web"}), {}) == 0


def test_the_pages_alone_are_ready_and_show_their_figures(site: Site) -> None:
    ringdesk("db", "migrate", "-s", site.file)
    web = Command(("web", "-s", site.file))
    port = site.config["health"]["port"] + 3
    until(port, "/readyz", 200)
    assert ask(port, "/healthz") == (200, "ok\n")
    page = ask(port, "/metrics")[1]
    assert "ringdesk_database_up 1.0" in page
    assert "ringdesk_info{version=" in page
    assert "ringdesk_event_lag" not in page  # nothing of the telephone passes here
    os.kill(web.pid, signal.SIGTERM)
    assert web.end().status == 0


def test_a_bridge_without_asterisk_lives_but_is_not_ready(site: Site, redis_url: str) -> None:
    """It says why, and the alarm is on."""
    site.config |= {"bus": {"url": redis_url}, "system": "alone"}
    site.config["asterisk"]["mode"] = "external"
    site.write()
    bridge = Command(("bridge", "-s", site.file))
    port = site.config["health"]["port"] + 1
    assert until(port, "/healthz", 200) == "ok\n"
    assert until(port, "/readyz", 503) == "starting\n"
    deadline = time.monotonic() + SECONDS
    while ask(port, "/readyz")[1] != "Asterisk: not connected\n":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    page = ask(port, "/metrics")[1]
    assert "ringdesk_link_up 0.0" in page
    assert 'ringdesk_alarms{kind="link_down"} 1.0' in page
    os.kill(bridge.pid, signal.SIGTERM)
    assert bridge.end().status == 0


async def test_a_port_that_is_taken_stops_nothing_and_is_had_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a bridge that stands by takes over the port too."""
    settings = load(site.file)
    monkeypatch.setattr("config.health.AGAIN_AFTER", 0.01)
    taken = socket.socket()
    taken.bind(("127.0.0.1", settings.health.port))
    taken.listen()
    with capture_logs() as lines:
        async with Health(settings, ALL, {}) as health:
            assert not health.serving.is_set()
            assert [line["event"] for line in lines] == ["health.not_served"]
            taken.close()
            async with asyncio.timeout(SECONDS):
                await health.serving.wait()
            assert (await asyncio.to_thread(ask, health.port, "/healthz"))[0] == 200
    assert [line["event"] for line in lines] == ["health.not_served", "health.served"]


async def test_the_figures_are_not_for_everybody(site: Site) -> None:
    """Only for networks that are named, or with the token; whether we live anybody may know."""
    site.config["health"]["allow"] = ["10.0.0.0/8"]
    site.write()
    settings = load(site.file)
    token = "a token of some length"
    async with Health(settings, ALL, {"RINGDESK_METRICS_TOKEN": token.replace(" ", "-")}) as health:
        assert (await asyncio.to_thread(ask, health.port, "/metrics"))[0] == 403
        assert (await asyncio.to_thread(ask, health.port, "/healthz"))[0] == 200


@pytest.mark.parametrize(
    ("address", "header", "allowed"),
    [
        ("10.1.2.3", "", True),
        ("::ffff:10.1.2.3", "", True),
        ("192.0.2.1", "", False),
        ("192.0.2.1", "Bearer right", True),
        ("10.1.2.3", "Bearer wrong", False),
        ("10.1.2.3", "Bearer ", False),
        ("192.0.2.1", "Basic right", False),
        ("nowhere", "", False),
    ],
)
def test_who_may_read_the_figures(address: str, header: str, allowed: bool) -> None:
    assert may_read_metrics(address, header, ["10.0.0.0/8"], "right") is allowed


def test_without_a_token_none_fits() -> None:
    assert not may_read_metrics("192.0.2.1", "Bearer ", ["10.0.0.0/8"], "")


def test_a_port_of_the_pages_is_none_of_health(site: Site) -> None:
    site.config["web"]["port"] = site.config["health"]["port"] + 2
    site.write()
    assert "health.port" in ringdesk("db", "check", "-s", site.file).refused_with()

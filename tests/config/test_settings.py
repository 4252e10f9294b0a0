"""Settings: what is shipped loads, and each mistake is one line with file, line, key, allowed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from config.gate.plan import plan_of
from config.gate.ticket import name_on
from config.parts_of import console_of
from config.secrets import Secrets
from config.settings import Settings, load
from cti.bus import InProcessBus
from ivr.located_yaml import LocatedError
from service_desk.desk import Desk

GOOD = """\
queues:
  support: {}
  sales: {overflow: support}
agents:
  ava: {extension: "101", queues: {support: 0}}
"""


def load_text(tmp_path: Path, text: str, **environment: str) -> Settings:
    """Load settings that say `text`."""
    file = tmp_path / "ringdesk.yaml"
    file.write_text(text)
    return load(file, environment)


def test_what_is_shipped_loads(checkout: Path) -> None:
    settings = load(checkout / "config" / "ringdesk.yaml", {})
    assert set(settings.agents) == {"ava", "ben", "carla"}
    assert settings.dids["1000"].flow == "main"
    assert settings.dids["2000"].queue == "support"
    assert settings.agents["carla"].extension == "103"


def test_the_compose_files_proxy_is_believed_by_the_pages(checkout: Path) -> None:
    """Else all browsers have the proxy's address, and one's wrong passwords lock out everybody."""
    settings = load(checkout / "config" / "docker" / "ringdesk.yaml", {})
    secrets = Secrets(ami_password="a" * 32, sip_base="b" * 32, cookie_key="c" * 32)
    console = console_of(settings, secrets, cast(Desk, None), InProcessBus())
    assert console.proxies == ("172.28.77.0/24",)


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = load_text(tmp_path, GOOD)
    with pytest.raises(AttributeError):
        settings.system = "other"


def test_the_database_is_in_the_data_folder_unless_said(tmp_path: Path) -> None:
    settings = load_text(tmp_path, GOOD + "data: {folder: /srv/ringdesk}\n")
    assert settings.database.url == "sqlite+aiosqlite:////srv/ringdesk/ringdesk.db"


def test_the_environment_replaces_what_differs_between_machines(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        GOOD,
        RINGDESK_DATABASE_URL="postgresql+asyncpg://u@db/x",
        RINGDESK_REDIS_URL="redis://cache",
        RINGDESK_DATA="/data",
    )
    assert settings.database.url == "postgresql+asyncpg://u@db/x"
    assert settings.bus.url == "redis://cache"
    assert settings.recordings_folder == Path("/data/recordings")


def test_somebody_elses_asterisk_may_listen_to_a_network(tmp_path: Path) -> None:
    said = "asterisk: {mode: external, http: {host: pbx, bind: 0.0.0.0}}\n"
    http = load_text(tmp_path, GOOD + said).asterisk.http
    assert (http.host, http.bind) == ("pbx", "0.0.0.0")


def test_pages_are_told_the_gate_and_get_tickets_it_takes(tmp_path: Path) -> None:
    settings = load_text(tmp_path, GOOD + "gate: {port: 8090}\n")
    secrets = Secrets(ami_password="a" * 32, sip_base="b" * 32, cookie_key="c" * 32)
    console = console_of(settings, secrets, cast(Desk, None), InProcessBus())
    assert console.sip_url == "ws://{host}:8090/ws"
    plan = plan_of(settings, secrets.cookie_key)
    until = datetime(2026, 12, 1, tzinfo=UTC)
    ticket = console.ticket("ava", until)
    assert name_on(bytes.fromhex(plan.key), ticket, until.timestamp()) == "ava"
    assert console.origins == plan.origins == ("http://{host}:8080",)
    assert load_text(tmp_path, GOOD + "gate: {url: 'wss://{host}/ws'}\n").gate.url


def test_a_range_makes_many_agents(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        GOOD
        + """\
agent_ranges:
  - prefix: load
    count: 100
    contact: sip:{name}@127.0.0.1:7000
    extension_from: 5001
    queues: {sales: 1}
    signed_in: true
""",
    )
    last = settings.agents["load100"]
    assert last.extension == "5100"
    assert last.device.uri == "sip:load100@127.0.0.1:7000"
    assert last.signed_in
    assert last.queues == {"sales": 1}
    assert len(settings.agents) == 101


MISTAKES = {
    "Asterisk's websocket for all": (
        "asterisk: {http: {bind: 0.0.0.0}}\n",
        6,
        "asterisk.http.bind",
        "come by gate.host",
    ),
    "the gate's way past itself": (
        "asterisk: {http: {host: 192.0.2.7}}\n",
        6,
        "asterisk.http.host",
        "come by gate.host",
    ),
    "the gate at the pages' port": ("gate: {port: 8080}\n", 6, "gate.port", "already web.port"),
    "browsers taken for a carrier": (
        "trunks: {one: {addresses: [127.0.0.0/8]}}\n",
        6,
        "trunks.one.addresses",
        "127.82.68.71",
    ),
    "unknown key": ("colour: red\n", 6, "colour", "allowed: system"),
    "wrong type": ("web: {port: many}\n", 6, "web.port", "int"),
    "port too large": ("web: {port: 70000}\n", 6, "web.port", "65535"),
    "time zone": ("company: {time_zone: Mars/Base}\n", 6, "company.time_zone", "Europe/Berlin"),
    "country": ("company: {country: XX}\n", 6, "company.country", "two capital letters"),
    "language": ("company: {languages: [fr]}\n", 6, "company.languages", "allowed: en, zh"),
    "database": ("database: {url: mysql://x}\n", 6, "database.url", "postgresql+asyncpg"),
    "bus": ("bus: {url: kafka://x}\n", 6, "bus.url", "allowed: memory://"),
    "queue of a number": (
        'dids:\n  "2000": {queue: suport}\n',
        7,
        "dids.2000.queue",
        "allowed: support, sales",
    ),
    "number of nothing": ('dids:\n  "2000": {}\n', 7, "dids.2000", "one of them"),
    "number with a comma": ('dids:\n  "20,00": {flow: main}\n', 7, "dids.20,00", "digits"),
    "default queue": ("default_queue: none\n", 6, "default_queue", "allowed: support, sales"),
    "system's name": ("system: Ring Desk\n", 6, "system", "small letter"),
    "ports equal": ("web: {port: 9000}\nlive: {port: 9000}\n", 7, "live.port", "web.port"),
    "sip among rtp": ("asterisk: {sip: {port: 10500}}\n", 6, "asterisk.sip.port", "10000"),
    "rtp empty": ("asterisk: {rtp: {from: 9000, to: 9001}}\n", 6, "asterisk.rtp.to", "ten more"),
    "own address": (
        "asterisk: {sip: {own_address: pbx.example, public_address: 203.0.113.7}}\n",
        6,
        "asterisk.sip.own_address",
        "not an address",
    ),
    "public address": (
        "asterisk: {sip: {own_address: 10.0.0.7, public_address: pbx.example}}\n",
        6,
        "asterisk.sip.public_address",
        "not an address",
    ),
    "proxies": ("web: {proxies: [here]}\n", 6, "web.proxies.0", "10.0.0.0/8"),
    "permit": ("asterisk: {ami: {permit: [here]}}\n", 6, "asterisk.ami.permit.0", "10.0.0.0/8"),
    "trunk of nothing": ("trunks:\n  carrier: {}\n", 7, "trunks.carrier", "addresses"),
    "trunk with an agent's name": (
        "trunks:\n  ava: {dial: 'sip:x.example'}\n",
        7,
        "trunks.ava",
        "already an agent",
    ),
    "trunk's address": (
        "trunks:\n  c: {dial: 'sip:x.example)'}\n",
        7,
        "trunks.c.dial",
        "not a SIP address",
    ),
    "outbound": ("outbound: carrier\n", 6, "outbound", "no trunk"),
    "range over an agent": (
        "agent_ranges:\n"
        "  - {prefix: av, first: 0, count: 1, contact: 'sip:x@y', extension_from: 101}\n",
        7,
        "agent_ranges.0.extension_from",
        "already ava's",
    ),
    "pause of ours": ("pause_reasons:\n  wrap-up: {en: x}\n", 7, "pause_reasons.wrap-up", "own"),
    "pause reason": ("pause_reasons:\n  lunch: {zh: 午餐}\n", 7, "pause_reasons.lunch", "en"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_that_says_what_is_allowed(tmp_path: Path, name: str) -> None:
    text, line, key, allowed = MISTAKES[name]
    with pytest.raises(LocatedError) as caught:
        load_text(tmp_path, GOOD + text)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"{tmp_path / 'ringdesk.yaml'}:{line}: {key}"), said
    assert allowed in said, said


@pytest.mark.parametrize("name", ["Ava\\nB", "Ava; B", "Ava\\tB"])
def test_a_name_that_would_not_fit_a_line_of_asterisks_is_refused(
    tmp_path: Path, name: str
) -> None:
    text = GOOD.replace('extension: "101"', f'extension: "101", name: "{name}"')
    with pytest.raises(LocatedError, match=r":5: agents\.ava\.name"):
        load_text(tmp_path, text)


AGENT_MISTAKES = {
    "Ava": 'extension: "102"',
    "customer": 'extension: "102"',
    "ben;": 'extension: "102"',
    "ben": 'extension: "101"',
    "bob": 'extension: "1x"',
    "bea": 'extension: "102", queues: {nowhere: 0}',
    "bud": 'extension: "102", device: {kind: contact}',
    "bis": 'extension: "102", device: {kind: contact, uri: "sip:a@b,c"}',
    "bay": 'extension: "102", device: {kind: phone, uri: "sip:a@b"}',
}


@pytest.mark.parametrize("name", AGENT_MISTAKES)
def test_an_agent_that_cannot_be_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LocatedError, match=r":6: agents\."):
        load_text(tmp_path, f"{GOOD}  '{name}': {{{AGENT_MISTAKES[name]}}}\n")


def test_overflow_does_not_go_round(tmp_path: Path) -> None:
    text = "default_queue: a\nqueues:\n  a: {overflow: b}\n  b: {overflow: a}\n"
    with pytest.raises(LocatedError, match="a > b > a"):
        load_text(tmp_path, text)


def test_a_password_in_an_address_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(LocatedError) as caught:
        load_text(tmp_path, GOOD, RINGDESK_DATABASE_URL="mysql://u:hunter2@db/x")
    assert "hunter2" not in str(caught.value)

"""What `ringdesk doctor` looks at, what it says is to be done, and what it leaves to others."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from config import doctor, doctor_asterisk, doctor_here, media, parts_of
from config.doctor_asterisk import NEEDED, clocks_agree
from config.findings import Finding, Manager, Patient
from config.media import Media, OwnName
from config.own_asterisk import OwnAsterisk
from config.settings import Settings, load
from service_desk.migrations import migrate, newest
from tests.config.outside import Site, ringdesk

PERFECT = Manager(
    boot="2026-11-21 12:00:00",
    version="22.10.1+dfsg",
    system="outside",
    ahead=0.01,
    actions=frozenset({*NEEDED, "StopMixMonitor", "PJSIPQualify", "PJSIPHangup"}),
)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def of(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [each async for each in findings]


async def only(findings: AsyncIterator[Finding]) -> Finding:
    found = await of(findings)
    assert len(found) == 1, found
    return found[0]


def patient(site: Site, **more: Any) -> Patient:
    site.write()
    return Patient(load(site.file), **more)


def said_by(**change: Any) -> Manager:
    return msgspec.structs.replace(PERFECT, **change)


async def test_a_rendered_endpoint_that_anybody_could_be_is_wrong(site: Site) -> None:
    one = patient(site)
    assert (await only(doctor_here.doors(one))).ok
    etc = one.settings.data_folder / "asterisk" / "etc"
    etc.mkdir(parents=True)
    (etc / "pjsip.conf").write_text("[dora]\ntype = endpoint\naors = dora\n")
    found = await only(doctor_here.doors(one))
    assert not found.ok
    assert "dora: no password" in found.said


def test_nobody_is_left_alone_with_a_finding() -> None:
    with pytest.raises(ValueError, match="what is to be done"):
        Finding(what="disk", said="full", state="wrong")


async def test_one_check_that_breaks_hides_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(_patient: Patient) -> AsyncIterator[Finding]:
        yield Finding(what="x", said="before")
        raise RuntimeError("unforeseen")

    async def nothing(_patient: Patient) -> None: ...

    monkeypatch.setattr(doctor_asterisk, "ask", nothing)
    monkeypatch.setattr(doctor, "TABLE", (("x", breaks), ("pages", doctor_here.pages)))
    found = await doctor.examine(Path(site.file))
    assert [each.what for each in found] == ["settings", "x", "x", "pages"]
    assert "unforeseen" in found[2].said
    assert not found[2].ok


# This machine


@pytest.mark.parametrize(
    ("asked", "bound", "words"),
    [
        (OwnName(True, 0.01), Media(), "ok: found in"),
        (OwnName(False, 0.01), Media("127.0.0.1", "10.0.0.7"), "warning: goes by 10.0.0.7"),
        (OwnName(True, 3.0), Media("127.0.0.1", "10.0.0.7"), "warning: takes long"),
        (OwnName(False, 0.01), Media("127.0.0.1", ""), "wrong: each call waits"),
        (OwnName(False, 5.0), Media(), "wrong: each call waits"),
    ],
)
async def test_a_host_whose_name_resolves_nowhere_or_slowly_is_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, asked: OwnName, bound: Media, words: str
) -> None:
    monkeypatch.setattr(media, "own_name", lambda _: asked)
    monkeypatch.setattr(media, "media_of", lambda _: bound)
    said = await only(doctor_here.own_name(patient(site)))
    state, _, part = words.partition(": ")
    assert said.state == state
    assert part in said.said
    if state != "ok":
        assert f"127.0.1.1 {socket.gethostname()}" in said.advice
    site.config["asterisk"]["mode"] = "external"
    assert await of(doctor_here.own_name(patient(site))) == []


@pytest.mark.parametrize("name", ["pbx1", "vm", "my_pc", "1a.pbx.example", "192.0.2.7"])
def test_a_host_name_that_browser_phones_can_read(name: str) -> None:
    assert doctor_here.SIP_HOST.match(name)


@pytest.mark.parametrize("name", ["470d5c7ae00c", "3com-pbx", "pbx.3com", "-pbx", "pbx.", ""])
def test_a_host_name_that_browser_phones_do_not_answer(name: str) -> None:
    assert not doctor_here.SIP_HOST.match(name)


async def test_somebody_elses_asterisk_need_not_be_on_this_machine(site: Site) -> None:
    site.config["asterisk"]["mode"] = "external"
    there = patient(site)
    assert [each.what for each in await of(doctor_here.versions(there))] == ["Ringdesk"]
    assert await of(doctor_here.host_name(there)) == []


async def test_our_own_asterisk_needs_a_host_name_for_browser_phones(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "470d5c7ae00c")
    said = await only(doctor_here.host_name(patient(site)))
    assert not said.ok
    assert "begins with a letter" in said.advice


async def test_the_voice_speaks_each_language_of_the_menu(
    site: Site, espeak: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = patient(site)
    assert (await only(doctor_here.voice(there))).said == "en, zh"

    async def silent(*_given: object) -> bytes:
        raise OSError

    monkeypatch.setattr(doctor_here.EspeakVoice, "speak", silent)
    assert "does not speak en" in (await only(doctor_here.voice(there))).said


async def test_secrets_that_others_may_read_are_a_warning(site: Site) -> None:
    there = patient(site)
    assert (await only(doctor_here.secrets(there))).state == "ok"
    (site.data / "secrets/cookie_key").chmod(0o644)
    said = await only(doctor_here.secrets(there))
    assert said.state == "warning"
    assert "cookie_key" in said.said


async def test_each_folder_has_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    there = patient(site)
    assert [each.what for each in await of(doctor_here.folders(there))] == [
        "data folder",
        "recordings",
        "call records",
    ]
    monkeypatch.setattr(doctor_here, "LEAST_FREE", 10**18)
    full = await of(doctor_here.folders(there))
    assert all("make room" in each.advice for each in full)
    assert {each.state for each in full} == {"wrong"}
    (site.folder / "data").write_text("a file")
    assert all("not writable" in each.said for each in await of(doctor_here.folders(there)))


async def test_the_database_is_looked_at_and_left_as_it_is(site: Site) -> None:
    """None yet; in order; of an older program; of a newer one. Nothing is migrated."""
    there = patient(site)
    file = site.data / "ringdesk.db"
    assert "none yet" in (await only(doctor_here.database(there))).said
    assert not file.exists()
    await migrate(there.settings.database.url)
    assert (await only(doctor_here.database(there))).said == f"sqlite, schema {newest()}"
    for revision, state, words in (
        ("0001", "warning", "the next start migrates it"),
        ("9999_future", "wrong", "newer version"),
    ):
        with sqlite3.connect(file) as database:
            database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.close()
        said = await only(doctor_here.database(there))
        assert (said.state, words in said.said) == (state, True), said
        with sqlite3.connect(file) as database:
            found = database.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        database.close()
        assert found == revision


async def test_a_server_database_has_a_clock(site: Site, postgres_url: str) -> None:
    site.config["database"] = {"url": postgres_url}
    there = patient(site)
    assert (await only(doctor_here.database(there))).advice.endswith("`ringdesk db migrate`")
    await migrate(postgres_url)
    schema, clock = await of(doctor_here.database(there))
    assert schema.said.startswith("postgresql")
    assert (clock.what, clock.state) == ("database's clock", "ok")


async def test_a_port_of_another_program_and_one_of_ours(site: Site) -> None:
    there = patient(site)
    free = await only(doctor_here.ports(there))
    assert str(site.config["live"]["port"]) in free.said
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", site.config["live"]["port"]))
        taken.listen()
        found = await of(doctor_here.ports(there))
        assert [each.state for each in found] == ["wrong", "ok"]
        assert "`live.port`" in found[0].said

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok\n")

        def log_message(self, *_given: object) -> None: ...

    with HTTPServer(("127.0.0.1", site.config["web"]["port"]), Healthy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        found = await of(doctor_here.ports(there))
        server.shutdown()
        thread.join()
    assert {each.state for each in found} == {"ok"}
    assert any("Ringdesk runs" in each.said for each in found)


async def test_redis_is_asked_where_there_is_one(site: Site, redis_url: str) -> None:
    assert await of(doctor_here.bus(patient(site))) == []
    site.config["bus"] = {"url": redis_url}
    assert (await only(doctor_here.bus(patient(site)))).state == "ok"
    site.config["bus"] = {"url": "redis://127.0.0.1:1/0"}
    assert (await only(doctor_here.bus(patient(site)))).state == "wrong"


# Asterisk, as its manager tells


@pytest.mark.parametrize(
    ("actions", "state", "said"),
    [
        (PERFECT.actions, "ok", "no more"),
        (PERFECT.actions - {"Originate"}, "wrong", "may not Originate"),
        (PERFECT.actions | {"Command"}, "warning", "Command"),
        (PERFECT.actions | {"UpdateConfig", "Reload"}, "warning", "more than it needs"),
    ],
)
async def test_the_account_may_what_it_needs_and_no_more(
    site: Site, actions: frozenset[str], state: str, said: str
) -> None:
    found = await only(doctor_asterisk.rights(patient(site, manager=said_by(actions=actions))))
    assert (found.state, said in found.said) == (state, True), found


def test_the_table_of_rights_knows_every_action_of_ours(checkout: Path) -> None:
    """Whoever sends a new one adds its right here, so that the doctor can tell who lacks it."""
    sent = re.compile(r"(?:\.action|\.listing|_tolerant|_ask)\(\s*(?:board,\s*)?\"([A-Z]\w+)\"")
    found = {
        name for file in (checkout / "cti").glob("*.py") for name in sent.findall(file.read_text())
    }
    assert found - set(NEEDED) == set()
    assert {"Originate", "QueueAdd", "CoreShowChannels"} <= found


@pytest.mark.parametrize(
    ("version", "state"),
    [("22.10.1+dfsg", "ok"), ("23.0.0", "ok"), ("22.9.3", "wrong"), ("20.5.0~x", "wrong")],
)
async def test_the_asterisk_that_runs_is_new_enough(site: Site, version: str, state: str) -> None:
    found = await only(doctor_asterisk.version(patient(site, manager=said_by(version=version))))
    assert found.state == state


@pytest.mark.parametrize(
    ("ahead", "state", "words"),
    [(0.3, "ok", "ahead of"), (-1.9, "ok", "behind"), (2.5, "warning", "2.5 s"),
     (-3600, "warning", "behind")],
)  # fmt: skip
def test_clocks_may_differ_by_two_seconds(ahead: float, state: str, words: str) -> None:
    found = clocks_agree("Asterisk's clock", ahead)
    assert (found.state, words in found.said) == (state, True)


async def test_modules_are_seen_by_what_the_account_may_ask(site: Site) -> None:
    found = await only(doctor_asterisk.modules(patient(site, manager=PERFECT)))
    assert found.state == "ok"
    without = said_by(actions=PERFECT.actions - {"StopMixMonitor"})
    found = await only(doctor_asterisk.modules(patient(site, manager=without)))
    assert (found.state, found.said) == ("wrong", "not loaded: app_mixmonitor")


async def test_another_systems_asterisk_is_told(site: Site) -> None:
    found = await of(doctor_asterisk.manager(patient(site, manager=said_by(system="other"))))
    assert [each.state for each in found] == ["ok", "wrong"]
    assert "'other'" in found[1].said


ENDPOINT = """
 Endpoint:  <Endpoint/CID....>  <State.....>  <Channels.>
        Match:  <criteria.........................>
==========================================================================================

 Endpoint:  carrier                                              Unavailable   0 of inf
      Contact:  carrier/sip:127.0.0.9:5999                 b3faf5755d {status}        -nan
{match}
"""
MATCH = "   Identify:  carrier/carrier\n        Match: 127.0.0.2/32"


@pytest.mark.parametrize(
    ("said", "state", "words"),
    [
        (ENDPOINT.format(status="Avail", match=MATCH), "ok", "as the settings say"),
        (ENDPOINT.format(status="NonQual", match=MATCH), "ok", "as the settings say"),
        (ENDPOINT.format(status="Unavail", match=MATCH), "warning", "does not answer"),
        (ENDPOINT.format(status="Avail", match=""), "wrong", "no address"),
        ("Unable to find object carrier.\n", "wrong", "does not know it"),
    ],
)
async def test_a_trunk_as_asterisk_has_it(site: Site, said: str, state: str, words: str) -> None:
    site.config["trunks"] = {"carrier": {"addresses": ["127.0.0.2"], "dial": "sip:127.0.0.9:5999"}}

    async def console(_words: str) -> str:
        return said

    there = patient(site, manager=PERFECT, console=console)
    found = await only(doctor_asterisk.trunks(there))
    assert (found.what, found.state, words in found.said) == ("trunk carrier", state, True), found


async def test_a_carrier_that_we_are_not_registered_with(site: Site) -> None:
    site.config["trunks"] = {
        "carrier": {
            "dial": "sip:127.0.0.9", "user": "we", "password_env": "CARRIER", "register": True,
        }
    }  # fmt: skip
    rejected = said_by(registrations={"carrier": "Rejected"})
    found = await only(doctor_asterisk.trunks(patient(site, manager=rejected)))
    assert (found.state, "Rejected" in found.said) == ("wrong", True)
    registered = said_by(registrations={"carrier": "Registered"})
    found = await only(doctor_asterisk.trunks(patient(site, manager=registered)))
    assert found.state == "ok"


async def test_a_carriers_name_that_is_none(site: Site) -> None:
    site.config["trunks"] = {"carrier": {"addresses": ["nowhere.invalid"]}}
    found = await only(doctor_asterisk.trunks(patient(site)))
    assert (found.state, "nowhere.invalid" in found.said) == ("wrong", True)


async def test_a_port_of_asterisks_that_another_program_has(site: Site) -> None:
    """While ours does not run: each of its ports is looked at, not the manager's alone."""
    there = patient(site)
    sip = there.settings.asterisk.sip
    assert (await only(doctor_asterisk.manager(there))).state == "ok"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((sip.host, sip.port))
        found = await only(doctor_asterisk.manager(there))
    assert (found.state, "asterisk.sip.port" in found.said) == ("wrong", True)


# The real one


@pytest.mark.timeout(120)
async def test_our_own_asterisk_is_well(
    site: Site, asterisk: object, espeak: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As we render it nothing is wrong, nothing to be warned of; what is changed is told."""
    site.config["trunks"] = {"carrier": {"addresses": ["127.0.0.2"], "dial": "sip:127.0.0.9:5999"}}
    site.write()
    settings: Settings = load(site.file)
    own = OwnAsterisk(settings, parts_of.secrets_of(settings))
    await own.start()
    try:
        there = Patient(settings)
        await doctor_asterisk.ask(there)
        assert there.manager is not None, there.why
        found = [each for _, check in doctor.TABLE[-6:] for each in await of(check(there))]
        assert [each.line() for each in found if each.state != "ok"] == []
        assert {each.what for each in found} == {
            "Asterisk's manager", "manager account", "Asterisk's version", "Asterisk's modules",
            "Asterisk's clock", "trunk carrier",
        }  # fmt: skip

        config = own.etc / "manager.conf"
        config.write_text(config.read_text().replace("write = ", "write = command,config,"))
        assert there.console is not None
        await there.console("manager reload")
        await there.console("module unload app_mixmonitor.so")
        await doctor_asterisk.ask(there)
        warned = await only(doctor_asterisk.rights(there))
        assert (warned.state, "Command" in warned.said) == ("warning", True)
        gone = await only(doctor_asterisk.modules(there))
        assert gone.said == "not loaded: app_mixmonitor"

        said = await asyncio.to_thread(ringdesk, "doctor", "--json", "-s", site.file)
        lines = json.loads(said.out)
        assert all(set(each) == {"what", "said", "state", "advice"} for each in lines)
        wrong = {each["what"] for each in lines if each.get("state") == "wrong"}
        assert "Asterisk's modules" in wrong
        assert said.status == 1

        monkeypatch.setenv("RINGDESK_AMI_PASSWORD", "another-password-altogether")
        shut_out = Patient(settings)
        await doctor_asterisk.ask(shut_out)
        found = await of(doctor_asterisk.manager(shut_out))
        assert [each.state for each in found] == ["wrong"]
        assert f"our own Asterisk (process {own.pid})" in found[0].said
        assert "login failed" in found[0].said
        assert "password" in found[0].advice
    finally:
        await own.stop()


def test_the_end_of_a_program_tells_whether_all_is_well(site: Site) -> None:
    site.config["asterisk"]["mode"] = "external"
    site.write()
    said = ringdesk("doctor", "--json", "-s", site.file)
    assert said.status == 1
    found = {each["what"]: each for each in json.loads(said.out)}
    assert found["Asterisk's manager"]["state"] == "wrong"
    assert found["Asterisk's manager"]["advice"]
    assert [each.name for each in site.data.iterdir()] == ["secrets"]  # it makes no database

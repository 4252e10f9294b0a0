"""Where media is bound: to a known address, unless that would take one away that works."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from config import media
from config.media import EVERY, Media, OwnName, media_of
from config.own_asterisk import OwnAsterisk
from config.secrets import open_secrets
from config.settings import Rtp, Settings, Sip, load
from ivr.located_yaml import LocatedError
from tests.config.lab import lab_settings, render_own, section
from tests.polling import until

FOUND = "192.0.2.7"
Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine with these addresses, the first of them on the way to others."""

    def made(*addresses: str, six: int = 0, named: bool = True, seconds: float = 0.0) -> None:
        here = {*addresses, "127.0.0.1"}
        monkeypatch.setattr(media, "addresses", lambda: sorted(addresses))
        monkeypatch.setattr(media, "addresses_6", lambda: ["fd00::1"] * six)
        monkeypatch.setattr(media, "is_here", lambda address: address in here)
        monkeypatch.setattr(media, "_towards_others", lambda: addresses[0] if addresses else "")
        monkeypatch.setattr(media, "own_name", lambda *_: OwnName(named, seconds))

    return made


def site(tmp_path: Path, rtp: str = "", mode: str = "own", **sip: object) -> Settings:
    settings = lab_settings(tmp_path)
    asterisk = replace(
        settings.asterisk, mode=mode, sip=Sip(**sip), rtp=replace(settings.asterisk.rtp, host=rtp)
    )
    return replace(settings, asterisk=asterisk)


def test_a_machine_of_one_address_binds_to_it(tmp_path: Path, machine: Machine) -> None:
    """Browsers cannot use the loopback: it is none of ICE's candidates."""
    machine(FOUND)
    assert media_of(site(tmp_path)) == Media("127.0.0.1", FOUND)
    assert media_of(site(tmp_path, host="0.0.0.0")) == Media(FOUND, FOUND)
    assert media_of(site(tmp_path, host=FOUND)) == Media(FOUND, FOUND)


def test_a_machine_of_several_that_knows_its_name_keeps_them_all(
    tmp_path: Path, machine: Machine
) -> None:
    machine(FOUND, "10.0.0.7")
    assert media_of(site(tmp_path, host="0.0.0.0")) == Media(EVERY, EVERY)
    machine(FOUND, six=1)  # which browsers are offered too
    assert media_of(site(tmp_path, host="0.0.0.0")) == Media(FOUND, EVERY)
    machine(FOUND, "10.0.0.7")
    assert media_of(site(tmp_path, host="10.0.0.7")) == Media("10.0.0.7", EVERY)


def test_a_machine_of_several_whose_name_resolves_nowhere_takes_the_way_to_others(
    tmp_path: Path, machine: Machine
) -> None:
    machine(FOUND, "10.0.0.7", named=False)
    assert media_of(site(tmp_path, host="0.0.0.0")) == Media(FOUND, FOUND)
    behind_nat = site(
        tmp_path, host="0.0.0.0", own_address="10.0.0.7", public_address="203.0.113.7"
    )
    assert media_of(behind_nat) == Media("10.0.0.7", "10.0.0.7")
    assert media_of(replace_rtp(behind_nat, FOUND)) == Media(FOUND, FOUND)
    assert media_of(replace_rtp(behind_nat, "0.0.0.0")) == Media(EVERY, EVERY)


def replace_rtp(settings: Settings, host: str) -> Settings:
    """With that address said."""
    return replace(settings, asterisk=replace(settings.asterisk, rtp=Rtp(host=host)))


def test_one_behind_a_proxy_on_this_machine_tells_outsiders_no_loopback(
    tmp_path: Path, machine: Machine
) -> None:
    machine(FOUND)
    assert media_of(site(tmp_path, public_address="203.0.113.7")) == Media(FOUND, FOUND)


def test_a_machine_without_network_binds_to_the_loopback(tmp_path: Path, machine: Machine) -> None:
    machine()
    assert media_of(site(tmp_path, host="0.0.0.0")) == Media("127.0.0.1", "127.0.0.1")


def test_an_address_that_is_not_here_is_not_bound_to(tmp_path: Path, machine: Machine) -> None:
    """Bound to it no call would have media at all."""
    machine(FOUND)
    assert media_of(site(tmp_path, host="0.0.0.0", own_address="10.9.9.9")).phones == FOUND


def test_another_machines_addresses_are_not_guessed(tmp_path: Path, machine: Machine) -> None:
    machine(FOUND)
    there = site(tmp_path, mode="external", host="0.0.0.0", own_address="172.28.77.10")
    assert media_of(there) == Media(EVERY, EVERY)
    assert media_of(replace_rtp(there, "172.28.77.10")).browsers == "172.28.77.10"


def test_this_machines_addresses_are_read() -> None:
    """From the kernel's own list, without a program that a minimal machine may lack."""
    assert all(media.is_here(each) for each in media.addresses())
    assert not any(each.startswith("127.") for each in media.addresses())
    assert media._towards_others() in {"", *media.addresses()}
    assert media.is_here("127.0.0.1")
    assert not any(media.is_here(each) for each in ("", "0.0.0.0", "203.0.113.250", "a.example"))


def test_a_name_server_that_never_answers_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And Asterisk, which asks at its start, is told not to wait long."""
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: over.wait(20))
    monkeypatch.setattr(media, "NAME_SECONDS", 0.05)
    try:
        asked = media.own_name(0.05)
        assert (asked.resolved, asked.silent) == (False, True)
        assert asked.seconds < 5
        assert "timeout:1" in media.short_waits({})["RES_OPTIONS"]
        assert media.short_waits({"RES_OPTIONS": "theirs"}) == {}
    finally:
        over.set()


def test_a_name_that_is_refused_at_once_is_not_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    assert not media.own_name().resolved
    assert media.short_waits({}) == {}


def test_every_endpoint_is_bound_as_it_should_be(tmp_path: Path, machine: Machine) -> None:
    machine(FOUND, named=False)
    render_own(lab_settings(tmp_path), tmp_path / "etc")
    pjsip = (tmp_path / "etc" / "pjsip.conf").read_text()
    leg = pjsip[pjsip.index("[leg](!)") :].partition("\n\n")[0]
    assert "media_address = 127.0.0.1\n" in leg
    assert "bind_rtp_to_media_address = yes" in leg
    for browser in ("ava", "customer"):
        said = section(pjsip, browser)
        assert f"media_address = {FOUND}\n" in said
        assert "bind_rtp_to_media_address = yes" in said
    for other in ("bob", "carrier", "load1"):
        assert "media_address" not in section(pjsip, other), "what [leg] says holds"


def test_browsers_of_a_machine_of_several_are_bound_to_none(
    tmp_path: Path, machine: Machine
) -> None:
    machine(FOUND, "10.0.0.7")
    render_own(lab_settings(tmp_path), tmp_path / "etc")
    said = section((tmp_path / "etc" / "pjsip.conf").read_text(), "ava")
    assert "bind_rtp_to_media_address = no" in said


def test_the_setting_takes_addresses_only(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("queues: {support: {}}\nasterisk: {rtp: {host: pbx.example}}\n")
    with pytest.raises(LocatedError, match=r"not an address: 'pbx\.example'"):
        load(file, {})


async def test_media_follows_the_machine_to_another_address(
    tmp_path: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch, asterisk: object
) -> None:
    """As a laptop goes from one network to the next; Asterisk is not started anew."""
    machine("127.0.0.5", named=False)
    monkeypatch.setattr("config.own_asterisk.ADDRESS_SECONDS", 0.2)
    settings = lab_settings(tmp_path)
    own = OwnAsterisk(settings, open_secrets(settings.data_folder, {}))
    await own.start()
    keeping = asyncio.create_task(own.keep_running())
    try:
        pid = own.pid
        machine("127.0.0.6", named=False)
        said = await until(
            lambda: own.console("pjsip show endpoint ava"),
            lambda said: "media_address                      : 127.0.0.6" in said,
            seconds=20,
            every=0.2,
        )
        assert "bind_rtp_to_media_address          : true" in said
        assert own.pid == pid
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await own.stop()

"""A telephone's password ends with its owner's sessions: at a real Asterisk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.own_asterisk import OwnAsterisk
from config.pbx import passwords_in
from config.phones import Phones
from config.rendered_elsewhere import RenderedElsewhere
from config.secrets import Secrets, open_secrets
from cti.bus import InProcessBus
from cti.wishes import CommandDone, CommandRefused, Reply, SignOut, Wish
from service_desk.actions import sessions, staff
from service_desk.actor import SYSTEM
from service_desk.desk import Desk, connect
from service_desk.migrations import migrate
from tests.config.lab import lab_settings
from tests.fakes.sip_client import SipClient, offer

PHONE, CALLER = "127.0.0.9", "127.0.0.2"
WORD = "correct horse battery"


@pytest.fixture
async def desk(tmp_path: Path) -> object:
    url = f"sqlite+aiosqlite:///{tmp_path / 'desk.db'}"
    await migrate(url)
    made = Desk(connect(url))
    await made.start()
    await staff.create_staff(made, name="bob", role="agent", password=WORD, by=SYSTEM)
    yield made
    await made.close()


async def register(phone: SipClient, password: str) -> int:
    answer = await phone.ask(
        "REGISTER", "sip:127.0.0.1", user="bob", to="sip:bob@127.0.0.1", password=password
    )
    return answer.status


async def dial(phone: SipClient, password: str) -> int:
    answer = await phone.ask(
        "INVITE", "sip:101@127.0.0.1", user="bob", body=offer(PHONE), password=password
    )
    return answer.status


async def test_who_is_let_go_neither_registers_nor_dials_nor_is_rung(
    tmp_path: Path, asterisk: object, desk: Desk
) -> None:
    settings = lab_settings(tmp_path)
    secrets = open_secrets(settings.data_folder, {})
    own = OwnAsterisk(settings, secrets)
    phones = Phones(desk, InProcessBus(), own.renew_phones)
    own.phones = await phones.generations()
    await own.start()
    sip = settings.asterisk.sip.host, settings.asterisk.sip.port
    try:
        async with SipClient(sip, PHONE) as phone:
            first = secrets.sip_password("bob")
            assert await register(phone, first) == 200
            assert "contact/bob;@" in await own.console("database show registrar")
            await staff.set_active(desk, name="bob", active=False, by=SYSTEM)
            await phones.look()
            assert "contact/bob;@" not in await own.console("database show registrar")
            assert await register(phone, first) == 401
            assert await dial(phone, first) == 401
            # Rung by nobody: a colleague's call finds no telephone.
            heard = len([m for m in phone.heard if m.method == "INVITE" and not m.status])
            assert heard == 0
            await staff.set_active(desk, name="bob", active=True, by=SYSTEM)
            await phones.look()
            assert await register(phone, first) == 401
            assert await register(phone, secrets.sip_password("bob", 1)) == 200
    finally:
        await own.stop()


async def test_a_password_that_ended_while_nobody_of_ours_ran(
    tmp_path: Path, asterisk: object, desk: Desk
) -> None:
    """Asterisk is taken over as it runs, and what was registered is gone."""
    settings = lab_settings(tmp_path)
    secrets = open_secrets(settings.data_folder, {})
    own = OwnAsterisk(settings, secrets)
    await own.start()
    sip = settings.asterisk.sip.host, settings.asterisk.sip.port
    try:
        async with SipClient(sip, PHONE) as phone:
            assert await register(phone, secrets.sip_password("bob")) == 200
            await sessions.sign_out_everywhere(desk, name="bob", by=SYSTEM)
            again = OwnAsterisk(settings, secrets)
            again.phones = await Phones(desk, InProcessBus(), None).generations()
            await again.start()
            assert again.adopted
            assert "contact/bob;@" not in await own.console("database show registrar")
    finally:
        await own.stop()


class Bridge:
    """Answers wishes, refused as long as it is not connected."""

    def __init__(self) -> None:
        self.connected = False
        self.signed_out: list[str] = []

    async def serve(self, wish: Wish) -> Reply:
        if not self.connected:
            return CommandRefused(reason="not connected")
        assert isinstance(wish, SignOut)
        self.signed_out.append(wish.agent)
        return CommandDone()


async def test_who_is_let_go_leaves_the_queues_once_the_bridge_can(desk: Desk) -> None:
    bus, bridge, renewed = InProcessBus(), Bridge(), list[Mapping[str, int]]()
    bus.serve(bridge.serve)

    async def renew(phones: Mapping[str, int]) -> None:
        renewed.append(phones)

    phones = Phones(desk, bus, renew, {"bob"})
    await phones.look()
    await staff.set_active(desk, name="bob", active=False, by=SYSTEM)
    await phones.look()
    assert bridge.signed_out == []
    bridge.connected = True
    for _ in range(3):
        await phones.look()
    assert (bridge.signed_out, renewed) == (["bob"], [{"bob": 1}])
    await bus.close()


async def test_somebody_elses_asterisk_is_told_in_a_file(tmp_path: Path) -> None:
    settings = lab_settings(tmp_path)
    files = replace(
        settings.asterisk, mode="external", files=str(tmp_path / "theirs"), records="/r"
    )
    settings = replace(settings, asterisk=files)
    secrets: Secrets = open_secrets(settings.data_folder, {})
    elsewhere = RenderedElsewhere(settings, secrets)
    await elsewhere.renew_phones({})
    renew = tmp_path / "theirs" / "renew"
    assert not renew.exists()
    await elsewhere.renew_phones({"bob": 1})
    assert renew.read_text() == "bob\n"
    await elsewhere.renew_phones({"bob": 1, "ava": 2})
    assert renew.read_text() == "ava\nbob\n", "nobody has read it yet"
    assert passwords_in(tmp_path / "theirs")["bob"] == secrets.sip_password("bob", 1)


async def test_a_console_that_does_not_answer_is_tried_again(desk: Desk) -> None:
    tries = []

    async def renew(phones: Mapping[str, int]) -> None:
        tries.append(phones)
        if len(tries) == 1:
            raise TimeoutError

    phones = Phones(desk, InProcessBus(), renew)
    await sessions.sign_out_everywhere(desk, name="bob", by=SYSTEM)
    with pytest.raises(TimeoutError):
        await phones.look()
    await phones.look()
    await phones.look()
    assert tries == [{"bob": 1}] * 2

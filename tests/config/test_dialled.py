"""What desk phones reach, and where a device may not send a call: seen from the carrier's side."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat

from config.dialling import dialling_of
from config.secrets import open_secrets
from cti.ami.wire import Message
from tests.config.lab import Heard, Lab, lab_settings, listening, running
from tests.fakes.sip_client import SipClient, SipMessage, offer
from tests.polling import until
from tests.ports import free_ports

CARRIER, PHONE = "127.0.0.2", "127.0.0.9"
CRAFTED = (
    "090x01234567", "+49x9001234567", "*31#09001234567", "#31#030123456", "0101309001234567",
    "11899", "118500", "01371123456", "+4911899", "+447012345678", "00447012345678",
    "+19005551234", "+8821234567890", "0900*1234567", "0900#", "+49900+1234567", "5550177",
    "030123456", "0049305550177", "+49305550177", "112", "911", "116117", "*43", "17909123456",
    "+", "0", "00", "01", "+49", "0" * 20, "+" + "4" * 24,
)  # fmt: skip


BOB_AND_CAROL = """queues: {support: 0}, device: {kind: phone}, signed_in: true}
  carol: {extension: "106", device: {kind: phone}}"""


class Carrier(SipClient):
    """Busy, whoever calls; remembers what was dialled."""

    @classmethod
    def at(cls, lab: Lab, port: int) -> Carrier:
        """Where the lab's trunk leads."""
        return cls(lab.sip, CARRIER, port, answer_with=cls.busy)

    @staticmethod
    def busy(client: SipClient, request: SipMessage) -> None:
        if request.method == "INVITE":
            client.reply(request, "486 Busy Here")
        elif request.method != "ACK":
            client.reply(request, "200 OK")

    @property
    def dialled(self) -> list[str]:
        """What each call was for."""
        invites = {m.get("Call-ID"): m for m in self.heard if m.method == "INVITE"}
        users = (re.match(r"INVITE sip:([^@;]*)[@;]", m.start) for m in invites.values())
        return [found[1].replace("%23", "#") for found in users if found]


@asynccontextmanager
async def centre(
    tmp_path: Path, sipp: str, *, country: str = "DE", more: str = "", demo: str = "false"
) -> AsyncIterator[tuple[Lab, Carrier]]:
    """An installation in a country, and its carrier."""
    (port,) = free_ports(1)
    replaced = [
        ("{languages: [en]}", f"{{languages: [en], country: {country}}}"),
        ("sip:127.0.0.2:7080", f"sip:127.0.0.2:{port}"),
        ("demo: true", f"demo: {demo}"),
        ("queues: {support: 0}, device: {kind: phone}}", BOB_AND_CAROL),
    ]
    settings = lab_settings(tmp_path, more, replaced)
    async with running(settings, sipp, tmp_path) as lab, Carrier.at(lab, port) as carrier:
        yield lab, carrier


def bob(lab: Lab) -> tuple[SipClient, str]:
    """Bob's desk phone and its password."""
    return SipClient(lab.sip, PHONE), open_secrets(lab.settings.data_folder, {}).sip_password("bob")


def examples(country: str) -> list[str]:
    """One number of each kind of each of the compared countries, at home and from abroad."""
    found = []
    for region in ("DE", "US", "CN", "GB", "FR", country):
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                forms = [PhoneNumberFormat.E164]
                if region == country:
                    forms += [PhoneNumberFormat.NATIONAL]
                found += [
                    re.sub(r"[^0-9+]", "", phonenumbers.format_number(number, f)) for f in forms
                ]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("country", ["DE", "US", "CN", "GB", "FR"])
async def test_a_desk_phone_reaches_what_the_page_reaches(
    tmp_path: Path, asterisk: object, sipp: str, country: str
) -> None:
    """One decision: what the page would dial is what the carrier is asked for, and nothing else."""
    async with centre(tmp_path, sipp, country=country) as (lab, carrier):
        rules, (phone, password) = dialling_of(lab.settings), bob(lab)
        differs = []
        async with phone:
            for number in (*CRAFTED, *examples(country)):
                before = len(carrier.dialled)
                user = number.replace("#", "%23")
                answer = await phone.ask(
                    *("INVITE", f"sip:{user}@127.0.0.1"),
                    user="bob", body=offer(PHONE), password=password,
                )  # fmt: skip
                if answer.status == 200:  # a voice says that it cannot be dialled
                    await phone.hang_up(answer)
                asked = carrier.dialled[before:]
                wanted = [each for each in [rules.reach(number)] if each]
                if asked != wanted:
                    differs.append((number, asked, wanted, answer.start))
        assert differs == []
        # What people are called in the house is nobody's outside (names of the devices here).
        said = [m.get(h) for m in carrier.heard for h in ("From", "P-Asserted-Identity")]
        assert [each for each in said if re.search(r"bob", each.partition("<")[0])] == []


@pytest.mark.parametrize("number", ["2000", "105"])
@pytest.mark.parametrize("target", ["09001234567@127.0.0.1", "+4930123456@198.51.100.7"])
async def test_a_device_sends_a_call_nowhere_else(
    tmp_path: Path, asterisk: object, sipp: str, number: str, target: str
) -> None:
    """Who answers 302 is not followed: by no queue, and by no call from colleague to colleague."""

    def moved(client: SipClient, request: SipMessage) -> None:
        if request.method == "INVITE":
            client.reply(request, "302 Moved Temporarily", [f"Contact: <sip:{target}>"])
        elif request.method != "ACK":
            client.reply(request, "200 OK")

    async with centre(tmp_path, sipp) as (lab, carrier):
        secrets = open_secrets(lab.settings.data_folder, {})
        async with (
            SipClient(lab.sip, PHONE, answer_with=moved) as bobs,
            SipClient(lab.sip) as carols,
        ):
            answer = await bobs.ask(
                *("REGISTER", "sip:127.0.0.1"),
                user="bob", to="sip:bob@127.0.0.1", password=secrets.sip_password("bob"),
            )  # fmt: skip
            assert answer.status == 200
            caller, user = (carrier, "+493055550142") if number == "2000" else (carols, "carol")
            call = asyncio.create_task(
                caller.ask(
                    *("INVITE", f"sip:{number}@127.0.0.1"),
                    user=user,
                    body=offer(caller.source),
                    password=secrets.sip_password(user),
                )
            )
            rung = await bobs.until(lambda m: m.method == "INVITE" and not m.status)
            if number == "2000":  # rung again: the answer of before was read
                first = rung.get("Call-ID")
                await bobs.until(
                    lambda m: m.method == "INVITE" and not m.status and m.get("Call-ID") != first
                )
                await call
            else:
                assert (await call).status >= 400
        assert carrier.dialled == []


# ---- caps: held by Asterisk itself, whoever is away --------------------------------------------


def answers(client: SipClient, request: SipMessage) -> None:
    """A carrier that answers each call, and whose callee stays on the line."""
    if request.method == "INVITE":
        contact = [f"Contact: <sip:callee@{client.contact}>"]
        client.reply(request, "200 OK", contact, offer(client.source))
    elif request.method != "ACK":
        client.reply(request, "200 OK")


@dataclass
class Desk:
    """Bob, who dials, with a carrier that answers; and why Asterisk let him not."""

    lab: Lab
    carrier: Carrier
    phone: SipClient
    password: str
    heard: Heard

    async def dial(self, number: str = "030123456") -> SipMessage:
        """Bob dials; the answer is the other side's, or a voice that says no."""
        uri = f"sip:{number}@127.0.0.1"
        return await self.phone.ask(
            "INVITE", uri, user="bob", body=offer(PHONE), password=self.password
        )

    async def _told(self) -> list[Message]:
        return list(self.heard.messages)

    async def refused(self, why: str, number: str = "030123456") -> None:
        """Bob dials and is told no, for this reason; the carrier hears nothing of it."""
        before = len(self.carrier.dialled)
        await self.phone.hang_up(await self.dial(number))
        cap, unreached = await until(self._told, lambda told: len(told) == 2)
        assert (cap.get("UserEvent"), cap.get("Why")) == ("RingdeskCap", why)
        assert cap.get("Agent") == "bob"
        # What his page shows.
        assert (unreached.get("UserEvent"), unreached.get("Why")) == (
            "RingdeskNotReached",
            "limited",
        )
        self.heard.messages.clear()
        assert len(self.carrier.dialled) == before


@asynccontextmanager
async def capped(tmp_path: Path, sipp: str, caps: str) -> AsyncIterator[Desk]:
    """A centre with these caps."""
    more = f"dialling: {{caps: {{{caps}}}}}\n"
    async with centre(tmp_path, sipp, more=more) as (lab, carrier):
        carrier.answer_with = answers
        phone, password = bob(lab)
        async with phone, listening(lab, frozenset({"UserEvent"})) as (_, heard):
            yield Desk(lab, carrier, phone, password, heard)


@pytest.mark.parametrize("cap", ["agent_calls", "trunk_calls"])
async def test_so_many_calls_at_once_and_no_more(
    tmp_path: Path, asterisk: object, sipp: str, cap: str
) -> None:
    async with capped(tmp_path, sipp, f"{cap}: 1") as desk:
        first = await desk.dial()
        assert len(desk.carrier.dialled) == 1
        await desk.refused(cap)
        assert (await desk.dial("112")).status == 200
        assert desk.carrier.dialled[1:] == ["112"], "help is never refused"
        await desk.phone.hang_up(first)
        await desk.carrier.until(lambda m: m.method == "BYE" and not m.status)
        await desk.dial("030123457")
        assert desk.carrier.dialled[2:] == ["+4930123457"], "the first has ended"


@pytest.mark.parametrize("whose", ["agent-bob", "trunk-out"])
async def test_so_many_minutes_a_day_and_no_more(
    tmp_path: Path, asterisk: object, sipp: str, whose: str
) -> None:
    kind = whose.partition("-")[0]
    async with capped(tmp_path, sipp, f"{kind}_minutes: 1") as desk:
        today = datetime.now(UTC)
        yesterday = f"{today - timedelta(days=1):%Y%m%d}:9999"
        await desk.lab.says(f"database put ringdesk-spent {whose} {yesterday}")
        await desk.phone.hang_up(await desk.dial())
        assert len(desk.carrier.dialled) == 1, "yesterday's are not counted"

        async def spent() -> str:
            return await desk.lab.says(f"database get ringdesk-spent {whose}")

        # That call's own end counts it, by another thread: what is put before would be overwritten.
        await until(spent, lambda said: f"{today:%Y%m%d}:" in said)
        await desk.lab.says(f"database put ringdesk-spent {whose} {today:%Y%m%d}:60")
        await desk.refused(f"{kind}_minutes")
        assert (await desk.dial("112")).status == 200


async def test_a_call_ends_when_the_days_minutes_are_over(
    tmp_path: Path, asterisk: object, sipp: str
) -> None:
    """Counted from the answer to the carrier's end; the next one is not let out."""
    async with capped(tmp_path, sipp, "agent_minutes: 1") as desk:
        today = f"{datetime.now(UTC):%Y%m%d}"
        await desk.lab.says(f"database put ringdesk-spent agent-bob {today}:58")
        await desk.dial()
        await desk.phone.until(lambda m: m.method == "BYE" and not m.status, seconds=10)

        async def spent() -> str:
            return await desk.lab.says("database get ringdesk-spent agent-bob")

        await until(spent, lambda said: re.search(rf"{today}:(60|61)\b", said))
        await desk.refused("agent_minutes")


async def test_at_night_only_help_goes_out(tmp_path: Path, asterisk: object, sipp: str) -> None:
    async with capped(tmp_path, sipp, "night: '00:00-23:59'") as desk:
        await desk.refused("night")
        assert (await desk.dial("112")).status == 200

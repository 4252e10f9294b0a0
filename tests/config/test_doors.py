"""Who may come in by SIP: by a password, or from an address; never by a name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.doors import addresses_of, host_of, open_doors
from config.secrets import open_secrets
from config.settings import load
from ivr.located_yaml import LocatedError
from tests.config.lab import Lab, listening
from tests.fakes.sip_client import SipClient, SipMessage, offer

STRANGER = "127.0.0.9"
KNOWN = ("ava", "bob", "load1", "carrier", "customer")
UNKNOWN = ("nobody", "zz", "anonymous")


def settings_of(folder: Path, text: str) -> Path:
    file = folder / "s.yaml"
    file.write_text(f"queues: {{support: {{}}}}\ndata: {{folder: {folder / 'd'}}}\n{text}")
    return file


def test_no_rendered_endpoint_is_known_by_a_name_alone(files: dict[str, str]) -> None:
    assert list(open_doors(files["pjsip.conf"])) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[leg](!)\ntype = endpoint\n\n[dora](leg)\naors = dora\n", "dora: no password"),
        ("[dora]\ntype=endpoint\nidentify_by = ip,username\n", "dora: no password"),
        ("[dora]\ntype = endpoint\nauth =\n", "dora: no password"),
        ("[anonymous]\ntype = endpoint\nidentify_by = ip\n", "anonymous: lets in"),
        (
            "[c]\ntype = endpoint\nidentify_by = ip\n\n[c]\ntype = identify\nendpoint = c\n"
            "match = 10.0.0.7\nmatch = 0.0.0.0/0\n",
            "c: known by 0.0.0.0/0",
        ),
    ],
)
def test_an_open_door_is_told(text: str, said: str) -> None:
    assert [each.startswith(said) for each in open_doors(text)] == [True]


def test_templates_and_their_doors_are_read_as_asterisk_reads_them() -> None:
    text = "[leg](!)\ntype = endpoint\nidentify_by = ip\n\n[dora](leg)\naors = dora\n"
    assert list(open_doors(text)) == []


def test_a_telephone_is_known_by_an_address_that_is_its_own(tmp_path: Path) -> None:
    file = settings_of(
        tmp_path,
        "trunks: {one: {addresses: [10.1.0.0/16]}, two: {dial: 'sip:sip.example.net:5080'}}\n"
        "agents:\n"
        "  dora: {extension: '101', device: {kind: contact, uri: 'sip:dora@10.0.0.7:5060'}}\n"
        "  emil: {extension: '102', device: {kind: contact, uri: 'sip:emil@10.0.0.8'}}\n"
        "  fay: {extension: '103', device: {kind: contact, uri: 'sip:fay@10.0.0.8'}}\n"
        "  gus: {extension: '104', device: {kind: contact, uri: 'sip:gus@phone.example'}}\n"
        "  hal: {extension: '105', device: {kind: contact, uri: 'sip:hal@10.1.2.3'}}\n",
    )
    assert addresses_of(load(file, {})) == {
        "one": ("10.1.0.0/16",),
        "two": ("sip.example.net",),
        "dora": ("10.0.0.7",),
        "emil": (),
        "fay": (),
        "gus": (),  # a name is whatever a name server says
        "hal": (),  # the carrier's
    }


@pytest.mark.parametrize(
    ("uri", "host"),
    [
        ("sip:10.0.0.7", "10.0.0.7"),
        ("sip:ava@10.0.0.7:5060;transport=udp", "10.0.0.7"),
        ("sips:ava@[2001:db8::7]:5061", "2001:db8::7"),
        ("sip:sip.example.net;transport=tcp", "sip.example.net"),
    ],
)
def test_the_host_of_an_address(uri: str, host: str) -> None:
    assert host_of(uri) == host


@pytest.mark.parametrize("network", ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/3"])
def test_a_carrier_that_is_nearly_everybody_is_refused(tmp_path: Path, network: str) -> None:
    file = settings_of(tmp_path, f"trunks: {{one: {{addresses: ['{network}']}}}}\n")
    with pytest.raises(LocatedError, match=r"nearly everybody|which is in it"):
        load(file, {})


# ---- a real Asterisk ---------------------------------------------------------------------------


def outline(message: SipMessage, name: str) -> list[str]:
    """What a stranger could tell answers apart by: all but what is random or their own."""
    lines = [message.start, *(f"{key}: {value}" for key, value in message.headers)]
    random = r'(nonce|opaque)="[^"]*"|(tag|branch)=[^;,]*|Call-ID: .*|rport=\d+'
    return [re.sub(random, "", line).replace(name, "NAME") for line in lines]


@pytest.mark.parametrize("method", ["OPTIONS", "INVITE", "REGISTER", "SUBSCRIBE", "MESSAGE"])
async def test_whom_we_know_by_name_a_stranger_does_not_learn(lab: Lab, method: str) -> None:
    """Not by an empty hand, nor by a wrong password."""
    async with SipClient(lab.sip, STRANGER) as stranger:
        for password in ("", "guessed"):
            told = {}
            for name in (*KNOWN, *UNKNOWN):
                answer = await stranger.ask(
                    method,
                    "sip:127.0.0.1" if method == "REGISTER" else "sip:2000@127.0.0.1",
                    user=name,
                    to=f"sip:{name}@127.0.0.1",
                    body=offer(STRANGER) if method == "INVITE" else "",
                    headers=["Event: presence"] if method == "SUBSCRIBE" else [],
                    password=password,
                )
                told[name] = outline(answer, name)
            assert [told[name] for name in KNOWN[1:] + UNKNOWN] == [told["ava"]] * 7, password
            assert told["ava"][0].startswith("SIP/2.0 401 ")


@pytest.mark.parametrize("name", ["load1", "carrier", "ava"])
@pytest.mark.parametrize("number", ["2000", "0049301234567", "101"])
async def test_a_name_opens_no_door(lab: Lab, name: str, number: str) -> None:
    """C1 and H1: a stranger calls as an agent's fixed telephone, or as the carrier."""
    async with SipClient(lab.sip, STRANGER) as stranger:
        answer = await stranger.ask(
            "INVITE",
            f"sip:{number}@127.0.0.1",
            user=name,
            headers=["P-Asserted-Identity: <sip:+493012345@carrier.example>"],
            body=offer(STRANGER),
        )
        assert answer.status == 401
        async with SipClient(lab.sip, "127.0.0.2") as carrier:
            known = await carrier.ask("OPTIONS", "sip:2000@127.0.0.1", user="whoever")
        assert known.status == 200, "known by its address"
    assert lab.records() == [], "no call came of it"


CRAFTED = (
    "x%0d%0aUniqueid%3A%20forged",
    "x%0d%0a%0d%0aEvent%3A%20AgentCalled%0d%0aQueue%3A%20support%0d%0aUniqueid%3A%20forged",
    "x%0d%0a%0d%0aEvent%3A%20PeerStatus%0d%0aSystemName%3A%20lab-1%0d%0aPeer%3A%20PJSIP/ava",
    "x%0d%0aCallerIDName%3A%20y%0d%0aUniqueid%3A%20forged%0d%0aLinkedid%3A%20forged%0d%0a%0d%0aE%3A",
)


@pytest.mark.parametrize("caller", CRAFTED)
async def test_a_callers_line_ends_forge_no_event(lab: Lab, caller: str) -> None:
    """H2: they are decoded into the first event alone, and that one is refused and counted."""
    async with listening(lab) as (link, heard), SipClient(lab.sip, "127.0.0.2") as carrier:
        answer = await carrier.ask(
            "INVITE", "sip:2000@127.0.0.1", user=caller, body=offer("127.0.0.2")
        )
        assert answer.status == 200
        joined = await heard("QueueCallerJoin")
        assert joined.get("Uniqueid").startswith(link.mark)
        assert "\r" not in joined.get("CallerIDNum")
        assert link.refused >= 1
        assert {m.get("Uniqueid") for m in heard.messages} <= {"", joined.get("Uniqueid")}
        assert not [m for m in heard.messages if m.name in {"AgentCalled", "PeerStatus"}]
        channels = await link.listing("CoreShowChannels")
        assert [m.get("Uniqueid") for m in channels] == [joined.get("Uniqueid")]


@pytest.mark.parametrize(
    "number", ["101%0d%0aEvent%3A%20x", "0301234%0a5", "+49301%09234", "q-support%0d%0a", "*8%0dx"]
)
async def test_an_agent_dials_no_line_ends(lab: Lab, number: str) -> None:
    """What is no number never becomes a channel."""
    password = open_secrets(lab.settings.data_folder, {}).sip_password("bob")
    async with listening(lab) as (link, heard), SipClient(lab.sip, STRANGER) as bob:
        answer = await bob.ask(
            "INVITE",
            f"sip:{number}@127.0.0.1",
            user="bob",
            body=offer(STRANGER),
            password=password,
        )
        assert answer.status == 404
        await link.action("Ping")
        assert [m.name for m in heard.messages if m.get("Channel")] == []
        assert link.refused == 0

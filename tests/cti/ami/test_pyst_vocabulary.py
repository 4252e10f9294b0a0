"""pyst2's verbs on our transport: what they send, and what of pyst2 must not come along."""

from __future__ import annotations

import gc
import threading
from collections.abc import Awaitable, Sequence

import pytest
from asterisk.manager import Manager

from cti.ami.errors import AmiUnsendable
from cti.ami.pyst import Vocabulary
from cti.ami.wire import Message, message

Sent = tuple[str, list[tuple[str, str]]]


@pytest.fixture
def sent() -> list[Sent]:
    return []


@pytest.fixture
def pyst(sent: list[Sent]) -> Vocabulary:
    async def answer() -> Message:
        return message(("Response", "Success"))

    def send(name: str, headers: Sequence[tuple[str, str]]) -> Awaitable[Message]:
        sent.append((name, list(headers)))
        return answer()

    return Vocabulary(send)


async def test_verbs_are_awaited(pyst: Vocabulary, sent: list[Sent]) -> None:
    answer = await pyst.redirect("PJSIP/a-1", "q-support", context="ringdesk-transfer")
    assert answer.name == "Success"
    assert sent == [
        (
            "Redirect",
            [
                ("Channel", "PJSIP/a-1"),
                ("Exten", "q-support"),
                ("Priority", "1"),
                ("Context", "ringdesk-transfer"),
            ],
        )
    ]


async def test_variables_repeat_their_header(pyst: Vocabulary, sent: list[Sent]) -> None:
    await pyst.originate("PJSIP/ava", "101", "ringdesk-agents", "1", variables={"A": "1", "B": "2"})
    assert [pair for pair in sent[0][1] if pair[0] == "Variable"] == [
        ("Variable", "A=1"),
        ("Variable", "B=2"),
    ]


async def test_no_header_leaks_into_the_next_action(pyst: Vocabulary, sent: list[Sent]) -> None:
    """pyst2's mutable default keeps them."""
    await pyst.send_action(Action="Ping", Leaky="1")
    await pyst.send_action(Action="Ping")
    assert sent[1] == ("Ping", [])


async def test_the_callers_dictionary_stays_as_it_is(pyst: Vocabulary) -> None:
    fields = {"Action": "Ping"}
    await pyst.send_action(fields, Extra="1")
    assert fields == {"Action": "Ping"}


async def test_what_runs_programs_is_no_verb(pyst: Vocabulary, sent: list[Sent]) -> None:
    with pytest.raises(AmiUnsendable):
        pyst.originate("PJSIP/ava", "1", application="System", data="id")
    with pytest.raises(AmiUnsendable):
        pyst.command("core show version")
    assert not sent


def test_it_has_no_threads_no_socket_and_no_end(pyst: Vocabulary) -> None:
    assert isinstance(pyst, Manager)
    before = threading.enumerate()
    Vocabulary(lambda *_: pytest.fail("nothing is sent"))
    gc.collect()  # pyst2's __del__ would log off
    assert threading.enumerate() == before
    for refused in ("connect", "close", "login", "logoff", "register_event", "event_dispatch"):
        with pytest.raises(NotImplementedError):
            getattr(pyst, refused)()

"""The counter on a real desk: sign in, pages, forms, recordings; hostile text is text."""

from __future__ import annotations

import asyncio
import html
import json
import re
from pathlib import Path

import pytest

from agent_console import middleware, reading, sessions
from agent_console.reading import case
from service_desk.actions.conversation import leave_message
from service_desk.actions.staff import create_staff
from service_desk.actor import SYSTEM
from service_desk.errors import DatabaseAway
from service_desk.queries.staff import audit_list
from tests.agent_console.conftest import Browser, Open, context_for
from tests.agent_console.office import HOSTILE, PASSWORD, Office, a_call


async def number_of_the_case(browser: Browser) -> str:
    page = await (await browser.get("/cases")).text()
    return "C-" + page.split('<a href="/cases/C-')[1].split('"')[0]


# -- signing in ---------------------------------------------------------------------------------


async def test_signing_in_gives_a_new_session_and_the_right_start_page(door: Open) -> None:
    ava, sue = await door("ava"), await door("sue")
    assert (await ava.get("/")).headers["Location"] == "/desk"
    assert (await sue.get("/")).headers["Location"] == "/board"


async def test_a_cookie_from_outside_is_never_signed_in(door: Open) -> None:
    browser = await door()
    browser.client.session.cookie_jar.update_cookies({"ringdesk_session": "chosen-by-a-stranger"})
    token = await browser.token("/sign-in")
    answer = await browser.post("/sign-in", {"csrf": token, "name": "ava", "password": PASSWORD})
    assert answer.status == 303
    fresh = answer.cookies["ringdesk_session"].value
    assert fresh != "chosen-by-a-stranger"
    stranger = await door()
    stranger.client.session.cookie_jar.update_cookies({"ringdesk_session": "chosen-by-a-stranger"})
    assert (await stranger.get("/desk")).status == 303


async def test_the_form_of_a_visit_does_not_serve_another_visit(door: Open) -> None:
    one, two = await door(), await door()
    fields = {"csrf": await one.token("/sign-in"), "name": "ava", "password": PASSWORD}
    await two.get("/sign-in")
    assert (await two.post("/sign-in", fields)).status == 403


@pytest.mark.parametrize(
    ("name", "password"),
    [("ava", "wrong"), ("nobody", PASSWORD), ("", ""), ("ava", "x" * 100_000), (HOSTILE, "x")],
)
async def test_a_wrong_sign_in_says_the_same_whoever_it_is(
    door: Open, name: str, password: str
) -> None:
    browser = await door()
    fields = {"csrf": await browser.token("/sign-in"), "name": name, "password": password}
    answer = await browser.post("/sign-in", fields)
    text = await answer.text()
    assert answer.status == 401
    assert "Wrong name or password." in text
    assert "<img src=x" not in text


async def test_too_many_tries_are_slowed_down(door: Open) -> None:
    browser = await door()
    fields = {"csrf": await browser.token("/sign-in"), "name": "ben", "password": "wrong"}
    seen = [(await browser.post("/sign-in", fields)) for _ in range(9)]
    assert seen[-1].status == 429
    assert int(seen[-1].headers["Retry-After"]) > 0


async def test_signing_out_ends_the_session_on_the_server(door: Open) -> None:
    ava = await door("ava")
    cookie = ava.client.session.cookie_jar.filter_cookies(ava.client.make_url("/"))
    value = cookie["ringdesk_session"].value
    answer = await ava.post("/sign-out", {"csrf": await ava.token()})
    assert answer.headers["Location"] == "/sign-in"
    thief = await door()
    thief.client.session.cookie_jar.update_cookies({"ringdesk_session": value})
    assert (await thief.get("/desk")).status == 303


async def test_after_signing_in_one_is_where_one_wanted_to_be(door: Open) -> None:
    browser = await door()
    asked = (await browser.get("/cases?status=open")).headers["Location"]
    token = await browser.token(asked)
    fields = {"csrf": token, "name": "ava", "password": PASSWORD, "next": "/cases?status=open"}
    assert (await browser.post("/sign-in", fields)).headers["Location"] == "/cases?status=open"


# -- pages --------------------------------------------------------------------------------------


async def test_hostile_text_is_text_on_every_page(office: Office, door: Open) -> None:
    await office.take(*a_call())
    ava = await door("ava")
    number = await number_of_the_case(ava)
    token = await ava.token()
    for path, field in (("notes", "text"), ("follow-ups", "text")):
        fields = {"csrf": token, field: HOSTILE, "due": "2030-01-01T10:00"}
        answer = await ava.post(f"/cases/{number}/{path}", fields)
        assert answer.status == 303
    for path in (
        f"/cases/{number}",
        "/cases",
        f"/customers/{office.customer_id}",
        "/search?q=img",
        f"/search?q={HOSTILE}",
        f"/cases?owner={HOSTILE}",
        f"/{HOSTILE}",
        f"/sign-in?next={HOSTILE}",
        "/desk",
        "/phone",
    ):
        assert "<img src=x" not in await (await ava.get(path)).text(), path
    found = await (await ava.get("/search.json?q=onerror")).json()
    assert found["people"][0]["name"] == HOSTILE


async def test_a_case_page_tells_everything_and_its_forms_move_it(
    office: Office, door: Open
) -> None:
    await office.take(*a_call())
    ava = await door("ava")
    number = await number_of_the_case(ava)
    token = await ava.token()
    moves = {
        "notes": {"text": "credit note promised"},
        "priority": {"priority": "high"},
        "assign": {"to": "ben"},
        "status": {"status": "waiting"},
        "follow-ups": {"text": "call back", "due": "2030-01-01T10:00"},
    }
    for path, fields in moves.items():
        answer = await ava.post(f"/cases/{number}/{path}", {"csrf": token, **fields})
        assert (answer.status, answer.headers["Location"]) == (303, f"/cases/{number}"), path
    page = await (await ava.get(f"/cases/{number}")).text()
    for shown in ("credit note promised", "call back", "status-waiting", "priority-high", "ben"):
        assert shown in page
    assert f"/customers/{office.customer_id}" in page


async def test_a_case_says_what_it_is_about_in_the_readers_language(
    office: Office, door: Open
) -> None:
    """What nobody wrote is said for each reader; sent back untouched it is not written."""
    await office.take(*a_call())
    ava = await door("ava")
    number = await number_of_the_case(ava)
    fields = {"csrf": await ava.token(), "lang": "zh", "next": "/cases"}
    await ava.post("/language", fields)
    where = f"/cases/{number}"
    for path in ("/cases", where):
        assert "support 来电" in await (await ava.get(path)).text()
    found = await (await ava.get(f"/search.json?q={number}")).json()
    assert found["cases"][0]["subject"] == "support 来电"
    token = await ava.token()
    untouched = {"csrf": token, "subject": "support 来电"}
    assert (await ava.post(f"{where}/subject", untouched)).status == 303
    assert "主题：" not in await (await ava.get(where)).text()
    assert (
        await ava.post(f"{where}/subject", {"csrf": token, "subject": "十部电话"})
    ).status == 303
    page = await (await ava.get(where)).text()
    assert "主题：十部电话" in page
    assert "support 来电" not in page


async def test_a_promise_is_kept_by_its_button(office: Office, door: Open, tmp_path: Path) -> None:
    await office.take(*a_call())
    ava = await door("ava")
    number = await number_of_the_case(ava)
    token = await ava.token()
    fields = {"csrf": token, "text": "call back", "due": "2030-01-01T10:00"}
    await ava.post(f"/cases/{number}/follow-ups", fields)
    context = context_for(tmp_path, desk=office.desk, bus=office.bus)
    (promise,) = (await case(context, number, "en")).promises
    await ava.post(f"/cases/{number}/follow-ups/{promise.id}/kept", {"csrf": token})
    assert (await case(context, number, "en")).promises == ()


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("notes", {"text": ""}, 400),
        ("notes", {"text": "x" * 10_001}, 400),
        ("status", {"status": "flying"}, 400),
        ("status", {"status": "merged"}, 409),
        ("priority", {}, 400),
        ("subject", {"subject": " "}, 400),
        ("assign", {"to": "nobody"}, 404),
        ("disposition", {"code": "none-such"}, 400),
        ("follow-ups", {"text": "x", "due": "soon"}, 400),
        ("file-under", {"under": "C-2026-999999"}, 404),
    ],
)
async def test_a_wrong_form_is_refused_in_words(
    office: Office, door: Open, path: str, fields: dict[str, str], status: int
) -> None:
    await office.take(*a_call())
    ava = await door("ava")
    number = await number_of_the_case(ava)
    answer = await ava.post(f"/cases/{number}/{path}", {"csrf": await ava.token(), **fields})
    assert answer.status == status
    assert "Traceback" not in await answer.text()


@pytest.mark.parametrize(
    "path", ["/cases/C-2026-999999", "/cases/nonsense", "/customers/999999", "/customers/0",
             "/customers/1e9", "/recordings/99", "/recordings/../x", "/cases/%00"],
)  # fmt: skip
async def test_what_is_not_there_is_a_404_in_words(door: Open, path: str) -> None:
    answer = await (await door("ava")).get(path)
    assert answer.status == 404
    assert "Traceback" not in await answer.text()


async def test_the_case_list_filters_and_pages(office: Office, door: Open) -> None:
    for n in range(52):
        await office.take(*a_call(call_id=f"c{n}")[:1])
    ava = await door("ava")
    page = await (await ava.get("/cases?status=unfinished")).text()
    assert "52 cases" in page
    link = html.unescape(page.split('rel="next" href="')[1].split('"')[0])
    assert (await (await ava.get(link)).text()).count('<a href="/cases/C-') == 2
    assert "No case fits" in await (await ava.get("/cases?priority=urgent")).text()
    assert (await ava.get("/cases?cursor=;drop")).status == 400


async def test_pages_speak_chinese_when_asked(door: Open) -> None:
    ava = await door("ava")
    fields = {"csrf": await ava.token(), "lang": "zh", "next": "/cases"}
    assert (await ava.post("/language", fields)).status == 303
    page = await (await ava.get("/cases")).text()
    assert '<html lang="zh-Hans">' in page
    assert "工单" in page


async def test_the_figures_of_today_and_yesterday_lead_to_what_they_mean(
    office: Office, door: Open
) -> None:
    """By queue, in the reader's words; a queue without a call has no figure, not 100 %."""
    await office.take(*a_call())
    ava = await door("ava")
    page = " ".join((await (await ava.get("/figures")).text()).split())
    today, yesterday = re.findall(r"<tbody>(.*?)</tbody>", page)
    cells = re.findall(r"<td[^>]*>(.*?)</td>", re.sub(r"</?(?:strong|span)[^>]*>", "", today))
    assert [cell.strip() for cell in cells] == [
        "1",
        "1",
        "0",
        "0",
        "100 % 1 of 1 in time",
        "0:04",
        "–",
        "–",
    ]
    assert "no calls" in yesterday
    leads = set(re.findall(r'<th [^>]*><a href="#([a-z-]+)"', page))
    assert leads >= {"service-level", "mean-wait", "talk", "wrap-up", "answered", "abandoned"}
    assert leads <= set(re.findall(r'<dt id="([a-z-]+)"', page))
    await ava.post("/language", {"csrf": await ava.token(), "lang": "zh"})
    assert "售后服务</th>" in await (await ava.get("/figures")).text()


async def test_every_page_leads_to_the_same_places_in_the_same_order(door: Open) -> None:
    """The server's pages and those that a script draws; only where this person may go."""
    for name, expected in (
        ("ava", ["/desk", "/cases", "/search", "/figures"]),
        ("sue", ["/desk", "/board", "/cases", "/search", "/figures", "/jobs"]),
    ):
        browser = await door(name)
        for path in expected:
            page = await (await browser.get(path)).text()
            if path in ("/desk", "/board"):
                boot = json.loads(page.split('id="boot">')[1].split("</script>")[0])
                assert [one["path"] for one in boot["nav"]] == expected
                assert boot["nav"][0]["label"] == {"en": "Desk", "zh": "工作台"}
                queues = [one["label"] for one in boot.get("targets", ()) if one["kind"] == "queue"]
                assert queues == [{"en": "Support", "zh": "售后服务"}] * (path == "/desk")
            else:
                nav = page.split('<nav class="nav"')[1].split("</nav>")[0]
                assert re.findall('href="([^"]+)"', nav) == expected
                assert re.findall('href="([^"]+)" aria-current="page"', nav) == [path]


async def test_who_bought_nothing_has_no_place_in_the_pyramid(office: Office, door: Open) -> None:
    page = await (await (await door("ava")).get(f"/customers/{office.customer_id}")).text()
    assert "no purchases yet" in page
    assert "better than" not in page


async def test_the_desk_gets_its_own_account_and_the_board_gets_none(door: Open) -> None:
    ava, ben, sue = await door("ava"), await door("ben"), await door("sue")
    desk = await (await ava.get("/desk")).text()
    assert "secret-0-of-ava" in desk
    assert "/ws?ticket=ticket-of-ava-" in desk
    assert "secret-0-of-ben" not in desk
    assert "secret-0-of" not in await (await ben.get("/desk")).text()  # a desk phone
    assert "secret-0-of" not in await (await sue.get("/board")).text()


async def test_the_customers_phone_is_there_in_the_demo_only(
    office: Office, door: Open, browser: Open
) -> None:
    assert "secret-0-of-customer" in await (await (await door()).get("/phone")).text()
    assert "/ws?ticket=ticket-of-customer-" in await (await (await door()).get("/phone")).text()
    assert (await (await browser()).get("/phone")).status == 404


# -- recordings ---------------------------------------------------------------------------------


async def recorded(office: Office, file: str = "2026/11/21/call-1.wav") -> None:
    await office.take(*a_call())
    path = office.recordings / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF" + bytes(range(200)))


async def test_a_recording_plays_and_seeks_for_its_agent(office: Office, door: Open) -> None:
    await recorded(office)
    ava = await door("ava")
    answer = await ava.get("/recordings/1")
    assert (answer.status, answer.content_type) == (200, "audio/wav")
    part = await ava.get("/recordings/1", headers={"Range": "bytes=4-13"})
    assert (part.status, await part.read()) == (206, bytes(range(10)))
    assert part.headers["Content-Range"] == "bytes 4-13/204"
    assert (await ava.get("/recordings/1", headers={"Range": "bytes=999-"})).status == 416
    assert (await (await door("sue")).get("/recordings/1")).status == 200


async def test_who_heard_a_recording_is_in_the_audit_and_who_was_refused_is_not(
    office: Office, door: Open
) -> None:
    await recorded(office)
    ava, ben = await door("ava"), await door("ben")
    await ava.client.head("/recordings/1")
    assert "recording.heard" not in {each.act for each in await audit_list(office.desk)}
    for piece in ("bytes=0-9", "bytes=10-19", "bytes=20-"):
        assert (await ava.get("/recordings/1", headers={"Range": piece})).status == 206
    assert (await ben.get("/recordings/1")).status == 403
    heard = [each for each in await audit_list(office.desk) if each.act == "recording.heard"]
    assert [(each.actor, each.about, each.address) for each in heard] == [("ava", "1", "127.0.0.1")]


async def test_a_recording_is_not_for_a_colleague(office: Office, door: Open) -> None:
    await recorded(office)
    assert (await (await door("ben")).get("/recordings/1")).status == 403
    assert (await (await door()).get("/recordings/1")).status == 303


async def test_a_message_plays_for_any_agent(office: Office, door: Open) -> None:
    """Left at night, when nobody was there: whoever opens the case in the morning hears it."""
    file = office.recordings / "messages" / "call-9.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"RIFF" + bytes(200))
    await leave_message(
        office.desk, call_id="call-9", file="messages/call-9.wav", seconds=4, by=SYSTEM
    )
    assert (await (await door("ben")).get("/recordings/1")).status == 200
    assert (await (await door()).get("/recordings/1")).status == 303


async def test_a_recording_whose_file_is_gone_says_so(office: Office, door: Open) -> None:
    await office.take(*a_call())
    answer = await (await door("ava")).get("/recordings/1")
    assert answer.status == 404
    assert "its file is missing" in await answer.text()


@pytest.mark.parametrize("file", ["../secret.wav", "/etc/passwd", "link.wav", "a\0b.wav"])
async def test_a_recording_outside_its_folder_is_not_served(
    office: Office, door: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    await recorded(office)
    (tmp_path / "secret.wav").write_bytes(b"secret")
    (office.recordings / "link.wav").symlink_to(tmp_path / "secret.wav")

    class Found:
        agents = ("ava",)
        kind = "call"

    Found.file = file

    async def recording(*_args: object) -> Found:
        return Found()

    monkeypatch.setattr("agent_console.reading.recording", recording)
    answer = await (await door("ava")).get("/recordings/1")
    assert answer.status == 404
    assert b"secret" not in (await answer.read()).replace(b"secret.wav", b"")


# -- health -------------------------------------------------------------------------------------


async def test_health_is_told_without_signing_in_and_figures_are_not(
    office: Office, door: Open
) -> None:
    await create_staff(office.desk, name="root", role="administrator", password=PASSWORD, by=SYSTEM)
    stranger = await door()
    assert (await stranger.get("/healthz")).status == 200
    assert (await stranger.get("/readyz")).status == 200
    assert (await (await door("sue")).get("/metrics")).status == 403
    answer = await (await door("root")).get("/metrics")
    assert "python_info" in await answer.text()


async def test_a_database_that_is_away_is_a_page_in_words_and_not_ready(
    office: Office, door: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_args: object) -> None:
        raise DatabaseAway("locked")

    ava = await door("ava")
    monkeypatch.setattr(office.desk, "fetch", away)
    assert (await ava.get("/healthz")).status == 200
    assert (await ava.get("/readyz")).status == 503
    answer = await ava.get("/cases")
    assert answer.status == 503
    assert "did not answer in time" in await answer.text()


@pytest.mark.parametrize("place", ["by_session", "handler"])
async def test_a_page_that_takes_too_long_is_a_503_in_words(
    door: Open, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Whether it hangs while we look who is asking, or later."""

    async def hang(*_args: object, **_more: object) -> None:
        await asyncio.Event().wait()

    ava = await door("ava")
    monkeypatch.setattr(middleware, "SECONDS", 0.3)
    if place == "by_session":
        monkeypatch.setattr(sessions, "by_session", hang)
    else:
        monkeypatch.setattr(reading, "cases", hang)
    async with asyncio.timeout(10):
        answer = await ava.get("/cases")
    text = await answer.text()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "did not answer in time" in text
    assert "Wait a moment, look, and try again." in text

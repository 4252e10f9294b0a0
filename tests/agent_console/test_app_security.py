"""What stands between the counter and the rest of the web."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from agent_console.access import Permission
from agent_console.app import TABLE, build_app
from agent_console.pages.forms import own_path
from tests.agent_console.conftest import Open, context_for


def filled(path: str) -> str:
    """A route's path with something in its holes."""
    path = re.sub(r"{(id|path:\.\+)}", "1", path)
    return re.sub(r"{lang}", "en", re.sub(r"{(number|call_id|name)}", "C-1", path))


PROTECTED = [route for route in TABLE if route.permission is not Permission.ANYONE]


@pytest.mark.parametrize("route", PROTECTED, ids=lambda r: f"{r.method} {r.path}")
async def test_nobody_gets_anything_that_is_not_open(browser: Open, route: Any) -> None:
    stranger = await browser()
    answer = await stranger.client.request(route.method, filled(route.path), allow_redirects=False)
    if route.door == "bearer" or route.method != "GET" or route.path.endswith(".json"):
        assert answer.status == 401
    else:
        assert answer.status == 303
        assert answer.headers["Location"].startswith("/sign-in")


@pytest.mark.parametrize("path", ["/board", "/metrics"])
async def test_an_agent_is_refused_what_is_a_supervisors(browser: Open, path: str) -> None:
    ava = await browser("ava-cookie")
    answer = await ava.get(path)
    assert answer.status == 403
    assert "Traceback" not in await answer.text()


@pytest.mark.parametrize(
    "route",
    [r for r in TABLE if r.method != "GET" and r.door == "cookie"],
    ids=lambda r: f"{r.method} {r.path}",
)
@pytest.mark.parametrize("sent", [{}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": "Ü\udcff"}])
async def test_no_form_is_taken_without_the_sessions_own_token(
    browser: Open, route: Any, sent: dict[str, str]
) -> None:
    root = await browser("root-cookie")
    data = {
        name: value.encode("utf-8", "surrogatepass").decode("latin-1")
        for name, value in sent.items()
    }
    answer = await root.post(filled(route.path), data)
    assert answer.status == 403


async def test_another_sessions_token_is_no_token(browser: Open) -> None:
    ava, sue = await browser("ava-cookie"), await browser("sue-cookie")
    answer = await sue.post("/language", {"csrf": await ava.token(), "lang": "zh"})
    assert answer.status == 403


async def test_a_token_in_the_header_serves_scripts(browser: Open) -> None:
    ava = await browser("ava-cookie")
    headers = {"X-CSRF-Token": await ava.token()}
    answer = await ava.post("/language", {"lang": "zh"}, headers=headers)
    assert answer.status == 303


async def test_every_answer_carries_the_headers_that_protect(browser: Open) -> None:
    ava = await browser("ava-cookie")
    for path in ("/figures", "/sign-in", "/nothing", "/healthz", "/api/v1/cases", "/board"):
        headers = (await ava.get(path)).headers
        policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'self'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
        assert policy["connect-src"] == "'self' ws://127.0.0.1:9001 ws://127.0.0.1:9002"
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


async def test_a_hostile_host_header_does_not_get_into_the_policy(browser: Open) -> None:
    ava = await browser("ava-cookie")
    answer = await ava.get("/figures", headers={"Host": "x; script-src *"})
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "script-src *" not in policy


@pytest.mark.parametrize("host", ["x:99999999", "", "[::1", "x; script-src *"])
async def test_a_host_that_is_none_is_asked_to_sign_in_like_any(browser: Open, host: str) -> None:
    """A stranger's header causes no error of ours, and no answer without the headers."""
    answer = await (await browser()).get("/cases?status=open&x=1", headers={"Host": host})
    assert answer.status == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fcases%3Fstatus%3Dopen%26x%3D1"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


async def test_no_page_has_inline_script_style_or_handlers(browser: Open) -> None:
    ava = await browser("ava-cookie")
    for path in ("/figures", "/sign-in", "/nothing"):
        text = await (await ava.get(path)).text()
        assert re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text) is None
        assert re.search(r"<style|\sstyle=|\son[a-z]+=", text) is None


async def test_cookies_are_httponly_lax_and_secure_where_it_is_set(browser: Open) -> None:
    for secure in (False, True):
        stranger = await browser("", cookie_secure=secure)
        cookie = (await stranger.get("/sign-in")).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) is secure


@pytest.mark.parametrize(
    ("asked", "goes"),
    [
        ("/cases?status=open", "/cases?status=open"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("", "/"),
    ],
)
def test_a_redirect_stays_on_this_site(asked: str, goes: str) -> None:
    assert own_path(asked) == goes


async def test_a_language_form_cannot_send_one_elsewhere(browser: Open) -> None:
    ava = await browser("ava-cookie")
    fields = {"csrf": await ava.token(), "lang": "zh", "next": "//evil.example"}
    assert (await ava.post("/language", fields)).headers["Location"] == "/"


async def test_what_is_nowhere_is_a_page_that_says_so(browser: Open) -> None:
    ava = await browser("ava-cookie")
    answer = await ava.get("/nothing/here")
    assert answer.status == 404
    assert "There is no such page" in await answer.text()


async def test_an_error_of_ours_shows_no_traceback(
    browser: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("agent_console.reading.cases", broken)
    ava = await browser("ava-cookie")
    answer = await ava.get("/cases")
    text = await answer.text()
    assert answer.status == 500
    assert "secret detail" not in text
    assert "Something went wrong on our side" in text


async def test_a_route_that_is_in_no_table_is_refused(tmp_path: Path) -> None:
    async def open_door(_request: Any) -> Any:
        raise AssertionError("must not be reached")

    app = build_app(context_for(tmp_path))
    app.router.add_get("/back-door", open_door)
    client: TestClient[Any, Any] = TestClient(TestServer(app))
    await client.start_server()
    try:
        assert (await client.get("/back-door", allow_redirects=False)).status == 403
    finally:
        await client.close()


async def test_a_body_that_is_too_large_is_refused(browser: Open) -> None:
    ava = await browser("ava-cookie")
    answer = await ava.post("/language", {"csrf": "x" * 300_000, "lang": "zh"})
    assert answer.status == 413


@pytest.mark.parametrize(
    "path",
    [
        "/static/built/../secret.txt",
        "/static/built/%2e%2e/secret.txt",
        "/static/built/..%2fsecret.txt",
        "/static/built/link.txt",
        "/static/built/%00",
        "/static/built//etc/passwd",
    ],
)
async def test_nothing_outside_the_bundle_can_be_had(
    browser: Open, tmp_path: Path, path: str
) -> None:
    stranger = await browser()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "built" / "link.txt").symlink_to(tmp_path / "secret.txt")
    answer = await stranger.get(path)
    assert answer.status in (303, 404)
    assert "secret" not in (await answer.text()).replace("secret.txt", "")


async def test_the_bundle_is_kept_for_ever_under_its_hashed_name(
    browser: Open, tmp_path: Path
) -> None:
    stranger = await browser()
    (tmp_path / "built" / "app-1a2b.css").write_text("body{}")
    (tmp_path / "built" / "manifest.json").write_text('{"app.css": "app-1a2b.css"}')
    assert "/static/built/app-1a2b.css" in await (await stranger.get("/sign-in")).text()
    answer = await stranger.get("/static/built/app-1a2b.css")
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]

"""Headers, cookies and CSRF tokens: what stands between a page and the rest of the web."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache
from urllib.parse import urlsplit

from aiohttp import web

from agent_console.context import ConsoleContext
from agent_console.errors import BadToken
from agent_console.origins import at_host
from agent_console.web import CONTEXT, CSRF, host

SESSION_COOKIE = "ringdesk_session"
VISIT_COOKIE = "ringdesk_visit"  # before sign-in: what the sign-in form's CSRF token hangs on
LANGUAGE_COOKIE = "ringdesk_lang"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
YEAR = 365 * 24 * 3600

FIXED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(self)",
}


@lru_cache(maxsize=64)
def content_policy(live_url: str, sip_url: str, host_name: str) -> str:
    """The Content-Security-Policy for pages asked for at `host_name`."""
    sockets = " ".join(
        dict.fromkeys(_origin(at_host(url, host_name)) for url in (live_url, sip_url))
    )
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "media-src 'self' blob:",
            f"connect-src 'self' {sockets}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def protect(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers on a response; pages with a person's data are not kept by caches."""
    context = request.app[CONTEXT]
    response.headers.update(FIXED_HEADERS)
    response.headers["Content-Security-Policy"] = content_policy(
        context.live_url, context.sip_url, host(request)
    )
    response.headers.setdefault("Cache-Control", "no-store")
    if context.cookie_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"


def csrf_token(secret: str) -> str:
    """The CSRF token that belongs to a session's (or visit's) secret; it does not reveal it."""
    return hmac.new(secret.encode(), b"ringdesk csrf", hashlib.sha256).hexdigest()


def new_visit() -> str:
    """A secret for somebody not signed in."""
    return secrets.token_urlsafe(24)


async def check_csrf(request: web.Request) -> None:
    """Raise BadToken unless the form field or the header carries this session's token."""
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and request.content_type in (
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ):
        field = (await request.post()).get(CSRF_FIELD, "")
        sent = field if isinstance(field, str) else ""
    expected = request.get(CSRF, "")
    if not expected or not hmac.compare_digest(
        sent.encode("utf-8", "surrogatepass"), expected.encode()
    ):
        raise BadToken


def set_cookie(
    response: web.StreamResponse,
    context: ConsoleContext,
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    script_reads: bool = False,
) -> None:
    """A cookie of ours: for the whole site, Lax, and HttpOnly unless scripts need it (language)."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        secure=context.cookie_secure,
        httponly=not script_reads,
        samesite="Lax",
    )


def drop_cookie(response: web.StreamResponse, context: ConsoleContext, name: str) -> None:
    """Make the browser forget a cookie."""
    response.del_cookie(name, path="/", secure=context.cookie_secure, httponly=True, samesite="Lax")

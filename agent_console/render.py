"""Jinja2 as the pages use it: one environment a language, everything escaped, nothing undefined.

Texts from callers are hostile: autoescape is on for every template, and bytes that were no UTF-8
(lone surrogates) come out as U+FFFD instead of breaking the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agent_console import words
from agent_console.access import Permission, may, may_file, may_hear, may_keep
from agent_console.assets import Assets
from agent_console.context import ConsoleContext
from agent_console.i18n import NAMES, Translator
from agent_console.legs import picture
from agent_console.navigation import places
from agent_console.shown import clean
from agent_console.web import CSRF, RENDERER, TRANSLATORS, language_of, viewer_of
from service_desk.phone_number import shown as shown_number
from service_desk.queries.briefs import in_language
from service_desk.views import CaseBrief

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Templates by name, in each language."""

    def __init__(
        self, context: ConsoleContext, translators: Mapping[str, Translator], assets: Assets
    ) -> None:
        self._environments = {
            language: _environment(context, translator, assets)
            for language, translator in translators.items()
        }

    def text(self, language: str, name: str, values: Mapping[str, Any]) -> str:
        """The rendered template; raises if it uses a value it was not given."""
        return self._environments[language].get_template(name).render(**values)


def page(
    request: web.Request, name: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """An HTML answer in the language of the request."""
    viewer = viewer_of(request)
    language = language_of(request)
    shared = {
        "lang": language,
        "viewer": viewer,
        "csrf": request.get(CSRF, ""),
        "path": request.rel_url.raw_path_qs,
        "may": lambda permission: may(viewer, Permission(permission)),
        "may_hear": lambda agents: may_hear(viewer, agents),
        "may_keep": lambda promise: may_keep(viewer, promise.owners()),
        "may_file": lambda call: may_file(viewer, call.agents, ended=call.ended_at is not None),
        "pages": places(viewer, request.app[TRANSLATORS]),
        "query": "",
        "names": {},
    }
    text = request.app[RENDERER].text(language, name, {**shared, **(values or {})})
    return web.Response(text=text, content_type="text/html", status=status)


def _environment(context: ConsoleContext, translator: Translator, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    catalogue = translator.gettext
    install = environment.install_gettext_callables  # type: ignore[attr-defined] # the extension's
    install(catalogue.gettext, catalogue.ngettext, newstyle=True)
    zone = ZoneInfo(context.time_zone)
    locale = translator.locale

    def when(at: datetime | None) -> str:
        """Date and minute in the company's time zone."""
        return "" if at is None else format_datetime(at.astimezone(zone), "yyyy-MM-dd HH:mm")

    def day(at: datetime | None) -> str:
        """The date alone."""
        return "" if at is None else format_datetime(at.astimezone(zone), "yyyy-MM-dd")

    def queue(name: str | None) -> str:
        """A queue by its title, in the page's language."""
        return context.title_of(name or "").said(translator.language)

    def ago(at: datetime | None, now: datetime) -> str:
        return "" if at is None else format_timedelta(at - now, add_direction=True, locale=locale)

    def subject(about: CaseBrief) -> str:
        """What a case is about, in the page's language."""
        return in_language(translator.language, about.subject, about.subject_zh)

    def money(amount: int, currency: str) -> str:
        return format_currency(amount / 100, currency, locale=locale)

    def number(value: float) -> str:
        return format_decimal(value, locale=locale)

    def word(kind: str, code: str | None) -> str:
        return translator.say(words.word(kind, code))

    environment.filters.update(
        when=when,
        day=day,
        queue=queue,
        subject=subject,
        phone=phone,
        ago=ago,
        money=money,
        number=number,
        clock=clock,
        iso=_iso,
    )
    environment.globals.update(
        asset=assets.url,
        word=word,
        leg_picture=picture,
        company=context.company,
        language_names={code: NAMES.get(code, code) for code in context.languages},
    )
    return environment


def phone(number: str) -> str:
    """A number as people read it, if it is one."""
    return shown_number(number) if number.startswith("+") else number


def clock(seconds: float | None) -> str:
    """Seconds as m:ss or h:mm:ss; nothing for None."""
    if seconds is None:
        return ""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def _iso(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()


def _finalize(value: Any) -> Any:
    # Of the same kind: markup stays markup.
    return type(value)(clean(value)) if isinstance(value, str) else value

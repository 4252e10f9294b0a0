"""The two languages: one catalogue out of two files, read at the start.

What the scripts say stands in `static/messages.zh.json` (they are built with it), all else in
`locale/*/LC_MESSAGES/messages.po`. A text of both stands in the first alone, so that a word is
never said in two ways. The catalogue serves the templates (Jinja's i18n extension) and Python
(`Translator.say`). After changing texts, from the checkout's root:

    pybabel extract -F agent_console/locale/babel.cfg -k N_ --no-location -o build/messages.pot .
    pybabel update -N -i build/messages.pot -d agent_console/locale -l zh_CN

No compile step: `.po` is what is read, so a checkout cannot hold stale `.mo` files.
"""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import msgspec
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from msgspec import Struct

LOCALE = Path(__file__).parent / "locale"
SCRIPTS = Path(__file__).parent / "static"
# Our short language codes and the locale that serves each.
LOCALES: Mapping[str, str] = {"en": "en", "zh": "zh_CN"}
NAMES: Mapping[str, str] = {"en": "English", "zh": "中文"}


class Translator(Struct, frozen=True):
    """One language: `say("Sign in")`, and the whole catalogue."""

    language: str
    locale: str
    gettext: gettext.NullTranslations
    catalogue: dict[str, str]

    def say(self, text: str) -> str:
        """`text` in this language, or as it is."""
        return self.gettext.gettext(text)


def load(language: str, folder: Path = LOCALE) -> Translator:
    """The translator of `language` (`en`, `zh`); without a catalogue it speaks English."""
    locale = LOCALES.get(language, "en")
    path = folder / locale / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return Translator(language, locale, gettext.NullTranslations(), {})
    with path.open("rb") as file:
        catalogue = read_po(file, locale=locale)
    for text, said in _of_scripts(language).items():
        catalogue.delete(text)  # `pybabel update` puts it back, empty
        catalogue.add(text, said)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    texts = {
        str(message.id): str(message.string)
        for message in catalogue
        if message.id and message.string and isinstance(message.id, str)
    }
    return Translator(language, locale, gettext.GNUTranslations(compiled), texts)


def _of_scripts(language: str) -> dict[str, str]:
    path = SCRIPTS / f"messages.{language}.json"
    return msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.is_file() else {}


def load_all(languages: tuple[str, ...]) -> dict[str, Translator]:
    """Translators by language, in the order of the settings."""
    return {language: load(language) for language in languages}


def choose(wanted: str | None, accept: str, languages: tuple[str, ...]) -> str:
    """The language to show: the one asked for, else the browser's, else the first."""
    if wanted in languages:
        return str(wanted)
    for part in accept.split(","):
        tag = part.partition(";")[0].strip().lower()
        short = tag.partition("-")[0]
        if short in languages:
            return short
    return languages[0]

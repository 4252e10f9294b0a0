"""A refusal in the reader's words: the fixed text translated, then its values put in.

To translate a finished sentence would need every sentence there can be; so errors carry a text with
`{holes}` and the values beside it (`service_desk/errors.py`, `cti/wishes.py`, `errors.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from agent_console.access import NotAllowed
from agent_console.errors import ConsoleError, status_of
from agent_console.i18n import Translator
from agent_console.words import N_, word
from service_desk.errors import DeskError

# What values mean that are codes: hole -> the kind of words (`words.py`).
CODES: Mapping[str, str] = {"before": "status", "status": "status"}
PLACE = re.compile(r"at `\$\.([a-z_]+)")


def in_words(error: BaseException, translator: Translator) -> str:
    """One line for a person, or nothing when the fault is ours: nobody could act on it."""
    if status_of(error)[0] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ""
    match error:
        case DeskError() | ConsoleError():
            said = filled(error.text, error.values, translator)
            return _of_field(getattr(error, "field", ""), said, translator)
        case NotAllowed():
            text = N_("This needs the right {permission}.")
            return filled(text, {"permission": error.permission}, translator)
        case msgspec.MsgspecError() if translator.language != "en":
            # msgspec speaks English only; the place is what helps.
            place = PLACE.search(str(error))
            said = translator.say(N_("is not as it must be"))
            return _of_field(place[1], said, translator) if place else ""
        case _:
            return str(error)


def filled(text: str, values: Mapping[str, object], translator: Translator) -> str:
    """`text` translated, with its values; codes among them by their words."""
    said = translator.say(text)
    if not values:
        return said
    shown = {name: _value(name, str(value), translator) for name, value in values.items()}
    return said.format_map(shown)


def _value(name: str, value: str, translator: Translator) -> str:
    kind = CODES.get(name)
    return value if kind is None else translator.say(word(kind, value)).lower()


def _of_field(field: str, said: str, translator: Translator) -> str:
    """English keeps the field's code, which programs and their authors read too."""
    if not field or translator.language == "en":
        return f"{field}: {said}" if field else said
    return f"{translator.say(word('field', field))}：{said}"

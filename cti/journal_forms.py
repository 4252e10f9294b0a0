"""How Asterisk's records lie in their files: where one ends, and which values it has.

Ours (cel_custom.conf.j2, Master.csv) are values in quotes, with commas between them, and every
quote within a value doubled. So nothing that a caller sends can end a value: a line's end within
one belongs to it, and what stands at the beginning of a record, `"<system>","`, stands nowhere
within another. Until 0.1 a record was a JSON object a line, in which Asterisk escapes quotes but
neither backslashes nor line ends: its values are cut where their keys stand, which no value can
contain with its quotes bare.
"""

from __future__ import annotations

import csv
import re

CUT_AT = 1_000  # bytes: Asterisk up to 22.10 cuts a record at 1,024, wherever that is
QUOTE = b'"'


def record_end(data: bytes, start: int, begins: bytes = b"") -> int:
    """Where the line end is that ends the record at `start`; -1 if it is not there yet.

    `begins`: how every record begins. One that was torn by a crash or a full disk, or cut, ends
    where the next one begins, or where none can go on.
    """
    end = data.find(b"\n", start)
    if end < 0:
        return end
    if begins:  # a torn one may stand before it on the same line
        start = data.rfind(begins, start, end)
        if start < 0:
            return end
    within = data.count(QUOTE, start, end) % 2
    while within and end - start < CUT_AT:
        following = data.find(b"\n", end + 1)
        if following < 0:
            return end if begins and data.startswith(begins, end + 1) else -1
        glued = data.rfind(begins, end + 1, following) if begins else -1
        if glued == end + 1:
            break
        if glued > 0:
            start, within = glued, data.count(QUOTE, glued, following) % 2
        else:
            within ^= data.count(QUOTE, end, following) % 2
        end = following
    return end


def quoted(text: str, many: int) -> list[str] | None:
    """The values of a whole record, None if there are not so many or it is none."""
    try:
        [values] = csv.reader([text], strict=True)
    except (csv.Error, ValueError):
        return None
    return values if len(values) == many else None


def begun(text: str) -> list[str]:
    """The values of the beginning of a record; the last of them is not whole, and left out."""
    try:
        [values] = csv.reader([text])
    except (csv.Error, ValueError):
        return []
    return values[:-1]


# The old form: first what nobody from outside has a say in, then what may be anything.
_OPEN = re.compile(
    r'\{"system":"(?P<system>[^"\\]*)","eventtype":"(?P<eventtype>[^"\\]*)"'
    r',"eventtime":(?P<eventtime>[0-9]{1,12}(?:\.[0-9]{1,9})?)'
    r',"userdeftype":"(?P<userdeftype>[^"\\]*)"'
    r',"uniqueid":"(?P<uniqueid>[^"\\]*)","linkedid":"(?P<linkedid>[^"\\]*)"'
    r',"channame":"(?P<channame>[^"]*)","context":"(?P<context>[^"]*)"'
    r',"appname":"(?P<appname>[^"\\]*)"'
)
_REST = (
    "eventextra",
    "appdata",
    "accountcode",
    "peer",
    "exten",
    "num",
    "ani",
    "rdnis",
    "dnid",
    "name",
)


def cut_at_keys(text: str) -> dict[str, str] | None:
    """What a record in the old form says that is no JSON, by key; None if it has no head.

    A key with its quotes bare stands in no value: Asterisk puts a backslash before each.
    """
    head = _OPEN.match(text)
    if head is None:
        return None
    found = head.groupdict()
    rest = text[head.end() :].removesuffix('"}')
    for place, key in enumerate(_REST):
        mark = f',"{key}":"'
        if rest.startswith(mark):
            rest = rest[len(mark) :]
            marks = (rest.find(f'","{later}":"') for later in _REST[place + 1 :])
            end = min((each for each in marks if each >= 0), default=len(rest))
            found[key] = _bare(rest[:end])
            rest = rest[end + 1 :]
    return found


def _bare(text: str) -> str:
    return text.replace('\\"', '"')

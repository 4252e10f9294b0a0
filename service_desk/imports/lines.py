"""A CSV file line by line, as other programs write them: UTF-8 with or without a mark, comma or
semicolon, fields in quotes where need be. Streamed; a line that is wrong costs that line alone.
"""

from __future__ import annotations

import contextlib
import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, Final

from msgspec import Struct

LONGEST: Final = 64 * 1024  # bytes of one line
MOST_TOGETHER: Final = 50  # lines of one record: a field in quotes may hold some
_MARK: Final = b"\xef\xbb\xbf"
_OTHER_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


class BadFile(Exception):
    """The file cannot be read as one: `number` is the line, `why` what is wrong."""

    def __init__(self, number: int, why: str) -> None:
        super().__init__(f"{number}: {why}")
        self.number = number
        self.why = why


class Line(Struct, frozen=True):
    """One record: the number of its first line, and its fields by column; `why` it is none."""

    number: int
    values: Mapping[str, str] = {}
    why: str = ""


class Columns(Struct, frozen=True):
    """The columns a file may have. `other`: further names of one."""

    needed: tuple[str, ...]
    known: tuple[str, ...]
    other: Mapping[str, str] = {}

    def of(self, header: Sequence[str]) -> list[str]:
        """The columns of a header, "" for one that is passed over. Raises BadFile."""
        found = [self._name(each) for each in header]
        names = [name for name in found if name]
        for name in names:
            if names.count(name) > 1:
                raise BadFile(1, f"the column {name} is there twice")
        missing = [name for name in self.needed if name not in names]
        if missing:
            raise BadFile(1, f"there is no column {missing[0]}; known: {', '.join(self.known)}")
        return found

    def _name(self, said: str) -> str:
        name = "_".join(said.lower().replace("-", " ").split())
        name = self.other.get(name, name)
        return name if name in self.known else ""


class Reader:
    """The records of an open file; `passed_over`: columns that nobody knows, by their names."""

    def __init__(self, file: BinaryIO, columns: Columns) -> None:
        self._lines = _Lines(file)
        header = self._header()
        self._columns = columns.of(header)
        pairs = zip(header, self._columns, strict=True)
        self.passed_over = tuple(said for said, name in pairs if not name)

    def _header(self) -> list[str]:
        first = self._lines.take()
        if first is None or first.why:
            raise BadFile(1, "the file is empty" if first is None else first.why)
        many = first.text.count
        self._delimiter = ";" if many(";") > many(",") else ","
        fields = self._fields(first)
        if isinstance(fields, str):
            raise BadFile(1, fields)
        return fields

    def __iter__(self) -> Iterator[Line]:
        while (first := self._lines.take()) is not None:
            if not first.why and not first.text.strip():
                continue
            fields = first.why or self._fields(first)
            if isinstance(fields, str):
                yield Line(first.number, why=fields)
            elif len(fields) != len(self._columns):
                why = f"has {len(fields)} fields, the header has {len(self._columns)}"
                yield Line(first.number, why=why)
            else:
                pairs = zip(self._columns, fields, strict=True)
                yield Line(first.number, {name: _one_line(value) for name, value in pairs if name})

    def _fields(self, first: _Text) -> list[str] | str:
        """The fields of the record that begins here; or why there are none: then only this line is
        taken, and what follows is read as lines of their own."""
        taken: list[_Text] = []

        def more() -> Iterator[str]:
            yield first.text
            while len(taken) < MOST_TOGETHER:
                following = self._lines.take()
                if following is None:
                    return
                taken.append(following)
                if following.why:
                    return
                yield following.text

        try:
            return next(csv.reader(more(), delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            self._lines.put_back(taken)
            return f"is no CSV: {error}"


def _one_line(value: str) -> str:
    """As names and keys are kept: what is looked for must look the same."""
    return " ".join(value.split())


class _Text(Struct, frozen=True):
    """A line as it stands in the file; `why` it is no text."""

    number: int
    text: str = ""
    why: str = ""


class _Lines:
    """The lines of a file, in order; some may be put back."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._again: deque[_Text] = deque()
        self._number = 0  # of the last line that was read

    def take(self) -> _Text | None:
        """The next line, None at the end. Raises BadFile at the first of a file of another kind."""
        if self._again:
            return self._again.popleft()
        raw = self._file.readline(LONGEST)
        if not raw:
            return None
        self._number += 1
        if self._number == 1:
            if raw.startswith(_OTHER_MARKS):
                raise BadFile(1, "is not UTF-8: save it as UTF-8")
            raw = raw.removeprefix(_MARK)
        return self._text(raw)

    def _text(self, raw: bytes) -> _Text:
        why = ""
        if len(raw) == LONGEST and not raw.endswith(b"\n"):
            while (rest := self._file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            why = f"is longer than {LONGEST:,} bytes"
        elif b"\0" in raw:
            why = "holds a NUL"
        else:
            with contextlib.suppress(UnicodeDecodeError):
                return _Text(self._number, raw.decode())
            why = "is not UTF-8"
        return _Text(self._number, why=why)

    def put_back(self, lines: Sequence[_Text]) -> None:
        """Have these be the next that are taken."""
        self._again.extendleft(reversed(lines))

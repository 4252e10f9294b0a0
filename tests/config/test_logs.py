"""What reaches the log of an exception: its types and places, nothing of what people said."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sqlalchemy import text

from config import logs
from service_desk.desk import Desk, connect

SAID = "+493055501001 said this"


def _fails() -> None:
    try:
        int(SAID)
    except ValueError as cause:
        raise RuntimeError(SAID) from cause


def _caught() -> BaseException:
    try:
        _fails()
    except RuntimeError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("given", ["error", "tuple"])
def test_an_exception_is_logged_by_types_and_places(given: str) -> None:
    """Cause and all; the message is left out."""
    error = _caught()
    info = error if given == "error" else (type(error), error, error.__traceback__)
    shown = logs.places_only(None, "error", {"event": "x", "exc_info": info})["exception"]
    assert "builtins.RuntimeError" in shown
    assert "builtins.ValueError" in shown
    assert "test_logs.py" in shown
    assert "in _fails" in shown
    assert SAID not in shown


def test_the_exception_being_handled_is_found() -> None:
    """`log.exception` says only True."""
    try:
        int(SAID)
    except ValueError:
        shown = logs.places_only(None, "error", {"exc_info": True})
    assert "builtins.ValueError" in shown["exception"]
    assert SAID not in str(shown)


def test_what_libraries_log_has_no_values_either() -> None:
    """aiohttp and asyncio log exceptions through the standard library."""
    error = _caught()
    record = logging.LogRecord(
        "aiohttp.server", logging.ERROR, "x", 1, "failed", (), (type(error), error, None)
    )
    line = logs.PlacesOnly(logging.BASIC_FORMAT).format(record)
    assert "failed" in line
    assert "RuntimeError" in line
    assert SAID not in line


async def test_a_database_error_does_not_repeat_the_values(tmp_path: Path) -> None:
    """Neither of the two ways to write puts bound values into its exceptions."""
    desk = Desk(connect(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}"))
    statement = text("INSERT INTO nowhere VALUES (:said)")
    with pytest.raises(Exception, match="nowhere") as plain:
        await desk.transact(lambda connection: connection.execute(statement, {"said": SAID}))
    with pytest.raises(Exception, match="nowhere") as other:
        async with desk.engine.connect() as connection:
            await connection.execute(statement, {"said": SAID})
    for raised in (plain, other):
        assert SAID not in f"{raised.value} {raised.value.__cause__}"
    await desk.close()

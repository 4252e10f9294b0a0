"""How long one waits before the next try to sign in: longer with each wrong one, not for ever.

Counted by name and address together: whoever guesses slows down their own guessing, and nobody else
behind the same address. An address from which many names were tried wrongly has its free tries
taken; the first try of each name is still looked at, so that the right password always comes in.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from cti.bounds import place_of
from service_desk.actions.password_work import Part
from service_desk.desk import Desk
from service_desk.errors import TooManyTries
from service_desk.model import Audit, LoginAttempt

SIGNED_IN: Final = "sign_in"
ADDRESS_FACTOR: Final = 4  # times the tries of one name: then an address is taken for a guesser's
# Tries of one name from everywhere; beyond that only from where that person has signed in lately.
# A limit that held for all would let anybody lock a colleague out.
NAME_FACTOR: Final = 8
KNOWN_FOR: Final = timedelta(days=30)
FIRST_DELAY: Final = 4.0  # seconds; doubled by each further wrong try
LONGEST_DELAY: Final = 300.0


class Tries(Struct, frozen=True):
    """What is known of earlier tries: `wrong` ones of this name from there, and how to treat it."""

    wrong: int
    part: Part


def delay(wrong: int, free: int) -> float:
    """Seconds until the next try, after so many wrong ones of which `free` cost nothing."""
    return 0.0 if wrong < free else min(FIRST_DELAY * 2.0 ** min(wrong - free, 16), LONGEST_DELAY)


def look(connection: Connection, desk: Desk, name: str, address: str) -> Tries:
    """What came before. Raises TooManyTries before any password is looked at."""
    now, most = desk.clock.now(), desk.settings.sign_in_tries
    window = timedelta(minutes=desk.settings.sign_in_window_minutes)
    of_name, of_place = LoginAttempt.name == name, LoginAttempt.address == place_of(address)
    known = _is_at_home(connection, now, name, address)
    wrong, _, last = _counted(connection, of_name & of_place, now - window)
    free = most
    if not known:
        tried, first, _ = _counted(connection, of_name, now - window)
        if tried >= most * NAME_FACTOR:
            raise _too_many((first + window - now).total_seconds())
        everybody, _, _ = _counted(connection, of_place, now - window)
        free = most if everybody < most * ADDRESS_FACTOR else 1
    left = 0.0 if last is None else delay(wrong, free) - (now - last).total_seconds()
    if left > 0:
        raise _too_many(left)
    return Tries(wrong, Part.WRONG if wrong else Part.KNOWN if known else Part.NEW)


def forget_old(connection: Connection, now: datetime, window: timedelta) -> None:
    """Tries that no longer count are not kept, whether anybody ever signs in or not."""
    connection.execute(delete(LoginAttempt).where(LoginAttempt.at < now - window))


def is_worth_a_line(wrong: int) -> bool:
    """Which wrong tries stand in the audit: the first eight, then at each doubling of them."""
    return wrong <= 8 or wrong & (wrong - 1) == 0


def _counted(connection: Connection, which: Any, since: datetime) -> tuple[int, Any, Any]:
    row = connection.execute(
        select(func.count(), func.min(LoginAttempt.at), func.max(LoginAttempt.at)).where(
            which, LoginAttempt.at > since
        )
    ).one()
    return int(row[0]), row[1], row[2]


def _too_many(seconds: float) -> TooManyTries:
    return TooManyTries("too many failed tries; come back later", max(seconds, 1.0))


def _is_at_home(connection: Connection, now: datetime, name: str, address: str) -> bool:
    """Whether this person has signed in from this address lately."""
    found = connection.execute(
        select(Audit.id)
        .where(
            Audit.at > now - KNOWN_FOR,
            Audit.act == SIGNED_IN,
            Audit.about == name,
            Audit.address == address,
        )
        .limit(1)
    ).first()
    return found is not None

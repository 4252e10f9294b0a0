"""What may go wrong at the desk. Every message is one line for a person.

The text is fixed where it is raised; what varies stands in `{holes}` and is given beside it, so
that a counter can say it in another language (`agent_console/refusals.py`): never an f-string.

DeskError
 +-- NotFound
 |    +-- CaseNotFound, ConversationNotFound, CustomerNotFound, FollowUpNotFound,
 |    +-- JobNotFound, ProductNotFound, PurchaseNotFound, StaffNotFound,
 |    +-- RecordingNotFound, TokenNotFound
 +-- Refused            what was asked is not allowed as it is
 |    +-- BadValue      a value is missing, too long or unknown
 |    +-- NotSignedIn   wrong name or password, or a session that is over
 |    +-- TooManyTries  come back later
 +-- IllegalMove        the case (or follow-up) cannot go there from where it is
 +-- Conflict           somebody else was first
 +-- DatabaseAway       the database does not answer
 +-- SchemaMismatch
      +-- SchemaTooOld, SchemaTooNew
"""

from __future__ import annotations


class DeskError(Exception):
    """Anything the desk refuses or cannot do: `text` with its `{holes}`, `values` by hole."""

    def __init__(self, text: str = "", **values: object) -> None:
        self.text = text
        self.values = values
        super().__init__(text.format(**values) if values else text)


class NotFound(DeskError):
    """There is no such thing."""


class CaseNotFound(NotFound):
    """There is no such case."""


class ConversationNotFound(NotFound):
    """There is no such call, or it has not been written yet."""


class CustomerNotFound(NotFound):
    """There is no such customer."""


class FollowUpNotFound(NotFound):
    """There is no such follow-up."""


class ProductNotFound(NotFound):
    """There is no such product."""


class JobNotFound(NotFound):
    """There is no such job."""


class PurchaseNotFound(NotFound):
    """There is no such purchase."""


class StaffNotFound(NotFound):
    """There is no such member of staff."""


class RecordingNotFound(NotFound):
    """There is no such recording."""


class TokenNotFound(NotFound):
    """There is no such API token."""


class Refused(DeskError):
    """What was asked is not allowed as it is."""


class BadValue(Refused):
    """A value is missing, too long or unknown; `field` names it."""

    def __init__(self, field: str, text: str, **values: object) -> None:
        super().__init__(text, **values)
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {super().__str__()}"


class NotSignedIn(Refused):
    """Wrong name or password, or a session that is over."""


class TooManyTries(Refused):
    """Too many failed sign-ins; `retry_after` in seconds."""

    def __init__(self, text: str, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class IllegalMove(DeskError):
    """It cannot go there from where it is."""


class Conflict(DeskError):
    """Somebody else was first."""


class DatabaseAway(DeskError):
    """The database does not answer."""


class SchemaMismatch(DeskError):
    """The database's schema is not the one this program was written for."""


class SchemaTooOld(SchemaMismatch):
    """The database must be migrated first."""


class SchemaTooNew(SchemaMismatch):
    """The database was migrated by a newer program."""
